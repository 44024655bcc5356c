"""Spectral density of the Hessian by Lanczos quadrature, at equal steps and probes."""

import numpy as np

import refimpl
from benchmarks.networks import MIDDLE, SMALL, text, trained
from benchmarks.rows import Row, Side

STEPS, PROBES = 40, 4
GOAL = 3


def largest_and_rms(rule):
    """Largest eigenvalue, and √(Tr H²/P), which every probe estimates."""
    nodes, weights = map(np.asarray, rule)
    second = (weights * nodes**2).sum(axis=1).mean()
    return float(nodes.max()), float(second**0.5)


def ours(*case):
    """By `refimpl.quadrature`."""
    risk, theta = trained(*case)

    def work():
        rng = np.random.default_rng(0)
        rule = refimpl.quadrature(risk, theta, STEPS, PROBES, rng)
        return rule.nodes, rule.weights

    return Side(work, largest_and_rms)


def pyhessian(*case):
    """By ``density`` of PyHessian."""
    import torch
    from pyhessian import hessian

    from benchmarks.pytorch import half_mse, in_pytorch

    model, X, Y = in_pytorch(*trained(*case))

    def eig(T, eigenvectors):
        """``torch.eig``, which PyHessian calls and PyTorch has no longer."""
        values, vectors = torch.linalg.eigh(T)
        return torch.stack([values, torch.zeros_like(values)], dim=1), vectors

    torch.eig = eig

    def work():
        torch.manual_seed(0)
        model.zero_grad()
        made = hessian(model, half_mse, data=(X, Y), cuda=False)
        return made.density(iter=STEPS, n_v=PROBES)

    return Side(work, largest_and_rms)


def row(*case):
    return Row(
        f"Hessian: spectral density, {STEPS} steps, {PROBES} probes, {text(*case)}",
        "largest and rms eigenvalue",
        ours,
        {"PyHessian": pyhessian},
        {"PyHessian": GOAL},
        case,
    )


ROWS = (row(SMALL, 100), row(MIDDLE, 1000))
