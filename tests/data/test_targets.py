"""Targets: the functions of Figures 1 and 4, at their points."""

import numpy as np

from refimpl import datasets


def test_the_target_of_figure_4_is_two_tanh():
    X, Y = datasets.tanh_pair()
    assert X.shape == Y.shape == (15, 1)
    assert X[0] == -12 and X[-1] == 12
    np.testing.assert_allclose(Y[[0, 7, 14], 0], [-2, 0, 2], atol=1e-4)
    np.testing.assert_allclose(Y, np.tanh(X - 6) + np.tanh(X + 6))


def test_the_target_of_figure_1_is_two_relu():
    X, Y = datasets.relu_pair()
    assert X.shape == Y.shape == (6, 1)
    np.testing.assert_allclose(X[[0, -1], 0], [-5 / 3, 5 / 3])
    np.testing.assert_allclose(Y[:, 0], [2 / 3, 1 / 3, 0, 0, 1 / 3, 2 / 3], atol=1e-12)
