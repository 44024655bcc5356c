"""Filter-normalised directions and the loss along them."""

import numpy as np
import pytest
from oracles import assert_close, assert_rejects
from problems import NETWORKS, arrays, direction

import refimpl


@pytest.mark.equation("eq:filter-normalisation")
@pytest.mark.parametrize("filters", ["layer", "row"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_every_filter_gets_the_norm_of_theta(kind, filters, problem):
    risk, theta = problem(kind, "relu", replicas=(3,))
    net, v = risk.net, direction(theta)
    new = refimpl.normalize_filters(net, v, theta, filters)
    for d, e, t in zip(*(arrays(net, one) for one in (v, new, theta))):
        if filters == "row" and d.ndim == 3:
            axes = (-1,)
        else:
            axes = tuple(range(1, d.ndim))
        norms = [np.sqrt((x**2).sum(axis=axes)) for x in (d, e, t)]
        assert_close(norms[1], norms[2])
        # Each filter keeps its direction.
        ratio = np.expand_dims(norms[2] / norms[0], axes)
        assert_close(e, d * ratio)


def rescale(net, theta, rng):
    """Layer l's activations times c_l > 0: W^[l] c_l/c_{l−1}, b^[l] c_l, c_0 = c_L = 1.

    ReLU is positively homogeneous, so the network computes the same function.
    """
    theta, before = theta.copy(), 1.0
    parts = arrays(net, theta)
    for layer, c in enumerate([*rng.uniform(0.1, 10, len(net.hidden)), 1.0]):
        parts[2 * layer] *= c / before
        if 2 * layer + 1 < len(parts):  # the two-layer network has no output bias
            parts[2 * layer + 1] *= c
        before = c
    return theta


@pytest.mark.equation("eq:filter-normalisation")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", NETWORKS)
def test_l_of_alpha_does_not_change_when_relu_layers_are_rescaled(kind, seed, problem):
    objective, theta = problem(kind, "relu", seed=seed)
    net, v, alphas = objective.net, direction(theta), np.linspace(-1, 1, 5)
    rescaled = rescale(net, theta, np.random.default_rng(seed))
    assert_close(objective(rescaled), objective(theta))
    for filters in ("layer", "row"):
        lines = []
        for t in (theta, rescaled):
            normal = refimpl.normalize_filters(net, v, t, filters)
            lines.append(refimpl.loss_along(objective, t, normal, alphas))
        assert_close(lines[1], lines[0])
    plain = [refimpl.loss_along(objective, t, v, alphas) for t in (theta, rescaled)]
    assert_rejects(plain[1], plain[0])


@pytest.mark.equation("eq:loss-along")
def test_the_line_is_the_objective_at_its_points(problem):
    objective, theta = problem("deep 2", replicas=(4,))
    v, alphas = direction(theta), [-0.5, 0.0, 2.0]
    line = refimpl.loss_along(objective, theta, v, alphas)
    assert line.shape == (3, 4)
    for row, alpha in zip(line, alphas):
        assert_close(row, objective(theta + alpha * v), 1e-15)
