"""Every layer alone: what it computes, and its passes against complex steps."""

import numpy as np
import pytest
from oracles import (
    assert_close,
    assert_rejects,
    complex_step_derivative,
    complex_step_gradient,
)

from refimpl.arrays.flat import join, split
from refimpl.core.dense import Dense
from refimpl.layers.attention import Attention, Embedding, LayerNorm, Mixing
from refimpl.layers.composite import Residual, Stage, Tokenwise
from refimpl.layers.conv import Conv
from refimpl.layers.linear import MeanPool, TokenMean

LAYERS = {
    "dense": Dense(3, 4, "tanh"),
    "conv": Conv(3, 2, 2, 3, "tanh"),
    "mean pool": MeanPool(4, 2, 3),
    "token mean": TokenMean(3, 2),
    "stage": Stage(Conv(2, 2, 2, 3, "tanh"), MeanPool(2, 2, 3), Dense(3, 2, "tanh")),
    "residual": Residual(Dense(4, 3, "tanh"), Dense(3, 4, "identity")),
    "dense on tokens": Tokenwise(3, Dense(2, 4, "tanh")),
    "embedding": Embedding(3, 2, 4),
    "layer norm": LayerNorm(5),
    "layer norm of tokens": Tokenwise(2, LayerNorm(3)),
    "mixing": Mixing(3, 4, 2),
    "attention": Attention(3, 4, 2),
}
over_layers = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
N = 2
EQUATIONS = ("eq:layers", "eq:conv", "eq:linear-layers", "eq:residual", "eq:tokenwise")
EQUATIONS += ("eq:embedding", "eq:layer-norm", "eq:attention")


class Scalar:
    """s = ⟨C, h⟩ + ½ ‖h‖² of a layer, of its parameters and inputs as one vector."""

    def __init__(self, layer, xp=np):
        self.layer, self.shapes = layer, (*layer.shapes, (N, layer.inputs))
        rng = np.random.default_rng(3)
        self.C = xp.asarray(rng.standard_normal((N, layer.width)))

    def parts(self, z):
        *own, x = split(z, self.shapes)
        return own, x

    def __call__(self, z):
        own, x = self.parts(z)
        h, _ = self.layer.run(own, x)
        return (h * self.C + 0.5 * h * h).sum(axis=(-2, -1))

    def gradient(self, z):
        own, x = self.parts(z)
        h, memory = self.layer.run(own, x)
        gradient, dx = self.layer.backward(own, x, memory, self.C + h)
        return join([*gradient, dx], self.shapes)

    def push(self, z, v):
        """ḣ, and the directional derivative of the gradient."""
        (own, x), (own_push, x_push) = self.parts(z), self.parts(v)
        h, memory = self.layer.run(own, x)
        z_push, h_push = self.layer.push(own, x, memory, own_push, x_push)
        found, dx_push, dx = self.layer.backward_push(
            own, x, memory, self.C + h, own_push, x_push, z_push, h_push
        )
        _, expected = self.layer.backward(own, x, memory, self.C + h)
        assert_close(dx, expected)
        return h_push, join([*found, dx_push], self.shapes)

    def draw(self, *lead):
        size = sum(int(np.prod(shape)) for shape in self.shapes)
        return np.random.default_rng(4).standard_normal((2, *lead, size))


@pytest.mark.equation(*EQUATIONS)
@over_layers
def test_the_passes_of_a_layer_are_complex_steps(layer):
    scalar = Scalar(layer)
    z, v = scalar.draw()
    gradient = scalar.gradient(z)
    assert_close(gradient, complex_step_gradient(scalar, z))
    assert_rejects(scalar.gradient(v), gradient)
    h_push, product = scalar.push(z, v)
    outputs = complex_step_derivative(lambda t: layer.run(*scalar.parts(t))[0], z, v)
    assert_close(h_push, outputs)
    expected = complex_step_derivative(scalar.gradient, z, v)
    assert_close(product, expected)
    assert_rejects(scalar.push(z, -v)[1], expected)


@over_layers
def test_a_layer_keeps_leading_axes_in_either_array_module(layer, xp):
    scalar, alone = Scalar(layer, xp), Scalar(layer)
    z, v = scalar.draw(2, 3)
    on_xp = xp.asarray(z), xp.asarray(v)
    gradient, (h_push, product) = scalar.gradient(on_xp[0]), scalar.push(*on_xp)
    assert h_push.shape == (2, 3, N, layer.width)
    assert_close(gradient[1, 2], alone.gradient(z[1, 2]))
    assert_close(product[1, 2], alone.push(z[1, 2], v[1, 2])[1])


@over_layers
def test_many_derivatives_pass_backward_at_once(layer):
    """Upstream may have leading axes that θ has not."""
    scalar = Scalar(layer)
    own, x = scalar.parts(scalar.draw()[0])
    _, memory = layer.run(own, x)
    many = np.random.default_rng(5).standard_normal((3, N, layer.width))
    gradient, dx = layer.backward(own, x, memory, many)
    own_one, dx_one = layer.backward(own, x, memory, many[1])
    assert_close(dx[1], dx_one)
    for a, b in zip(gradient, own_one):
        assert_close(a[1], b)


@pytest.mark.equation("eq:conv")
def test_a_convolution_is_a_sum_over_shifted_pixels():
    h, w, c, filters = 4, 3, 2, 3
    rng = np.random.default_rng(0)
    W, b = rng.standard_normal((filters, 3, 3, c)), rng.standard_normal(filters)
    x = rng.standard_normal((N, h, w, c))
    expected = np.zeros((N, h, w, filters)) + b
    for y in range(h):
        for z in range(w):
            for i in range(3):
                for j in range(3):
                    if 0 <= y + i - 1 < h and 0 <= z + j - 1 < w:
                        expected[:, y, z] += x[:, y + i - 1, z + j - 1] @ W[:, i, j].T
    layer = Conv(h, w, c, filters, "identity")

    def run(W):
        return layer.run((W.reshape(filters, -1), b), x.reshape(N, -1))[0]

    assert_close(run(W), expected.reshape(N, -1))
    assert_rejects(run(W[:, ::-1, ::-1]), expected.reshape(N, -1))  # flipped


@pytest.mark.equation("eq:attention")
def test_mixing_is_a_weighted_mean_of_values_head_by_head():
    tokens, width, heads = 4, 6, 2
    x = np.random.default_rng(0).standard_normal((N, tokens, 3, heads, 3))
    expected = np.zeros((N, tokens, heads, 3))
    for i, t, a in np.ndindex(N, tokens, heads):
        scores = [x[i, t, 0, a] @ x[i, s, 1, a] / 3**0.5 for s in range(tokens)]
        weights = np.exp(scores) / np.exp(scores).sum()
        expected[i, t, a] = sum(w * x[i, s, 2, a] for s, w in enumerate(weights))
    layer, flat = Mixing(tokens, width, heads), x.reshape(N, -1)
    assert_close(layer.run((), flat)[0], expected.reshape(N, -1))
    one_head = Mixing(tokens, width, 1).run((), flat)[0]
    assert_rejects(one_head, expected.reshape(N, -1))


@pytest.mark.equation("eq:layer-norm", "eq:linear-layers", "eq:embedding")
def test_what_normalising_pooling_and_embedding_compute():
    x = np.random.default_rng(0).standard_normal((N, 8))
    u, _ = LayerNorm(8).run((np.zeros(8), np.zeros(8)), 100 * x)
    assert_close(u.mean(axis=-1), np.zeros(N) + 1e-17, 1e5)
    assert_close((u * u).mean(axis=-1), np.ones(N), 1e-8)
    image = np.arange(16.0).reshape(1, 4, 4)
    pooled, _ = MeanPool(4, 4, 1).run((), image.reshape(1, 16))
    assert_close(pooled, [[2.5, 4.5, 10.5, 12.5]])
    W, p = np.array([[2.0], [3.0]]), np.array([[10.0, 20.0], [30.0, 40.0]])
    embedded, _ = Embedding(2, 1, 2).run((W, p), np.array([[1.0, -1.0]]))
    assert_close(embedded, [[12, 23, 28, 37]])


def test_scores_of_any_size_do_not_overflow():
    layer = Mixing(3, 2, 1)
    x = 1e6 * np.random.default_rng(0).standard_normal((N, layer.inputs))
    assert np.isfinite(layer.run((), x)[0]).all()
