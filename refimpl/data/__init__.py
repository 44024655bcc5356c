"""Data."""

from refimpl.data.datasets import *  # noqa: F401,F403
