"""``python -m codex_train`` is ``codex-train``."""

import sys

from codex_train.main import main

if __name__ == "__main__":
    sys.exit(main())
