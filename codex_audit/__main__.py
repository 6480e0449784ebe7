"""``python -m codex_audit`` is ``codex-audit``."""

import sys

from codex_audit.main import main

if __name__ == "__main__":
    sys.exit(main())
