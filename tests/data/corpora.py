"""Small corpora on disk, and the data room in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import codex_train
from codex_train.config.nouns import DataConfig, Format
from codex_train.data.encoder import ByteEncoder
from codex_train.data.prepare import Prepared, prepare

PACKAGE_ROOT = Path(codex_train.__file__).parent.parent

CHILD = """
import json, os, sys
from pathlib import Path
from codex_evidence.canonical import canonical_bytes
from codex_evidence.errors import CodexError
from codex_evidence.plain import from_plain
from codex_train.config.nouns import DataConfig
from codex_train.data.encoder import ByteEncoder
from codex_train.data.prepare import prepare
canonical_bytes({"a": 0.5})  # loads what another user may not be allowed to
if len(sys.argv) > 3 and os.geteuid() == 0:  # whom no permission stops
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
try:
    done = prepare(from_plain(DataConfig, json.loads(sys.argv[2])), Path(sys.argv[1]), ByteEncoder(), 0)
except CodexError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print(json.dumps([done.manifest, list(done.notes)]))
"""


def settings(*files: str, **more: Any) -> DataConfig:
    """The settings of a tiny corpus with its cache beside it."""
    chosen: dict[str, Any] = {"context": 8, "validation": 0.0, "cache": "cache"} | more
    return DataConfig(files=list(files), **chosen)


def prepared(base: Path, *files: str, **more: Any) -> Prepared:
    """``files`` below ``base`` as bytes."""
    return prepare(settings(*files, **more), base, ByteEncoder(), seed=0)


def write(base: Path, **files: str | bytes) -> None:
    """Each of ``files``, whose name has ``__`` for the dot."""
    for name, content in files.items():
        data = content.encode("utf-8") if isinstance(content, str) else content
        (base / name.replace("__", ".")).write_bytes(data)


def lines(*records: object) -> str:
    """``records`` as JSONL."""
    return "".join(json.dumps(record) + "\n" for record in records)


def pairs(*texts: tuple[str, str]) -> str:
    """Prompts and answers as JSONL."""
    return lines(*({"prompt": prompt, "answer": answer} for prompt, answer in texts))


def start(
    base: Path, config: DataConfig, before: Callable[[], None] | None = None, user: int | None = None
) -> subprocess.Popen[str]:
    """``prepare`` in a process of its own, where ``before`` runs first, as ``user`` if the tests run as root. It prints
    manifest and notes, or its error."""
    plain = {
        name: getattr(value, "value", value)
        for name, value in ((name, getattr(config, name)) for name in DataConfig.__dataclass_fields__)
    }
    environment = os.environ | {
        "PYTHONPATH": str(PACKAGE_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(base), json.dumps(plain), *([] if user is None else [str(user)])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=before,  # noqa: PLW1509 - no test starts one while it has threads
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``process``."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def packed_files(base: Path) -> list[Path]:
    """What lies in the cache below ``base``, the locks left out."""
    return sorted(path for path in (base / "cache").rglob("*") if path.is_file() and path.name != "lock")


INSTRUCTIONS = Format.instructions
JSONL = Format.jsonl
