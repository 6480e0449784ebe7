"""Make the picture of the HTML report that the README shows: an audit of this repository, opened in Chromium.

Needs Chromium (Debian package chromium) and Pillow.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "html_report.png"
WIDTH, HEIGHT = 1100, 900
COLOURS = 64
MOST_BYTES = 200_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def report(folder: Path) -> Path:
    """The HTML report of an audit of this repository, written under ``folder``."""
    command = [str(Path(sys.executable).with_name("codex-audit")), "run", str(ROOT), "--output", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (found,) = (folder / "reports").glob("capability_matrix_*.html")
    return found


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


def main() -> int:
    """Write the picture with few colours, and refuse one too large for a README."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shot = folder / "shot.png"
        shoot(report(folder), shot)
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(shot) as image:
            image.convert("RGB").quantize(COLOURS).save(PICTURE, optimize=True)
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(ROOT)}: {size} bytes")
    return 0 if size <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
