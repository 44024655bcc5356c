"""The film of Figure 4: small, whole, and its sliders read what was measured."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from refimpl import TwoLayer
from refimpl.data import tanh_pair
from refimpl.experiments.common import animation, features, film
from refimpl.experiments.common.context import Context


@pytest.fixture(scope="module")
def arrays():
    net = TwoLayer(1, 20, activation="tanh")
    setting = net, features.linear_regime(20), 50, 1e-2
    made = animation.computed(Context("test"), setting)
    return dict(zip("xy", tanh_pair())) | made


def test_the_film_has_a_frame_for_every_look(arrays):
    files = film.files(arrays)
    with Image.open(io.BytesIO(files[film.FILM])) as movie:
        assert movie.format == "GIF" and movie.n_frames > 5
        assert movie.n_frames <= len(arrays["film_steps"])
    assert max(map(len, files.values())) < 500_000


def test_bytes_are_the_numbers_they_stand_for(arrays):
    told = json.loads(film.files(arrays)[film.SNAPSHOTS])
    shape = (len(told["keeps"]), len(told["steps"]), told["neurons"])
    found = np.frombuffer(base64.b64decode(told["angles"]), np.uint8).reshape(shape)
    angles = found / 255 * 2 * np.pi - np.pi
    np.testing.assert_allclose(angles, arrays["film_angle"], atol=0.0124)
    with pytest.raises(AssertionError):  # of another look
        np.testing.assert_allclose(angles[:, 0], angles[:, -1], atol=0.0124)


def test_nothing_is_filmed_where_no_film_was_computed():
    assert film.files({"x": 0}) == {}
