"""Networks that see pictures as such are given them in the right order."""

import numpy as np
import pytest

from refimpl.data.images import Images
from refimpl.experiments import fig12b_other_networks as figure
from refimpl.experiments.common import layered
from refimpl.experiments.common.context import Context


@pytest.mark.parametrize(
    "pixels, image", [(64, (1, 8, 8)), (784, (1, 28, 28)), (3072, (3, 32, 32))]
)
def test_the_shape_of_pictures(pixels, image):
    X = np.zeros((2, pixels))
    assert layered.image(Images(X, [0, 1], X, [0, 1])) == image


def test_a_token_is_a_row_of_pixels_in_all_channels():
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    tokens = layered.by_rows(images.reshape(2, -1), (3, 4, 5)).reshape(2, 4, 3, 5)
    for row in range(4):
        np.testing.assert_array_equal(tokens[:, row], images[:, :, row])


@pytest.mark.parametrize("letter", figure.NETWORKS)
def test_pictures_of_cifar_10_are_learnt(letter, cifar_folder):
    config = figure.Config((2,), 3, 4, 2, n_train=3, steps=2, probes=2, directions=1)
    context = Context("figure", cifar=cifar_folder)
    found = figure.minima(config, context, letter, 3000)
    ends = np.array([found["trace"], found["top"], found["loss"]])
    assert np.isfinite(ends[:, :3]).all()
    assert np.isfinite(ends[:, 3]).all() == (found["loss"][3] <= found["loss"][1])
    assert np.isin(found["accuracy"][:3], (0, 0.25, 0.5, 0.75, 1)).all()


def test_the_path_of_r_s_is_met_where_its_value_is_dropouts():
    config = figure.Config((2,), 3, 4, 2, 1, 20, steps=60, probes=2, directions=1)
    _, drop, _, earlier = figure.minima(config, Context("figure"), "b", 3000)["loss"]
    assert 0.8 * drop < earlier <= drop
