"""The Hessian in full, along training on six losses.

Trace, largest eigenvalue, Gauss–Newton and residual parts, and the spectral density at
the end, of R_S with dropout off, for two-layer networks trained on R_S, R_S^drop and
L1 to L4.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import (
    GD,
    ResidualCurvature,
    hessian_trace,
    quadrature,
    spectral_density,
    top_eigenvalues,
)
from refimpl.experiments.common import features, style
from refimpl.experiments.common.claims import (
    Claim,
    above,
    below,
    between,
    decided,
    ours,
)
from refimpl.experiments.common.classification import (
    MASKS,
    NOISY,
    data_name,
    dropout,
    images,
    objective,
    two_layer,
)
from refimpl.experiments.common.looks import (
    LABELS,
    legend_beside,
    listed,
    plot_rule,
    titled,
    with_mask,
)
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
    )
}

SMALL = below(0.1)
TRACE = "Tr of the Hessian of R_S at the end, geometric mean over seeds of "
CLAIMS = (
    Claim(
        "hessian-order",
        "Losses with R_1 in effect end flatter than those without (masks per sample).",
        "Section on flatness, Eq. (7)",
        TRACE + "the least of R_S, L2, L4 over the greatest of R_S^drop, L1, L3",
        above(1),
    ),
    Claim(
        "hessian-r1-accounts",
        "R_1 accounts for dropout's flatness in two-layer networks.",
        "Section on flatness",
        TRACE + "R_S + R_1 over R_S^drop, masks per sample",
        between(0.9, 1.1),
    ),
    ours(
        "hessian-noise-flattens",
        "With one mask for all samples the noise flattens without R_1 too.",
        TRACE + "L4 with masks per sample over L4 with shared masks",
        above(1),
        explored="At learning rate 5e-3, and not 1e-2, a trial with small networks "
        "showed no difference between the mask conventions.",
    ),
    ours(
        "hessian-gauss-newton",
        "At the end of training the Gauss–Newton part is nearly all of the Hessian's "
        "trace.",
        "|Tr of the residual part| over Tr of the Hessian, median over seeds, largest "
        "over losses",
        SMALL,
        explored="The rule was first on the largest over seeds, and was then met too.",
    ),
)


def run(config, context):
    """Train on every loss and measure the Hessian on the way.

    Returns
    -------
    arrays : dict
        With C cases, S seeds, T snapshots at ``steps`` (T,) and G points of ``grid``:
        ``trace``, ``trace_error``, ``gauss_newton``, ``residual``, ``residual_error``,
        ``top`` and ``risk`` (C, S, T); ``density`` and ``density_error`` (C, S, G) of
        the eigenvalues at the end.
    """
    seeds = context.seeds(config.seeds)
    return {
        "seeds": np.array(seeds),
        "steps": looks(config),
        "data": np.array(data_name(context)),
    } | context.grid(measured, config, "Hessian", CASES, seeds)


def looks(config):
    """Steps of the snapshots."""
    return features.early_looks(config.steps, 50, LOOKS - 1)


def measured(config, context, loss, mask, seed):
    """One network, trained and measured."""
    data = images(context, config.n_train, seed)
    net, risk = two_layer(data, config.width)
    snapshots = context.train(
        objective(loss, risk, config.keep, config.rate),
        features.start(net, config.std, context, [seed])[0],
        GD(config.rate),
        config.steps,
        dropout(loss, config.keep, mask),
        rng=context.noise(f"noise {mask}", seed),
        snapshots=looks(config),
    ).snapshots
    thetas = [theta.astype(float) for theta in snapshots]
    rng = context.noise("probes", seed)

    def traces(of):
        return [hessian_trace(of, t, "hutchinson", config.probes, rng) for t in thetas]

    whole, residual = traces(risk), traces(ResidualCurvature(risk))
    top = [top_eigenvalues(risk, t, tolerance=1e-3, rng=rng)[0] for t in thetas]
    rule = quadrature(
        risk, thetas[-1], config.lanczos_steps, config.lanczos_probes, rng
    )
    largest = float(top[-1])
    grid = np.linspace(-0.1, 1.1, 241) * largest
    density = spectral_density(rule, grid, 0.01 * largest)
    return {
        "trace": np.stack([one.mean for one in whole]),
        "trace_error": np.stack([one.standard_error for one in whole]),
        "gauss_newton": np.stack([ntk_trace(risk, t) for t in thetas]),
        "residual": np.stack([one.mean for one in residual]),
        "residual_error": np.stack([one.standard_error for one in residual]),
        "top": np.stack(top),
        "risk": np.stack([risk(t) for t in thetas]),
        "grid": grid,
        "density": density.mean * net.size,
        "density_error": density.standard_error * net.size,
    }


def check(arrays):
    """Results of `CLAIMS`."""
    names = [with_mask(*case) for case in CASES]
    trace = dict(zip(names, arrays["trace"][..., -1]))  # (S,) each
    per_sample = {
        loss: trace[with_mask(loss, mask)] for loss, mask in CASES if mask != "shared"
    }
    without = np.min([per_sample[loss] for loss in ("R_S", "L2", "L4")], axis=0)
    within = np.max([per_sample[loss] for loss in ("R_S^drop", "L1", "L3")], axis=0)
    error = (arrays["trace_error"] / arrays["trace"])[..., -1].max()
    means = listed(names, arrays["trace"][..., -1].mean(axis=-1))
    shares = np.median(np.abs(arrays["residual"] / arrays["trace"])[..., -1], axis=-1)
    measured = {
        "hessian-order": paired_ratio(without, within),
        "hessian-r1-accounts": paired_ratio(per_sample["L1"], per_sample["R_S^drop"]),
        "hessian-noise-flattens": paired_ratio(per_sample["L4"], trace["L4, shared"]),
        "hessian-gauss-newton": shares.max(),
    }
    details = {
        "hessian-order": f"{arrays['data']}; mean traces: {means}; largest relative "
        f"standard error {error:.1%}",
        "hessian-gauss-newton": f"medians over seeds: {listed(names, shares, '.1%')}",
    }
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Trace, largest eigenvalue, residual part and spectral density."""
    figure, axes = style.figure(2, 2, width=9.5, height=3.0)
    colors = dict(zip(LABELS, style.CYCLE))
    steps = np.maximum(arrays["steps"], 1)
    shares = np.abs(arrays["residual"] / arrays["trace"])
    for k, (loss, mask) in enumerate(CASES):
        label = with_mask(LABELS[loss], mask)
        look = dict(color=colors[loss], ls="--" if mask == "shared" else "-")
        for panel, name in ((axes[0, 0], "trace"), (axes[0, 1], "top")):
            values = arrays[name][k]
            panel.plot(steps, values.T, lw=0.4, alpha=0.4, **look)
            panel.plot(steps, np.median(values, axis=0), label=label, **look)
        axes[1, 0].plot(steps, np.median(shares[k], axis=0), **look)
        axes[1, 1].semilogy(
            arrays["grid"][k, 0], np.maximum(arrays["density"][k, 0], 1e-3), **look
        )
    plot_rule(axes[1, 0], SMALL)
    log = {"xscale": "log", "yscale": "log"}
    titled(axes[0, 0], "trace", "steps", r"$\mathrm{Tr}\,\nabla^2 R_S$", **log)
    titled(axes[0, 1], "largest eigenvalue", "steps", r"$\lambda_{\max}$", **log)
    title = "residual part's share of the trace"
    titled(axes[1, 0], title, "steps", "|share|", xscale="log")
    title = f"spectral density at the end, seed {arrays['seeds'][0]}"
    x, y = r"eigenvalue $\lambda$", r"eigenvalues per unit of $\lambda$"
    titled(axes[1, 1], title, x, y, ylim=(1e-3, None))
    axes[1, 0].legend()
    legend_beside(axes[0, 1])
    style.letter(axes)
    return {"hessian_along_training": figure}
