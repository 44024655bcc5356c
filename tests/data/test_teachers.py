"""Teachers: what they give is what a two-layer network would."""

import numpy as np

from refimpl import datasets


def test_a_teacher_is_a_two_layer_network():
    X = np.array([[0.5], [2.0]])
    Y = datasets.teacher([[1.0], [2.0]], [0.0, 1.0], [[3.0, -1.0]], X)
    np.testing.assert_allclose(Y, 3 * np.tanh(X) - np.tanh(2 * X + 1))
