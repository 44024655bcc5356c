"""``python -m refimpl`` is ``python reproduce.py``."""

import sys

from refimpl.cli import main

sys.exit(main())
