"""Masks of several steps drawn at once: as if each were drawn for itself."""

from itertools import islice

import numpy as np
import pytest

import refimpl
from refimpl.fast import dropout

NET = refimpl.TwoLayer(1, 50)


def rows(count, rng, p=0.7, lead=()):
    """The first `count` factors of a stream."""
    stream = refimpl.Dropout(p, per_sample=True).stream(NET, 3, rng, lead)
    return [q for (q,) in islice(stream, count)]


def test_a_step_has_its_own_mask(monkeypatch):
    monkeypatch.setattr(dropout, "AHEAD", 7 * 150)
    q = np.array(rows(400, np.random.default_rng(0)))
    assert set(np.unique(q)) == {0, 1 / 0.7}
    eta = (q - 1) / np.sqrt(0.3 / 0.7)  # of variance 1
    bound = 4 / np.sqrt(eta[1:].size)
    assert abs(eta.mean()) < bound
    for distance in (1, 2, 7, 8):  # steps, drawn together or not
        assert abs((eta[distance:] * eta[:-distance]).mean()) < 1.1 * bound


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (100, 1000), (200, 1000)])
def test_as_many_steps_are_drawn_as_ahead_allows(shape):
    class Generator(np.random.Generator):
        drawn = 0

        def poisson(self, lam):
            Generator.drawn += 1
            return super().poisson(lam)

    rng = Generator(np.random.PCG64(0))
    net, drop = refimpl.TwoLayer(1, shape[1]), refimpl.Dropout(0.7, per_sample=True)
    stream = drop.stream(net, shape[0], rng, dtype=np.float32)
    steps = max(1, min(dropout.STEPS, dropout.AHEAD // (shape[0] * shape[1])))
    assert [next(stream)[0].shape for _ in range(steps)] == steps * [shape]
    assert Generator.drawn == 1
    next(stream)
    assert Generator.drawn == 2


def test_a_longer_training_begins_as_a_shorter_one():
    short = rows(3, np.random.default_rng(5))
    np.testing.assert_array_equal(short, rows(90, np.random.default_rng(5))[:3])


@pytest.mark.parametrize("p", [0.7, np.array([0.4, 0.7, 0.9])])
def test_a_generator_of_its_own_gives_a_replica_masks_of_its_own(p):
    together = rows(70, [np.random.default_rng(k) for k in range(3)], p, (3,))
    for k in range(3):
        keep = float(np.broadcast_to(p, 3)[k])
        alone = rows(70, np.random.default_rng(k), keep)
        np.testing.assert_array_equal([q[k] for q in together], alone)


def test_layers_have_masks_of_their_own():
    drop = refimpl.Dropout((0.5, 0.8), per_sample=True, layers="all")
    net = refimpl.Deep((2, 40, 40, 1))
    stream = drop.stream(net, 10, np.random.default_rng(0), dtype=np.float32)
    q = [np.array(layer) for layer in zip(*islice(stream, 100))]
    assert [set(np.unique(one)) for one in q] == [{0, 2}, {0, np.float32(1.25)}]
    assert all(one.dtype == np.float32 for one in q)
    correlation = np.corrcoef(q[0].ravel(), q[1].ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(q[0].size)


def test_no_noise_where_there_is_no_dropout():
    net = refimpl.Deep((2, 4, 4, 1))
    stream = refimpl.Dropout(0.5).stream(net, 3, np.random.default_rng(0))
    first, last = next(stream)
    assert first == 1.0 and last.shape == (1, 4)


def test_arguments_are_checked_before_the_first_step():
    with pytest.raises(ValueError, match="rng"):
        next(refimpl.Dropout(0.5).stream(NET, 3, rng=-7))
    with pytest.raises(ValueError, match="samples must begin with .* 2, got"):
        rngs = [np.random.default_rng(0)] * 2
        next(refimpl.Dropout(0.5).stream(NET, 3, rngs, samples=(3,)))
