"""Theorem 1 with intercepts at data points: where R_1 can be lowered, and where not.

Near a network of zero loss each neuron's contribution changes by an affine function of
the input on the points where it is active. With an intercept at a data point it may or
may not become active there. For each such choice the least first-order change of
Σ‖u_j‖², which is convex in these affine functions, is a linear programme: 0 means that
R_1 is locally least.
"""

from itertools import product

import numpy as np
import pytest
from oracles import assert_rejects
from scipy.optimize import linprog

import refimpl
from refimpl.theory.kinks import convexity_changes, fewest_convexity_changes
from refimpl.theory.linear_skip import LinearSkip

X = np.arange(1.0, 7.0)
RIGHT, LEFT = (1, 1), (-1, -1)
FACINGS = (RIGHT, LEFT, (1, -1), (-1, 1))
TINY = 1e-12


class Kinked:
    """Neurons k σ(±(x − t)) beside a linear term, and data that they fit."""

    def __init__(self, t, k, facing, x=X):
        self.t, self.k, self.facing = (np.array(a, float) for a in (t, k, facing))
        self.x, self.net = x, LinearSkip(1, len(t))
        Y = self.net.forward(self.theta(), x[:, None])
        self.risk = refimpl.Risk(self.net, x[:, None], Y)
        distance = self.facing[:, None] * (x - self.t[:, None])  # (m, n)
        self.active, self.at = distance > TINY, abs(distance) <= TINY
        self.u = self.k[:, None] * np.maximum(distance, 0)

    def theta(self, step=0.0, change=None):
        """Parameters, contributions changed by `step` times affine α + γx, (m + 1, 2):
        a row for each neuron, and one for the linear term.
        """
        t, k, f = self.t, self.k, self.facing
        change = np.zeros((len(t) + 1, 2)) if change is None else step * change
        alpha, gamma = change[:-1].T
        slopes = k + f * gamma
        offsets = k * t - f * alpha  # f k (x − t) + α + γx = f (slope x − offset)
        intercepts = np.where(k == 0, t, offsets / np.where(k == 0, 1, slopes))
        V, c = change[-1, 1:, None], change[-1, :1]
        return self.net.pack(f[:, None], -f * intercepts, slopes[None], V, c)

    def descent(self):
        """Least rate of ½Σ‖u‖² over changes up to 1 at zero loss, and the change."""
        best = 0.0, None
        choices = [(False, True) if at.any() else (False,) for at in self.at]
        for on in product(*choices):
            result = linprog(*self.programme(on), bounds=(-1, 1))
            assert result.status == 0
            if result.fun < best[0] - 1e-9:
                best = result.fun, result.x.reshape(-1, 2)
        return best

    def programme(self, on):
        """Objective, inequalities and equalities; `on`: active at the point at t_j."""
        m, n = self.active.shape
        affine = np.stack([np.ones(n), self.x], axis=1)  # (1, x)
        rate = np.append(self.u @ affine, np.zeros((1, 2)), axis=0)
        total = np.zeros((n, m + 1, 2))  # what is added to the outputs: none
        total[:, -1] = affine
        above, fixed = [np.zeros((m + 1, 2))], []
        for j in range(m):
            active = self.active[j] | (self.at[j] & on[j])
            total[active, j] = affine[active]
            row = np.zeros((m + 1, 2))
            if self.k[j] == 0:  # it can only be switched on: a multiple of x − t
                row[j] = 1, self.t[j]
                fixed.append(row)
            elif self.at[j].any():  # on: of the sign of k there; off: of the other
                row[j] = np.sign(self.k[j]) * affine[self.at[j]][0]
                above.append(-row if on[j] else row)
        equal = np.concatenate([total, np.array(fixed).reshape(-1, m + 1, 2)])
        above, equal = (np.reshape(rows, (len(rows), -1)) for rows in (above, equal))
        return rate.ravel(), above, np.zeros(len(above)), equal, np.zeros(len(equal))


def assert_r1_can_be_lowered(case):
    rate, change = case.descent()
    assert rate < -1e-3
    for step in (1e-3, 1e-4):
        theta = case.theta(step, change)
        assert case.risk(theta) < 1e-24
        r1 = refimpl.R1(case.risk, np.stack([case.theta(), theta]), 0.5)
        slope = (r1[1] - r1[0]) / step * len(case.x)  # R_1 = ½Σ‖u‖²/n at v = 1
        assert slope == pytest.approx(rate, rel=200 * step)


@pytest.mark.equation("eq:theorem-1")
@pytest.mark.parametrize("facing", FACINGS)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "t", [(2.4, 2.7), (2.4, 3.4), (3, 3.4), (2.6, 3), (3, 3)], ids=str
)
def test_opposite_neurons_with_one_point_in_the_closed_interval_can_share(
    t, sign, facing
):
    assert_r1_can_be_lowered(Kinked(t, (sign, -0.7 * sign), facing))


@pytest.mark.equation("eq:theorem-1")
@pytest.mark.parametrize("facing", [RIGHT, LEFT])
@pytest.mark.parametrize("k", [(1, 0.7), (-0.4, -1)])
@pytest.mark.parametrize("t", [(3, 4), (3, 3.6), (3.2, 4), (3.2, 3.6), (3, 3)], ids=str)
def test_neurons_of_one_sign_and_facing_can_share_in_a_closed_interval(t, k, facing):
    assert_r1_can_be_lowered(Kinked(t, k, facing))


@pytest.mark.equation("eq:theorem-1")
@pytest.mark.parametrize("facing", [RIGHT, LEFT])
@pytest.mark.parametrize("k, t", [((0, 1), (3.2, 3.6)), ((0, -1), (3, 3.6))])
def test_a_silent_neuron_can_take_a_share(k, t, facing):
    assert_r1_can_be_lowered(Kinked(t, k, facing))


@pytest.mark.equation("eq:theorem-1")
@pytest.mark.parametrize("k", [(1, 0.7), (1, -0.7)])
def test_the_outer_intervals_count_where_two_points_are_active(k):
    assert_r1_can_be_lowered(Kinked((1, 1.5), k, RIGHT))  # active on x_2, ..., x_n
    assert_r1_can_be_lowered(Kinked((6, 5.5), k, LEFT))
    alone = Kinked((5.2, 5.6), (1.0, 0.8 / 0.4), RIGHT)  # equal on x_n, the only one
    assert alone.descent()[0] == 0


# What the sharper theorem leaves out, and cannot but leave out.
RESTS = {
    "facing right": ((2, 3), (1, -0.7), RIGHT),
    "signs reversed": ((2, 3), (-1, 0.7), RIGHT),
    "facing left": ((2, 3), (1, -0.7), LEFT),
    "silent, the other at the far end": ((2.5, 3), (0, 1), RIGHT),
    "silent, the other at the near end": ((2, 2.5), (1, 0), RIGHT),
}


@pytest.mark.equation("eq:theorem-1")
@pytest.mark.parametrize("points", [4, 6])
@pytest.mark.parametrize("case", RESTS)
def test_with_intercepts_at_both_ends_r1_may_be_locally_least(case, points):
    """The closed-interval form of the theorem's second case is false."""
    counterexample = Kinked(*RESTS[case], x=X[:points])
    assert counterexample.descent()[0] == 0
    assert refimpl.R1(counterexample.risk, counterexample.theta(), 0.5) > 0.1


@pytest.mark.equation("eq:theorem-1")
def test_the_counterexample_is_a_minimum_among_all_near_networks_of_zero_loss():
    """The proof's coordinates: p at x = 2, γ at x = 3, β at x = 4."""
    x = X[:4]
    case = Kinked((2, 3), (1, -0.7), RIGHT, x)
    start = refimpl.R1(case.risk, case.theta(), 0.5)
    assert convexity_changes(case.net, case.theta(), x) == 1
    assert fewest_convexity_changes(x, case.risk.Y[:, 0]) == 1
    rng = np.random.default_rng(0)
    for _ in range(200):
        p, gamma = np.maximum(1e-2 * rng.standard_normal(2), 0)
        beta = -2 * gamma if p else -2 * gamma - 1e-2 * rng.random()
        first = np.array([1 + gamma + 2 * p, 2 - beta + 3 * p])  # at x = 3 and 4
        second = np.array([-gamma, -0.7 + beta])
        (k1, k2), ends = np.diff([first, second])[:, 0], (first[1], second[1])
        t = 4 - np.array(ends) / (k1, k2)
        theta = case.net.pack([[1], [1]], -t, [[k1, k2]], [[-p]], [p])
        assert case.risk(theta) < 1e-28
        assert refimpl.R1(case.risk, theta, 0.5) >= start
    inner = Kinked((2.1, 3), (1, -0.7), RIGHT, x)
    assert inner.descent()[0] < -0.1  # one intercept off its point: it can be lowered


@pytest.mark.equation("eq:theorem-1")
def test_the_changes_of_the_proof_must_have_its_signs():
    """Facing right: −ε(x − r) for the first neuron and +ε(x − r) for the second."""
    case = Kinked((2.4, 3.4), (1, -0.7), RIGHT)
    r = 3.0
    change = np.array([[r, -1], [-r, 1], [0, 0]], float)
    start = refimpl.R1(case.risk, case.theta(), 0.5)
    for sign in (1, -1):
        theta = case.theta(sign * 1e-3, change)
        assert case.risk(theta) < 1e-28
        assert (refimpl.R1(case.risk, theta, 0.5) < start) == (sign == 1)
    other = np.array([[r + 1, -1], [-r - 1, 1], [0, 0]], float)  # r off the point
    assert_rejects(case.risk(case.theta(1e-3, other)) + 1, 1.0, 1e-12)
