"""`python -m krun`: the command without its launcher."""

from __future__ import annotations

import sys

from krun.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
