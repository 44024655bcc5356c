"""Spectral density of the Hessian by Lanczos quadrature, at equal steps and probes."""

import time
from functools import partial
from unittest.mock import patch

import numpy as np

from benchmarks.networks import MIDDLE, SMALL, text, torch_model, torch_risk, trained
from benchmarks.rows import Row
from refimpl.analysis import spectra as spectrum

STEPS, PROBES = 40, 4
GOAL = 3


class Ours:
    """By `refimpl.analysis.spectra.quadrature`."""

    def __init__(self, widths, samples):
        self.risk, self.theta = trained(widths, samples, 500 if widths[0] == 1 else 5)

    def turn(self):
        """Seconds; the largest node, and the mean square root of Tr H²/P."""
        rng = np.random.default_rng(0)
        start = time.perf_counter()
        rule = spectrum.quadrature(self.risk, self.theta, STEPS, PROBES, rng)
        seconds = time.perf_counter() - start
        return seconds, _summary(rule.nodes, rule.weights)


class PyHessian(Ours):
    """By ``density`` of PyHessian."""

    def __init__(self, widths, samples):
        import pyhessian

        super().__init__(widths, samples)
        self.model, self.X, self.Y = torch_model(self.risk, self.theta)
        self.hessian = partial(pyhessian.hessian, self.model, torch_risk, cuda=False)

    def turn(self):
        import torch

        torch.manual_seed(0)
        self.model.zero_grad()
        start = time.perf_counter()
        made = self.hessian(data=(self.X, self.Y))
        with patch.object(torch, "eig", _eig):  # PyTorch has it no longer
            nodes, weights = made.density(iter=STEPS, n_v=PROBES)
        seconds = time.perf_counter() - start
        return seconds, _summary(np.array(nodes), np.array(weights))


def _eig(T, eigenvectors):
    """What ``torch.eig`` was: real and imaginary parts, and vectors."""
    import torch

    values, vectors = torch.linalg.eigh(T)
    return torch.stack([values, torch.zeros_like(values)], dim=1), vectors


def _summary(nodes, weights):
    """Largest eigenvalue, and √(Tr H²/P), which every probe estimates."""
    second = (weights * nodes**2).sum(axis=1).mean()
    return float(nodes.max()), float(second**0.5)


def _row(widths, samples):
    case = widths, samples
    return Row(
        f"Hessian: spectral density, {STEPS} steps, {PROBES} probes, {text(*case)}",
        "largest and rms eigenvalue",
        partial(Ours, *case),
        {"PyHessian": partial(PyHessian, *case)},
        {"PyHessian": GOAL},
    )


ROWS = (_row(SMALL, 100), _row(MIDDLE, 1000))
