"""Dockerfiles through dockerfile-parse: each instruction with its line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from codex_audit.facts.model import DockerFacts, Instruction
from codex_audit.facts.source import ReadError, cut, text_of_any

_INSTRUCTIONS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL "
    "USER VOLUME WORKDIR".split()
)


def read_docker(data: bytes, path: str) -> DockerFacts:
    """The instructions of a Dockerfile. Raises ReadError for one that holds none."""
    from dockerfile_parse import DockerfileParser

    # Given a file object the parser neither looks for nor writes a file.
    parser = DockerfileParser(fileobj=io.BytesIO(text_of_any(data).encode("utf-8")))
    found = tuple(_instructions(parser.structure))
    if not any(item.name == "FROM" for item in found):
        raise ReadError("no FROM instruction, so it is no Dockerfile")
    return DockerFacts(found)


def _instructions(parsed: list[dict[str, Any]]) -> Iterator[Instruction]:
    """The parser takes the lines of a here-document for instructions; those of a RUN are more commands of
    it."""
    heredoc = False
    for item in parsed:
        name, line = item["instruction"], item["startline"] + 1
        if name in _INSTRUCTIONS:
            heredoc = name == "RUN" and "<<" in item["value"]
            yield Instruction(name, cut(item["value"]), line)
        elif heredoc and name != "COMMENT":
            yield Instruction("RUN", cut(" ".join(item["content"].split())), line)
