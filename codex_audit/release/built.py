"""Whether the project builds to the same bytes twice, installs where nothing is, and answers there."""

from __future__ import annotations

import configparser
import shutil
import tempfile
import zipfile
from pathlib import Path

from codex_audit.release.child import Ended, run, shown_in, words
from codex_audit.release.model import Ground, Outcome, failed, passed, skipped
from codex_audit.release.tree import copy_tree
from codex_evidence.digests import file_sha256
from codex_evidence.errors import UsageError

# 1980-01-01, the first day that a zip file can hold.
_EPOCH = "315532800"


def build_item(ground: Ground) -> Outcome:
    """Wheel and source distribution come out of two builds, in two folders, to the same bytes."""
    if not (ground.root / "pyproject.toml").is_file():
        return skipped("there is no pyproject.toml to build from")
    made: list[dict[str, str]] = []
    for number in (1, 2):
        output = ground.kept / f"build-{number}.txt"
        to = ground.kept / f"dist-{number}"
        ended = _built(ground, to, output)
        if ended.code != 0:
            return failed(f"`python -m build` {ended.how}", shown_in(ground, output))
        made.append({path.name: file_sha256(path)[0] for path in sorted(to.iterdir())})
    first, second = made
    if differing := sorted(
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    ):
        return failed(f"two builds gave other bytes: {', '.join(differing)}", *_dist(ground))
    return passed(f"two builds gave the same bytes: {', '.join(first)}", *_dist(ground))


def install_item(ground: Ground) -> Outcome:
    """The wheel just built installs in an empty environment, with what it asks for."""
    wheel = _wheel(ground)
    if wheel is None:
        return skipped("no wheel was built")
    environment = ground.kept / "environment"
    shutil.rmtree(environment, ignore_errors=True)
    output, limit = ground.kept / "install.txt", ground.profile.install.limit
    made = run(
        [ground.python, "-m", "venv", str(environment)], folder=ground.root, output=output, limit=limit
    )
    if made.code == 0:
        options = words(ground.profile.install.options, ground.python)
        pip = [_program(environment, "python"), "-m", "pip", "install", "--no-input", *options, str(wheel)]
        made = run(pip, folder=ground.root, output=output, limit=limit)
    if made.code != 0:
        return failed(f"installing {wheel.name} {made.how}", shown_in(ground, output))
    return passed(f"{wheel.name} installs in an empty environment", shown_in(ground, output))


def entry_points_item(ground: Ground) -> Outcome:
    """Each console script of the wheel answers ``--help`` in that environment."""
    wheel, environment = _wheel(ground), ground.kept / "environment"
    if wheel is None or not environment.is_dir():
        return skipped("no wheel was installed")
    names = console_scripts(wheel)
    if not names:
        return skipped(f"{wheel.name} has no console script")
    faults, outputs = [], []
    for name in names:
        output = ground.kept / f"entry-point-{name}.txt"
        # Outside of the tree, so that nothing is imported from it.
        with tempfile.TemporaryDirectory() as folder:
            argv, limit = [_program(environment, name), "--help"], ground.profile.install.limit
            ended = run(argv, folder=Path(folder), output=output, limit=limit)
        outputs.append(shown_in(ground, output))
        if ended.code != 0 or not ended.last:
            faults.append(f"`{name} --help` {ended.how}" if ended.code else f"`{name} --help` says nothing")
    if faults:
        return failed("; ".join(faults), *outputs)
    return passed(f"{', '.join(names)} answer --help", *outputs)


def console_scripts(wheel: Path) -> tuple[str, ...]:
    """The console scripts of a wheel (entry points specification), sorted. Raises UsageError for a broken file."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign] # names of scripts have capitals
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(
                (one for one in archive.namelist() if one.endswith(".dist-info/entry_points.txt")), None
            )
            if name is None:
                return ()
            parser.read_string(archive.read(name).decode("utf-8"))
    except (zipfile.BadZipFile, configparser.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{wheel.name} is no wheel whose entry points can be read: {error}") from error
    return tuple(sorted(parser["console_scripts"])) if "console_scripts" in parser else ()


def _built(ground: Ground, to: Path, output: Path) -> Ended:
    """One build, in a folder of its own that holds the tree and nothing else."""
    shutil.rmtree(to, ignore_errors=True)
    options = words(ground.profile.build.options, ground.python)
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        copy = Path(folder) / "tree"
        copy_tree(ground.root, copy)
        return run(
            [ground.python, "-m", "build", "--outdir", str(to), *options, str(copy)],
            folder=Path(folder),
            output=output,
            limit=ground.profile.build.limit,
            environment={"SOURCE_DATE_EPOCH": _EPOCH},
        )


def _wheel(ground: Ground) -> Path | None:
    return next(iter(sorted((ground.kept / "dist-1").glob("*.whl"))), None)


def _dist(ground: Ground) -> tuple[str, str]:
    return shown_in(ground, ground.kept / "dist-1"), shown_in(ground, ground.kept / "dist-2")


def _program(environment: Path, name: str) -> str:
    return str(environment / "bin" / name)
