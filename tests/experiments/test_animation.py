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
    made = animation.computed(Context("test", seeds=(3000,)), setting)
    return dict(zip("xy", tanh_pair())) | made


@pytest.fixture(scope="module")
def files(arrays):
    return film.files(arrays)


@pytest.fixture
def told(files):
    return json.loads(files[film.SNAPSHOTS])


def test_the_film_has_a_frame_for_every_look(arrays, files):
    with Image.open(io.BytesIO(files[film.FILM])) as movie:
        assert movie.format == "GIF" and movie.n_frames > 5
        assert movie.n_frames <= len(arrays["film_steps"])
    assert max(map(len, files.values())) < 500_000


KINDS = {  # the least, the greatest, how they are written
    "angle": (-np.pi, np.pi, "u1"),
    "size": (0, 1, "u1"),
    "output": (-3, 3, "<u2"),
}


@pytest.mark.parametrize("name", KINDS)
def test_bytes_are_the_numbers_they_stand_for(arrays, told, name):
    number = told["points"] if name == "output" else told["neurons"]
    shape = len(told["keeps"]), len(told["steps"]), number
    low, high, kind = KINDS[name]
    read = np.frombuffer(base64.b64decode(told[f"{name}s"]), kind).reshape(shape)
    step = (high - low) / np.iinfo(kind).max
    found = low + read * step
    expected = arrays[f"film_{name}"]
    assert found.shape == expected.shape and np.ptp(expected) > 20 * step
    tolerance = {"rtol": 0, "atol": 0.501 * step}
    np.testing.assert_allclose(found, np.clip(expected, low, high), **tolerance)
    for other in (expected[:, ::-1], expected[::-1], expected[..., ::-1]):
        with pytest.raises(AssertionError):  # of another look, network or neuron
            np.testing.assert_allclose(found, np.clip(other, low, high), **tolerance)


def test_what_is_told_beside_them_is_what_was_measured(arrays, told):
    assert told["keeps"] == list(animation.KEEPS)
    assert told["steps"] == arrays["film_steps"].tolist() == sorted(told["steps"])
    assert told["steps"][0] == 0 and told["steps"][-1] == 50
    assert told["counts"] == arrays["film_count"].tolist()
    assert told["data"] == np.transpose(tanh_pair()).reshape(-1, 2).tolist()
    assert told["neurons"] == 20 and told["points"] == len(animation.GRID)
    # where the report draws them
    assert [animation.GRID[0].item(), animation.GRID[-1].item()] == [-12, 12]


def test_the_first_look_is_of_the_network_that_is_trained():
    net = TwoLayer(1, 20, activation="tanh")
    std, context = features.linear_regime(20), Context("test")
    seed = 3000
    filmed = animation.filmed((net, std, 3, 1e-2), context, seed)
    (theta,) = features.start(net, std, context, [seed], "init film")
    W, b, A = net.unpack(theta)
    amplitude = np.abs(A[0]) * np.hypot(W[:, 0], b)
    expected = {
        "size": amplitude / amplitude.max(),
        "angle": np.arctan2(b, W[:, 0]),
        "output": A[0] @ np.tanh(W * animation.GRID + b[:, None]),
    }
    for name, values in expected.items():
        assert len(filmed[name]) == len(animation.KEEPS)
        for looks in filmed[name]:  # of one keep probability
            np.testing.assert_allclose(looks[0], values, rtol=1e-4, atol=1e-5)
            assert np.abs(looks[1] - values).max() > 1e-3  # it moves


def test_nothing_is_filmed_where_no_film_was_computed():
    assert film.files({"x": 0}) == {}
