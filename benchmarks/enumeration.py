"""All 2^16 masks of a two-layer network: the mean of R_S^drop, and its gradient.

PyTorch takes the losses of a chunk of masks by ``torch.vmap`` and one backward pass of
their weighted sum, which is faster than a gradient for every mask; the chunk is the
fastest of several sizes. Our fast route, `refimpl.fast.enumeration`, is timed against the
plain one, `refimpl.core.expectation`, too. By Lemma 1 the loss is R_S + R_1.
"""

import time
from functools import partial

import numpy as np

import refimpl
from benchmarks.networks import problem, text
from benchmarks.rows import Row
from refimpl.fast.enumeration import mean_over_masks

WIDTHS, KEEP = (1, 16, 1), 0.9
CHUNKS = tuple(2**k for k in (8, 10, 12, 14, 16))
GOAL = 10


class Ours:
    """By `refimpl.fast.enumeration`."""

    def __init__(self, samples):
        net, X, Y, (self.theta,) = problem(WIDTHS, samples)
        self.risk = refimpl.Risk(net, X, Y)
        self.drop = refimpl.Dropout(KEEP, per_sample=False)

    def mean(self):
        """Mean loss, and its gradient as one array."""
        return mean_over_masks(self.risk, self.theta, self.drop)

    def turn(self):
        """Seconds; the mean loss, and the length of its gradient."""
        start = time.perf_counter()
        value, gradient = self.mean()
        seconds = time.perf_counter() - start
        return seconds, (float(value), float(np.linalg.norm(gradient)))


class Plain(Ours):
    """By `refimpl.core.expectation`, every mask through the whole network."""

    def mean(self):
        def of_masks(fn):
            risk = self.risk
            return refimpl.expectation(fn, self.drop, risk.net, risk.n).mean

        return (
            of_masks(lambda eta: self.risk(self.theta, eta)),
            of_masks(lambda eta: self.risk.gradient(self.theta, eta)),
        )


class Vmapped(Ours):
    """By ``torch.vmap`` over masks, chunk by chunk."""

    def __init__(self, samples):
        import torch

        super().__init__(samples)
        self.torch = torch
        self.parameters = tuple(
            torch.tensor(np.ascontiguousarray(part)).requires_grad_(True)
            for part in self.risk.net.unpack(self.theta)
        )
        self.X, self.Y = (
            torch.tensor(a, dtype=torch.float32) for a in (self.risk.X, self.risk.Y)
        )
        self.losses = torch.vmap(self._loss, in_dims=(None,) * 3 + (0,))
        self.chunk = min(CHUNKS, key=self._seconds)
        self.note = f"chunks of {self.chunk} masks"

    def _loss(self, W, b, A, mask):
        h = self.torch.tanh(self.X @ W.T + b) * mask
        return 0.5 * ((h @ A.T - self.Y) ** 2).sum(1).mean()

    def _seconds(self, chunk):
        self.chunk = chunk
        return self.turn()[0]

    def mean(self):
        torch, (width,) = self.torch, self.risk.net.hidden
        total, parts = 0.0, [0.0] * 3
        for start in range(0, 2**width, self.chunk):
            numbers = torch.arange(start, start + self.chunk)
            kept = (numbers[:, None] >> torch.arange(width)) & 1
            count = kept.sum(1)
            weights = KEEP**count * (1 - KEEP) ** (width - count)
            losses = self.losses(*self.parameters, kept / KEEP)
            value = (weights * losses).sum()
            gradients = torch.autograd.grad(value, self.parameters)
            total += value.item()
            parts = [part + one for part, one in zip(parts, gradients)]
        return total, np.concatenate([part.numpy().ravel() for part in parts])


def _row(samples):
    return Row(
        f"enumeration of 2^16 masks, {text(WIDTHS, samples)}",
        "mean loss and length of its gradient",
        partial(Ours, samples),
        {"vmap": partial(Vmapped, samples), "plain": partial(Plain, samples)},
        {"vmap": GOAL},
    )


ROWS = (_row(15), _row(100))
