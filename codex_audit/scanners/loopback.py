"""The server of OSV records, as a child of ours: started, asked where it listens, and ended."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codex_audit.scanners.children import INTERPRETER, environment
from codex_evidence.errors import CodexError
from codex_evidence.names import shown

START = 120.0

_PROGRAM = Path(__file__).with_name("osv_server.py")


class OsvServerError(CodexError):
    """The folder of OSV records cannot be served."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class OsvServer:
    """``url`` is on this machine only; ``sha256`` a digest over the records, of which there are ``records``; ``passed``
    are the files below the folder that are none."""

    url: str
    sha256: str
    records: int
    passed: tuple[str, ...]


@contextmanager
def osv_server(folder: Path) -> Iterator[OsvServer]:
    """A server over the OSV records (``*.json``) below ``folder``. Raises OsvServerError when it does not start."""
    with subprocess.Popen(
        [*INTERPRETER, str(_PROGRAM), str(folder.resolve())],
        cwd="/",
        env=environment(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield _greeting(process, folder)
        finally:
            process.kill()


def _greeting(process: subprocess.Popen[bytes], folder: Path) -> OsvServer:
    pipe = process.stdout
    ready = pipe is not None and select.select([pipe], [], [], START)[0]
    line = pipe.readline() if pipe is not None and ready else b""
    try:
        said = json.loads(line)
        return OsvServer(
            f"http://127.0.0.1:{int(said['port'])}/v1/query",
            said["sha256"],
            said["records"],
            tuple(map(str, said["passed"])),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise OsvServerError(
            f"the OSV records in {shown(folder)} could not be served; give a folder of .json files (--osv-folder)"
        ) from error
