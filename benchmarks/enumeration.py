"""All 2^16 masks of a two-layer network: the mean of R_S^drop, and its gradient.

PyTorch takes the losses of a chunk of masks by ``torch.vmap`` and one backward pass of
their weighted sum, which is faster than a gradient for every mask; the chunk is the
fastest of several sizes. Our fast route is timed against the plain one, too. By Lemma 1
the loss is R_S + R_1.
"""

from functools import partial

import refimpl
from benchmarks.networks import KEEP, problem, text, with_length
from benchmarks.rows import Row, Side
from refimpl.fast.enumeration import mean_over_masks

WIDTHS = (1, 16, 1)
CHUNKS = tuple(2**k for k in (8, 10, 12, 14, 16))
GOAL = 10


def arguments(samples):
    """Of `mean_over_masks`."""
    risk, (theta,) = problem(WIDTHS, samples)
    return risk, theta, refimpl.Dropout(KEEP, per_sample=False)


def ours(samples):
    """By the output layer alone, which is all that masks meet."""
    return Side(partial(mean_over_masks, *arguments(samples)), with_length)


def plain(samples):
    """By `refimpl.expectation`, every mask through the whole network."""
    risk, theta, drop = arguments(samples)

    def mean(fn):
        return refimpl.expectation(lambda eta: fn(theta, eta), drop, risk.net, risk.n)

    return Side(lambda: (mean(risk).mean, mean(risk.gradient).mean), with_length)


def vmapped(samples):
    """By ``torch.vmap`` over masks, chunk by chunk."""
    import torch
    from torch.nn.utils import parameters_to_vector

    from benchmarks.pytorch import half_mse, in_pytorch

    risk, theta, _ = arguments(samples)
    model, X, Y = in_pytorch(risk, theta)
    losses = torch.vmap(lambda mask: half_mse(model(X, mask), Y))
    (width,) = risk.net.hidden

    def work(chunk):
        model.zero_grad()
        mean = 0.0
        for start in range(0, 2**width, chunk):
            numbers = torch.arange(start, start + chunk)
            kept = (numbers[:, None] >> torch.arange(width)) & 1
            count = kept.sum(1)
            weights = KEEP**count * (1 - KEEP) ** (width - count)
            part = (weights * losses(kept / KEEP)).sum()
            part.backward()
            mean += part.item()
        return mean, parameters_to_vector([p.grad for p in model.parameters()])

    chunk = min(CHUNKS, key=lambda chunk: Side(partial(work, chunk)).turn()[0])
    return Side(partial(work, chunk), with_length, note=f"chunks of {chunk} masks")


def row(samples):
    return Row(
        f"enumeration of 2^16 masks, {text(WIDTHS, samples)}",
        "mean loss and length of its gradient",
        ours,
        {"vmap": vmapped, "plain": plain},
        {"vmap": GOAL},
        (samples,),
    )


ROWS = (row(15), row(100))
