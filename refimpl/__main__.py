"""``python -m refimpl`` is ``python reproduce.py``."""

import sys

from refimpl.reproduce.cli import main

sys.exit(main(program="python -m refimpl"))
