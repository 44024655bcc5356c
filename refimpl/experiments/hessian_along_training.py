"""The Hessian in full, along training on six losses.

Trace, largest eigenvalue, Gauss–Newton and residual parts, and the spectral density at
the end, of R_S with dropout off, for two-layer networks trained on R_S, R_S^drop and
L1 to L4.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.analysis.gauss_newton import ResidualCurvature
from refimpl.analysis.hessian import hessian_trace, top_eigenvalues
from refimpl.analysis.spectra import quadrature, spectral_density
from refimpl.core.optimizers import GD
from refimpl.experiments.common import features, style
from refimpl.experiments.common.classification import (
    LABELS,
    MASKS,
    NOISY,
    data_name,
    dropout,
    images,
    objective,
    two_layer,
)
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired_ratio
from refimpl.theory.jacobian import ntk_trace

CASES = (
    ("R_S", "no"),
    ("L1", "no"),
    *((loss, mask) for loss in NOISY for mask in MASKS[::-1]),
)
LOOKS = 6


@dataclass(frozen=True)
class Config:
    """All ours, after Figure 13: digits, tanh, gradient descent on full batches,
    N(0, std²). The learning rate is low enough for L3 and L4 with shared masks.
    """

    width: int = 60
    n_train: int = 100
    std: float = 0.35
    keep: float = 0.8
    rate: float = 1e-2
    steps: int = 3_000
    seeds: int = 3
    probes: int = 40
    lanczos_steps: int = 60
    lanczos_probes: int = 6


PRESETS = {
    "quick": Config(width=30, n_train=40, steps=800, probes=20, lanczos_steps=30),
    "default": Config(),
    "paper": Config(width=200, n_train=500, std=0.3, rate=2e-3, steps=5_000),
}
CAPTIONS = {
    "hessian_along_training": (
        "For networks trained on R_S, R_S^drop and L1 to L4: (a) trace and (b) largest "
        "eigenvalue of the Hessian of R_S, and (c) the residual part's share of the "
        "trace, against steps; (d) spectral density at the end."
    ),
}

TRACE = "Tr of the Hessian of R_S at the end: geometric mean over seeds of "
CLAIMS = (
    Claim(
        "hessian-order",
        "Losses with R_1 in effect end flatter than those without (masks per sample).",
        "Section on flatness, Eq. (7)",
        TRACE + "the least of R_S, L2, L4 over the greatest of R_S^drop, L1, L3; the "
        "95% interval is above 1",
    ),
    Claim(
        "hessian-r1-accounts",
        "R_1 accounts for dropout's flatness.",
        "Section on flatness",
        TRACE + "R_S + R_1 over R_S^drop, masks per sample; the 95% interval lies in "
        "0.9 to 1.1",
    ),
    Claim(
        "hessian-noise-flattens",
        "With one mask for all samples the noise flattens without R_1 too.",
        "this project",
        TRACE + "L4 with masks per sample over L4 with shared masks; the 95% interval "
        "is above 1",
    ),
    Claim(
        "hessian-gauss-newton",
        "At the end the Gauss–Newton part is nearly all of the trace.",
        "this project",
        "|Tr of the residual part| over Tr of the Hessian, largest over losses and "
        "seeds; below 0.1",
    ),
)


def run(config, context):
    """Train on every loss and measure the Hessian on the way.

    Returns
    -------
    arrays : dict
        With C cases, S seeds, T snapshots at ``steps`` (T,) and G points of ``grid``:
        ``trace``, ``trace_error``, ``gauss_newton``, ``residual``, ``residual_error``,
        ``top`` and ``risk`` (C, S, T); ``density`` and ``density_error`` (C, S, G) at
        the end, of asinh-spaced eigenvalues.
    """
    seeds = context.seeds(config.seeds)
    tasks = [(*case, seed) for case in CASES for seed in seeds]
    parts = context.runs(measured, config, tasks, "Hessian")
    fixed = {
        "seeds": np.array(seeds),
        "steps": features.early_looks(config.steps, 50, LOOKS - 1),
    }
    fixed["data"] = np.array(data_name(context))
    return fixed | stacked(parts, (len(CASES), len(seeds)))


def measured(config, context, loss, mask, seed):
    """One network, trained and measured."""
    data = images(context, config.n_train, seed)
    net, risk = two_layer(data, config.width)
    snapshots = context.train(
        objective(loss, risk, config.keep, config.rate),
        context.put(net.init(context.rng("init", seed), config.std).astype(np.float32)),
        GD(config.rate),
        config.steps,
        dropout(loss, config.keep, mask),
        rng=context.noise(f"noise {mask}", seed),
        snapshots=features.early_looks(config.steps, 50, LOOKS - 1),
    ).snapshots
    thetas = [theta.astype(float) for theta in snapshots]
    rng = context.noise("probes", seed)
    traces = [hessian_trace(risk, t, "hutchinson", config.probes, rng) for t in thetas]
    left = ResidualCurvature(risk)
    residuals = [
        hessian_trace(left, t, "hutchinson", config.probes, rng) for t in thetas
    ]
    top = [top_eigenvalues(risk, t, tolerance=1e-3, rng=rng)[0] for t in thetas]
    rule = quadrature(
        risk, thetas[-1], config.lanczos_steps, config.lanczos_probes, rng
    )
    largest = float(top[-1])
    grid = np.linspace(-0.1, 1.1, 241) * largest
    density = spectral_density(rule, grid, 0.01 * largest)
    return {
        "trace": np.stack([one.mean for one in traces]),
        "trace_error": np.stack([one.standard_error for one in traces]),
        "gauss_newton": np.stack([ntk_trace(risk, t) for t in thetas]),
        "residual": np.stack([one.mean for one in residuals]),
        "residual_error": np.stack([one.standard_error for one in residuals]),
        "top": np.stack(top),
        "risk": np.stack([risk(t) for t in thetas]),
        "grid": grid,
        "density": density.mean * net.size,
        "density_error": density.standard_error * net.size,
    }


def check(arrays):
    """Results of `CLAIMS`."""
    order, accounts, noise, newton = CLAIMS
    trace = dict(zip(CASES, arrays["trace"][..., -1]))  # (S,) each
    per_sample = {loss: t for (loss, mask), t in trace.items() if mask != "shared"}
    without = np.min([per_sample[loss] for loss in ("R_S", "L2", "L4")], axis=0)
    within = np.max([per_sample[loss] for loss in ("R_S^drop", "L1", "L3")], axis=0)
    error = (arrays["trace_error"] / arrays["trace"])[..., -1].max()
    detail = f"{arrays['data']}; mean traces: " + ", ".join(
        f"{loss}{'' if mask == 'no' else ', ' + mask} {t.mean():.4g}"
        for (loss, mask), t in trace.items()
    )
    detail += f"; largest relative standard error {error:.1%}"
    results = []
    for claim, above, below, words in (
        (order, without, within, detail),
        (accounts, per_sample["L1"], per_sample["R_S^drop"], ""),
        (noise, per_sample["L4"], trace["L4", "shared"], ""),
    ):
        effect = paired_ratio(above, below)
        low, high = effect.interval
        passed = 0.9 < low and high < 1.1 if claim is accounts else low > 1
        results.append(claim.result(passed, effect.mean, effect.interval, None, words))
    share = np.abs(arrays["residual"] / arrays["trace"])[..., -1]
    worst = share.max()
    detail = "mean over seeds: " + ", ".join(
        f"{loss}{'' if mask == 'no' else ', ' + mask} {value:.1%}"
        for (loss, mask), value in zip(CASES, share.mean(axis=-1))
    )
    return [*results, newton.result(worst < 0.1, worst, detail=detail)]


def plot(arrays):
    """Trace, largest eigenvalue, residual part and spectral density."""
    figure, axes = style.figure(2, 2, width=9.5, height=3.0)
    colors = dict(zip(LABELS, style.CYCLE))
    steps = np.maximum(arrays["steps"], 1)
    for k, (loss, mask) in enumerate(CASES):
        label = LABELS[loss] + ("" if mask == "no" else f", {mask}")
        look = dict(color=colors[loss], ls="--" if mask == "shared" else "-")
        for panel, name in ((axes[0, 0], "trace"), (axes[0, 1], "top")):
            values = arrays[name][k]
            panel.plot(steps, values.T, lw=0.4, alpha=0.4, **look)
            panel.plot(steps, np.median(values, axis=0), label=label, **look)
        share = arrays["residual"][k] / arrays["trace"][k]
        axes[1, 0].plot(steps, np.median(share, axis=0), **look)
        axes[1, 1].semilogy(
            arrays["grid"][k, 0], np.maximum(arrays["density"][k, 0], 1e-3), **look
        )
    axes[0, 0].set(title="trace", ylabel=r"$\mathrm{Tr}\,\nabla^2 R_S$", yscale="log")
    axes[0, 1].set(title="largest eigenvalue", ylabel=r"$\lambda_{\max}$", yscale="log")
    axes[1, 0].set(title="residual part's share of the trace", ylabel="share")
    axes[1, 1].set(
        title="spectral density at the end, seed 0",
        xlabel=r"eigenvalue $\lambda$",
        ylabel=r"eigenvalues per unit of $\lambda$",
        ylim=(1e-3, None),
    )
    for panel in (*axes[0], axes[1, 0]):
        panel.set(xlabel="steps", xscale="log")
    axes[0, 1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    style.letter(axes)
    return {"hessian_along_training": figure}
