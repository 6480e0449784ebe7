"""Make the pictures that the README shows, of an audit of this repository: the HTML report and the terminal.

The first needs Chromium (Debian package chromium) and Pillow, the second nothing more than codex-audit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1100, 900
COLOURS = 64
MOST_BYTES = 200_000
CELLS = (130, 34)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def audit(folder: Path) -> Path:
    """An audit of this repository in ``folder``."""
    command = [str(Path(sys.executable).with_name("codex-audit")), "run", str(ROOT), "--output", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def shoot(page: Path, picture: Path) -> None:
    """The top of ``page`` as it shows on a screen of WIDTH by HEIGHT, light, into ``picture``."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("screenshots: Chromium is not installed (Debian package chromium)")
    # Chromium refuses its sandbox to root, which a container often is.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    size = f"--window-size={WIDTH},{HEIGHT}"
    options = ["--headless", "--hide-scrollbars", "--disable-gpu", size, f"--screenshot={picture}", *sandbox]
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True, timeout=120)


def html_report(audited: Path) -> Path:
    """The HTML report, with few colours."""
    from PIL import Image

    (page,) = (audited / "reports").glob("capability_matrix_*.html")
    shot = audited / "shot.png"
    shoot(page, shot)
    picture = IMAGES / "html_report.png"
    with Image.open(shot) as image:
        image.convert("RGB").quantize(COLOURS).save(picture, optimize=True)
    return picture


def terminal(audited: Path) -> Path:
    """The TUI on the matrix, in a terminal of CELLS."""
    from codex_audit.tui.app import AuditApp

    async def drawn() -> str:
        app = AuditApp(audited, ROOT)
        async with app.run_test(size=CELLS) as pilot:
            while not app.desk.world.searched:
                await pilot.pause(0.05)
            await pilot.press("down", "down")
            await pilot.pause(0.5)
            return app.export_screenshot(title="codex-audit tui")

    picture = IMAGES / "tui.svg"
    # Without the fonts that Rich would have a reader's browser fetch from elsewhere.
    drawing = re.sub(r"@font-face \{.*?\}\s*", "", asyncio.run(drawn()), flags=re.S)
    picture.write_text(drawing, encoding="utf-8")
    return picture


PICTURES: dict[str, Callable[[Path], Path]] = {"html_report": html_report, "tui": terminal}


def main() -> int:
    """Make the pictures that are named, or all, and refuse one too large for a README."""
    parser = argparse.ArgumentParser(description=__doc__)
    choices = ("all", *PICTURES)
    parser.add_argument(
        "names", nargs="*", choices=choices, default="all", metavar="NAME", help=", ".join(choices)
    )
    given = parser.parse_args().names
    names = list(PICTURES) if "all" in given else given
    IMAGES.mkdir(parents=True, exist_ok=True)
    fits = True
    with tempfile.TemporaryDirectory() as folder:
        audited = audit(Path(folder) / ROOT.name)
        for name in names:
            picture = PICTURES[name](audited)
            size = picture.stat().st_size
            print(f"{picture.relative_to(ROOT)}: {size} bytes")
            fits = fits and size <= MOST_BYTES
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
