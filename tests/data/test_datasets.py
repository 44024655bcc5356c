"""`refimpl.datasets` is this room, by either name."""

import numpy as np

import refimpl
from refimpl.data import tanh_pair


def test_the_room_is_there_after_importing_the_package():
    assert refimpl.datasets is refimpl.data
    np.testing.assert_array_equal(refimpl.datasets.tanh_pair(), tanh_pair())


def test_every_name_it_hands_out_is_there():
    assert all(callable(getattr(refimpl.datasets, n)) for n in refimpl.data.__all__)
