"""R_2 and its gradient to 1%: the closed form, against Monte Carlo in PyTorch.

PyTorch takes the mean over masks of (ε/4) ‖∇R_S^drop‖² by a gradient for each mask,
vmapped, and the gradient of that by a second backward pass. How many masks a standard
error of 1% takes, of the value and of the gradient (its length against the length of
the gradient), is measured first; a batch of masks is timed and the time scaled to all.
"""

from functools import partial

import numpy as np

import refimpl
from benchmarks.accuracy import ACCURACY, samples_needed
from benchmarks.networks import KEEP, SMALL, problem, text, with_length
from benchmarks.rows import Row, Side

EPSILON = 0.01
BATCHES, BATCH = 32, 8  # of masks, to measure the standard error
TIMED = (8, 16, 32, 64)  # sizes of a batch of which the fastest is taken
GOAL = 100


def arguments(widths, samples, per_sample):
    """Of `refimpl.R2`: after a thousand steps of dropout."""
    risk, (theta,) = problem(widths, samples)
    drop, rng = refimpl.Dropout(KEEP, per_sample), np.random.default_rng(1)
    found = refimpl.train(risk, theta, refimpl.Adam(1e-3), 1000, drop, rng=rng)
    return risk, found.theta, drop, EPSILON


def ours(*case):
    """By `refimpl.R2` and `refimpl.R2_gradient`."""
    known = arguments(*case)
    return Side(
        lambda: (refimpl.R2(*known), refimpl.R2_gradient(*known)),
        with_length,
        note="exact",
    )


def monte_carlo(*case):
    """By ``torch.vmap`` of ``torch.func.grad`` over masks."""
    import torch
    from torch.nn.utils import parameters_to_vector

    from benchmarks.pytorch import half_mse, in_pytorch

    risk, theta, drop, _ = known = arguments(*case)
    model, X, Y = in_pytorch(risk, theta)
    parameters = dict(model.named_parameters())
    shape = len(X) if drop.per_sample else 1, *risk.net.hidden

    def loss(parameters, mask):
        return half_mse(torch.func.functional_call(model, parameters, (X, mask)), Y)

    of_each_mask = torch.vmap(torch.func.grad(loss), in_dims=(None, 0))

    def estimate(count):
        """R̃_2 and its gradient, means over `count` masks."""
        masks = torch.bernoulli(torch.full((count, *shape), KEEP)) / KEEP
        gradients = of_each_mask(parameters, masks)
        value = EPSILON / 4 * sum((g**2).sum() for g in gradients.values()) / count
        gradient = torch.autograd.grad(value, parameters.values())
        return value.item(), parameters_to_vector(gradient).numpy()

    def seconds_a_mask(count):
        side = Side(partial(estimate, count), scale=1 / count)
        return min(side.turn()[0] for _ in range(2))

    torch.manual_seed(0)
    values, gradients = zip(*(estimate(BATCH) for _ in range(BATCHES)))
    scatter = np.sqrt(np.var(gradients, axis=0, ddof=1).sum())
    masks = BATCH * max(
        samples_needed(np.mean(values), np.std(values, ddof=1)),
        samples_needed(np.linalg.norm(refimpl.R2_gradient(*known)), scatter),
    )
    found = with_length((np.mean(values), np.mean(gradients, axis=0)))
    batch = min(TIMED, key=seconds_a_mask)
    return Side(
        partial(estimate, batch),
        lambda _: found,  # of all batches above
        scale=masks / batch,
        note=f"{masks} masks for {ACCURACY:.0%}, timed {batch} at a time",
    )


def row(*case):
    widths, samples, per_sample = case
    masks = "a mask per sample" if per_sample else "one mask for all samples"
    return Row(
        f"R_2 and its gradient to 1%, {masks}, {text(widths, samples)}",
        "R_2 and length of its gradient",
        ours,
        {"vmap": monte_carlo},
        {"vmap": GOAL},
        case,
    )


ROWS = tuple(row(SMALL, n, each) for n in (15, 100) for each in (True, False))
