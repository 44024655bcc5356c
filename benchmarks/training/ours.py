"""This project's side."""

import time

import numpy as np

import refimpl
from benchmarks.training.cases import KEEP


class Ours:
    """Trains the networks of a case; `turn` starts from the same θ every time."""

    clock = staticmethod(time.perf_counter)

    def __init__(self, case):
        self.case = case
        net, X, Y, self.theta = case.problem()
        self.risk = refimpl.Risk(net, X, Y)
        if case.replicas == 1:
            self.theta = self.theta[0]
        self.objective = refimpl.L1(self.risk, KEEP) if case.penalty else self.risk
        rule = refimpl.Adam if case.adam else refimpl.GD
        self.optimizer = rule(case.rate)
        self.drop = None if case.penalty else refimpl.Dropout(KEEP, per_sample=True)

    def generators(self):
        """Of the noise: one a replica."""
        rng = [np.random.default_rng(k) for k in range(self.case.replicas)]
        return rng if self.theta.ndim > 1 else rng[0]

    def turn(self):
        """Seconds a step, and R_S at the end, mean over replicas."""
        steps, rng = self.case.steps, self.generators()
        start = self.clock()
        history = refimpl.train(
            self.objective, self.theta, self.optimizer, steps, self.drop, rng=rng
        )
        seconds = (self.clock() - start) / steps
        return seconds, float(self.risk(history.theta).mean())


def products(case, turns):
    """Of a step on a two-layer network: seconds of its five matrix products alone, and
    the rate of the largest relative to the machine's own, both in float32."""
    (d, m, o), n = case.widths, case.samples
    rng = np.random.default_rng(0)
    X, W, S, A, D = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((n, d + 1), (m, d + 1), (n, m), (o, m), (n, o))
    )
    M = rng.standard_normal((2048, 2048)).astype(np.float32)
    work = (
        (2 * n * m * (d + 1), lambda: X @ W.T),
        (2 * n * m * o, lambda: S @ A.T),
        (2 * n * m * o, lambda: D @ A),
        (2 * n * m * (d + 1), lambda: S.T @ X),
        (2 * n * m * o, lambda: D.T @ S),
        (2 * 2048**3, lambda: M @ M),
    )
    seconds = []
    for _ in range(turns + 1):
        seconds.append([])
        for _, product in work:
            start = time.perf_counter()
            product()
            seconds[-1].append(time.perf_counter() - start)
    median = np.median(seconds[1:], axis=0)
    flops = np.array([count for count, _ in work])
    rates = flops / median
    alone = flops[:5].sum() / median[:5].sum()
    return float(median[:5].sum()), float(alone / rates[5])
