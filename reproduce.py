"""Measure every claim of the paper: see ``python reproduce.py --help``."""

import sys

from refimpl.reproduce.cli import main

if __name__ == "__main__":
    sys.exit(main())
