"""Dockerfiles through dockerfile-parse: each instruction with its line."""

from __future__ import annotations

import io

from codex_audit.facts.model import DockerFacts, Instruction
from codex_audit.facts.source import ReadError, cut, text_of_any


def read_docker(data: bytes, path: str) -> DockerFacts:
    """The instructions of a Dockerfile. Raises ReadError for one that holds none."""
    from dockerfile_parse import DockerfileParser

    # Given a file object the parser neither looks for nor writes a file.
    parser = DockerfileParser(fileobj=io.BytesIO(text_of_any(data).encode("utf-8")))
    found = tuple(
        Instruction(item["instruction"].upper(), cut(item["value"]), item["startline"] + 1)
        for item in parser.structure
        if item["instruction"] != "COMMENT"
    )
    if not any(item.name == "FROM" for item in found):
        raise ReadError("no FROM instruction, so it is no Dockerfile")
    return DockerFacts(found)
