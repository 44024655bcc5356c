"""The Hessian in full, along training on six losses.

Trace, largest eigenvalue, Gauss–Newton and residual parts, and the spectral density at
the end, of R_S with dropout off, for two-layer networks trained on R_S, R_S^drop and
L1 to L4 until R_S, trained alone, is below the others' risk.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import GD, hessian_trace, quadrature, spectral_density, top_eigenvalues
from refimpl.arrays.backend import to_numpy
from refimpl.experiments.common import features, style
from refimpl.experiments.common.claims import Claim, decided, ours, rules
from refimpl.experiments.common.claims import above, below, between
from refimpl.experiments.common.classification import MASKS, NOISY, dropout
from refimpl.experiments.common.classification import images, objective, two_layer
from refimpl.experiments.common.labels import LABELS, legend_beside, listed
from refimpl.experiments.common.labels import plot_columns, plot_rule, titled, with_mask
from refimpl.experiments.common.statistics import paired_ratio
from refimpl.theory.jacobian import ntk_trace

CASES = (
    ("R_S", "no"),
    ("L1", "no"),
    *((loss, mask) for loss in NOISY for mask in MASKS[::-1]),
)
NAMES = tuple(with_mask(*case) for case in CASES)
SNAPSHOTS = 7


@dataclass(frozen=True)
class Config:
    """All ours, and those of Figure 13, where learning rate and steps are explained:
    tanh, gradient descent on full batches, N(0, std²), other images for each seed. The
    traces are exact. Largest eigenvalue and spectral density are those of the first
    seed, and are shown only, so few probes do.
    """

    width: int = 50
    n_train: int = 80
    std: float = 0.4
    keep: float = 0.9
    rate: float = 1e-2
    steps: int = 8_000
    seeds: int = 5
    lanczos_steps: int = 60
    lanczos_probes: int = 2


PICTURES = True
QUICK = Config(width=30, n_train=40, steps=1_000, seeds=3, lanczos_steps=30)
PAPER = Config(width=200, n_train=300, std=0.15, rate=5e-3, steps=10_000, seeds=5)

SMALL = below(0.1)
TRACE = "Tr of the Hessian of R_S at the end, geometric mean over seeds of "
LONGER = "Training was stopped at R_S = 0.12 before, with p=0.8 and three seeds"
CLAIMS = (
    Claim(
        "hessian-order",
        "Losses with R_1 in effect end flatter than those without (two-layer network "
        "on images, masks per sample).",
        "Section on flatness, Eq. (7)",
        TRACE + "the least of R_S, L2, L4 over the greatest of R_S^drop, L1, L3",
        above(1),
        explored=f"{LONGER}.",
    ),
    Claim(
        "hessian-r1-accounts",
        "R_1 accounts for dropout's flatness (two-layer network on images).",
        "Section on flatness",
        TRACE + "R_S + R_1 over R_S^drop, masks per sample",
        between(0.9, 1.1),
        explored=f"{LONGER}.",
    ),
    ours(
        "hessian-noise-flattens",
        "With one mask for all samples the finite step flattens without R_1 too "
        "(two-layer network on images).",
        TRACE + "L2 with masks per sample over L2 with shared masks",
        above(1),
        explored=f"{LONGER}. L4 was compared, which finds no minimum with them.",
    ),
    ours(
        "hessian-gauss-newton",
        "At the end of training the Gauss–Newton part is nearly all of the Hessian's "
        "trace (two-layer network on images).",
        "|Tr of the residual part| over Tr of the Hessian, median over seeds, largest "
        "over losses",
        SMALL,
        explored="The rule was first on the largest over seeds, and was then met too.",
    ),
)


def run(config, context):
    """Train on every loss and measure the Hessian on the way.

    Arrays, with C cases, S seeds, T snapshots at ``steps`` (T,) and G points of
    ``grid`` (C, G): ``trace``, ``gauss_newton`` and ``risk`` (C, S, T); of the first
    seed ``top`` (C, T), and ``density`` (C, G) of the eigenvalues at the end.
    """
    found = context.grid(measured, config, "Hessian", CASES, seeds=context.seeds)
    return {"steps": snapshot_steps(config)} | found


def snapshot_steps(config):
    """Steps of the snapshots."""
    return features.evenly_in_log(config.steps, 100, SNAPSHOTS - 1)


def measured(config, context, loss, mask, *seeds):
    """The networks of all seeds, trained and measured."""
    data = [images(context, config.n_train, seed) for seed in seeds]
    net, risk = two_layer(data, config.width)
    snapshots = context.train(
        objective(loss, risk, config.keep, config.rate),
        features.start(net, config.std, context, seeds),
        GD(config.rate),
        config.steps,
        dropout(loss, config.keep, mask),
        rng=context.noise(f"noise {mask}", list(seeds)),
        snapshots=snapshot_steps(config),
    ).snapshots
    thetas = [theta.astype(float) for theta in snapshots]  # [T] (S, P)
    _, alone = two_layer(data[0], config.width)
    top = [top_eigenvalues(alone, theta[0], tolerance=1e-3)[0] for theta in thetas]
    probes = (config.lanczos_probes, context.noise("probes", seeds[0]))
    rule = quadrature(alone, thetas[-1][0], config.lanczos_steps, *probes)
    grid = np.linspace(-0.1, 1.1, 241) * float(top[-1])
    density = spectral_density(rule, grid, 0.01 * float(top[-1]))
    along = {
        "trace": [hessian_trace(risk, theta).mean for theta in thetas],
        "gauss_newton": [ntk_trace(risk, theta) for theta in thetas],
        "risk": [risk(theta) for theta in thetas],
    }
    return {name: stacked(values) for name, values in along.items()} | {
        "top": stacked(top),
        "grid": grid,
        "density": density.mean * net.size,
    }


def stacked(values):
    """Arrays (...) of the snapshots, as one on the host: (..., T)."""
    return np.stack([to_numpy(one) for one in values], axis=-1)


def ratios(arrays):
    """Ratios of traces at the end that claims are about, by claim: (S,)."""
    trace = dict(zip(NAMES, arrays["trace"][..., -1]))

    def of(*losses):
        names = ("{}, per sample" if one in NOISY else "{}" for one in losses)
        return [trace[name.format(one)] for name, one in zip(names, losses)]

    without, within = of("R_S", "L2", "L4"), of("R_S^drop", "L1", "L3")
    return {
        "hessian-order": np.min(without, axis=0) / np.max(within, axis=0),
        "hessian-r1-accounts": within[1] / within[0],
        "hessian-noise-flattens": without[1] / trace["L2, shared"],
    }


def shares(arrays):
    """Share of the residual part in the trace, without its sign: (C, S, T)."""
    return np.abs(1 - arrays["gauss_newton"] / arrays["trace"])


def check(arrays):
    share = np.median(shares(arrays)[..., -1], axis=-1)
    measured = {name: paired_ratio(one, 1) for name, one in ratios(arrays).items()}
    measured["hessian-gauss-newton"] = share.max()
    means, risks = (arrays[key][..., -1].mean(axis=-1) for key in ("trace", "risk"))
    details = {
        "hessian-order": f"{arrays['data']}; mean traces: {listed(NAMES, means)}; mean "
        f"R_S: {listed(NAMES, risks, '.2g')}",
        "hessian-gauss-newton": f"medians over seeds: {listed(NAMES, share, '.1%')}",
    }
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """For networks trained on R_S, R_S^drop and L1 to L4: (a) trace and, of one seed,
    (b) largest eigenvalue of the Hessian of R_S, and (c) the residual part's share of
    the trace, against steps, medians over seeds; (d) spectral density of one seed at
    the end; (e) ratios of traces at the end, and (f) R_S, every seed. Dashed lines
    across: thresholds of the claims.
    """
    figure, axes = style.figure(2, 3, width=style.WIDE, height=2.9)
    (trace, top, residual), (spectrum, ratio, ends) = axes
    colors = dict(zip(LABELS, style.CYCLE))
    steps, marks = np.maximum(arrays["steps"], 1), dict(zip(MASKS, "^s"))
    for k, (loss, mask) in enumerate(CASES):
        # Of curves that coincide one is wide, the others dashed at different places.
        look, mark = dict(color=colors[loss], ls="-", lw=2.5), {}
        if mask != "no":
            look |= dict(ls=(3 * k, (4, 6 if mask == "shared" else 2)), lw=1.2)
            mark = dict(marker=marks[mask], ms=3.5, mfc="none", markevery=(k % 3, 3))
        for panel, values in (
            (trace, arrays["trace"][k]),
            (top, arrays["top"][k][None]),
            (residual, shares(arrays)[k]),
        ):
            label = with_mask(LABELS[loss], mask)
            panel.plot(steps, np.median(values, axis=0), label=label, **look, **mark)
        density = np.maximum(arrays["density"][k], 1e-3)
        spectrum.semilogy(arrays["grid"][k], density, **look)
        risk, look = arrays["risk"][k, :, -1], {"color": colors[loss], "mfc": "none"}
        ends.plot([k] * len(risk), risk, marks.get(mask, "o"), ms=4, **look)
    plot_rule(residual, SMALL)
    known = rules(CLAIMS)
    names = ("without $R_1$\nover with", "$L_1$ over\ndropout")
    names += ("$L_2$ per sample\nover shared",)
    columns = {
        name: (values, known[claim], style.BLACK)
        for name, (claim, values) in zip(names, ratios(arrays).items())
    }
    plot_columns(ratio, columns)
    log = {"xscale": "log", "yscale": "log"}
    titled(trace, "trace", "steps", r"$\mathrm{Tr}\,\nabla^2 R_S$", **log)
    seed = arrays["seeds"][0]
    titled(top, f"largest eigenvalue, seed {seed}", "steps", r"$\lambda_{\max}$", **log)
    title = "residual part's share of the trace"
    titled(residual, title, "steps", "|share|", xscale="log")
    title = f"spectral density at the end, seed {seed}"
    x, y = r"eigenvalue $\lambda$", r"eigenvalues per unit of $\lambda$"
    titled(spectrum, title, x, y, ylim=(1e-3, None))
    titled(ratio, "traces at the end", "", "ratio")
    ratio.tick_params(axis="x", labelsize=7)
    x = "in the order of the legend"
    titled(ends, "risk at the end", x, "$R_S$", yscale="log", xticks=[])
    legend_beside(residual)
    return {"hessian_along_training": figure}
