"""git, asked about a repository that may be hostile: nothing of the repository runs and no connection is made.

git reads the repository's own configuration, which can name commands. So fsmonitor, hooks, pagers and every transport
are switched off here; filters run only in commands that read a file's content, which their callers see to.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from codex_evidence.errors import CodexError

_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "core.pager=cat",
    "diff.external=",
    "submodule.recurse=false",
    "protocol.allow=never",
)
_ENVIRONMENT = MappingProxyType(
    {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        # A repository may allow single transports for itself; this list, which is empty, has the last word.
        "GIT_ALLOW_PROTOCOL": "",
        "LC_ALL": "C",
    }
)
# Where the user says which foreign repositories are safe. Other GIT_* variables may name another repository.
_KEPT = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"})


class GitError(CodexError):
    """Why git gives no answer. The sentences of this module hold nothing of the machine."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class SafeGit:
    """git in ``folder``; each command may take ``timeout`` seconds. ``settings`` (``key=value``) and ``environment``
    cannot take back what makes it safe."""

    folder: Path
    timeout: float
    settings: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    program: str = "git"

    def run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """What came of ``git arguments`` with ``given`` as its input. Raises GitError when it did not end by itself."""
        options = [part for setting in (*self.settings, *_SETTINGS) for part in ("-c", setting)]
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT
        }
        try:
            return subprocess.run(
                [self.program, "--no-pager", "--no-replace-objects", *options, *arguments],
                cwd=self.folder,
                env={**kept, **self.environment, **_ENVIRONMENT},
                input=given,
                capture_output=True,
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GitError("git did not answer in time") from error
        except FileNotFoundError as error:
            raise GitError("git is not installed, or the folder is not there") from error
        except OSError as error:
            raise GitError("git cannot be started") from error
