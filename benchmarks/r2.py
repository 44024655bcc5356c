"""R_2 and its gradient to 1%: the closed form, against Monte Carlo in PyTorch.

PyTorch takes the mean over masks of (ε/4) ‖∇R_S^drop‖² by a gradient for each mask,
vmapped, and the gradient of that by a second backward pass. How many masks a standard
error of 1% takes, of the value and of the gradient (its length against the length of
the gradient), is measured first; a batch of masks is timed and the time scaled to all.
"""

import math
import time
from functools import partial

import numpy as np

import refimpl
from benchmarks.accuracy import ACCURACY, samples_needed
from benchmarks.networks import SMALL, problem, text
from benchmarks.rows import Row

KEEP, EPSILON = 0.9, 0.01
BATCHES, BATCH = 32, 8  # of masks, to measure the standard error
TIMED = (8, 16, 32, 64)  # sizes of a batch of which the fastest is taken
GOAL = 100


class Ours:
    """By `refimpl.R2` and `refimpl.R2_gradient`."""

    note = "exact"

    def __init__(self, widths, samples, per_sample):
        net, X, Y, (theta,) = problem(widths, samples)
        self.risk, self.per_sample = refimpl.Risk(net, X, Y), per_sample
        self.drop = refimpl.Dropout(KEEP, per_sample=per_sample)
        rule, rng = refimpl.Adam(1e-3), np.random.default_rng(1)
        found = refimpl.train(self.risk, theta, rule, 1000, self.drop, rng=rng)
        self.theta = found.theta

    def turn(self):
        """Seconds; R_2 and the length of its gradient."""
        case, repeats = (self.risk, self.theta, self.drop, EPSILON), 10
        start = time.perf_counter()
        for _ in range(repeats):
            value, gradient = refimpl.R2(*case), refimpl.R2_gradient(*case)
        seconds = (time.perf_counter() - start) / repeats
        return seconds, (float(value), float(np.linalg.norm(gradient)))


class MonteCarlo(Ours):
    """By ``torch.vmap`` of ``torch.func.grad`` over masks."""

    def __init__(self, *case):
        import torch

        super().__init__(*case)
        self.torch = torch
        W, b, A = (
            torch.tensor(np.ascontiguousarray(part))
            for part in self.risk.net.unpack(self.theta)
        )
        self.parameters = tuple(part.requires_grad_(True) for part in (W, b, A))
        self.X, self.Y = (
            torch.tensor(a, dtype=torch.float32) for a in (self.risk.X, self.risk.Y)
        )
        self.of_mask = torch.vmap(
            torch.func.grad(self._loss, argnums=(0, 1, 2)), in_dims=(None,) * 3 + (0,)
        )
        torch.manual_seed(0)
        self.masks, self.mean = self._needed()
        self.batch = min(TIMED, key=self._seconds_a_mask)
        self.note = (
            f"{self.masks} masks for {ACCURACY:.0%}, timed {self.batch} at a time"
        )

    def _loss(self, W, b, A, mask):
        h = self.torch.tanh(self.X @ W.T + b) * mask
        return 0.5 * ((h @ A.T - self.Y) ** 2).sum(1).mean()

    def _value_and_gradient(self, count):
        """Mean over `count` masks of R̃_2, and its gradient."""
        rows = len(self.X) if self.per_sample else 1
        shape = (count, rows, len(self.parameters[1]))
        mask = self.torch.bernoulli(self.torch.full(shape, KEEP)) / KEEP
        gradients = self.of_mask(*self.parameters, mask)
        value = EPSILON / 4 * sum((g**2).sum() for g in gradients) / count
        return value, self.torch.autograd.grad(value, self.parameters)

    def _needed(self):
        """Masks for 1%, and the mean (value, length of the gradient) of the pilot."""
        values, gradients = [], []
        for _ in range(BATCHES):
            value, gradient = self._value_and_gradient(BATCH)
            values.append(value.item())
            gradients.append(np.concatenate([g.numpy().ravel() for g in gradient]))
        exact = refimpl.R2_gradient(self.risk, self.theta, self.drop, EPSILON)
        scatter = math.sqrt(np.var(gradients, axis=0, ddof=1).sum())
        batches = max(
            samples_needed(np.mean(values), np.std(values, ddof=1)),
            samples_needed(np.linalg.norm(exact), scatter),
        )
        length = np.linalg.norm(np.mean(gradients, axis=0))
        return batches * BATCH, (float(np.mean(values)), float(length))

    def _seconds_a_mask(self, count):
        self._value_and_gradient(count)
        start = time.perf_counter()
        self._value_and_gradient(count)
        return (time.perf_counter() - start) / count

    def turn(self):
        """Seconds for all masks; the mean over those of the pilot."""
        start = time.perf_counter()
        self._value_and_gradient(self.batch)
        seconds = time.perf_counter() - start
        return seconds * self.masks / self.batch, self.mean


def _row(widths, samples, per_sample):
    case = widths, samples, per_sample
    masks = "a mask per sample" if per_sample else "one mask for all samples"
    return Row(
        f"R_2 and its gradient to 1%, {masks}, {text(widths, samples)}",
        "R_2 and length of its gradient",
        partial(Ours, *case),
        {"vmap": partial(MonteCarlo, *case)},
        {"vmap": GOAL},
    )


ROWS = tuple(_row(SMALL, n, each) for n in (15, 100) for each in (True, False))
