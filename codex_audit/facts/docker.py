"""Dockerfiles through dockerfile-parse: each instruction with its line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from codex_audit.facts.model import DockerFacts, Instruction
from codex_audit.facts.source import ReadError, cut, text_of_any

_HEREDOC = re.compile(r"<<-?[\"']?(\w+)")
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
    delimiter = ""
    for item in parsed:
        name, line = item["instruction"], item["startline"] + 1
        if name in _INSTRUCTIONS:
            heredoc = _HEREDOC.search(item["value"]) if name == "RUN" else None
            delimiter = heredoc[1] if heredoc else ""
            yield Instruction(name, cut(item["value"]), line)
        elif delimiter and name != "COMMENT":
            command = " ".join(item["content"].split())
            if command == delimiter:
                delimiter = ""
            else:
                yield Instruction("RUN", cut(command), line)
