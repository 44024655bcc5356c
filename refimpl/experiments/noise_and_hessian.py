"""Dropout's noise is aligned with the Hessian, and larger in sharper directions.

The exact covariance of ∇R_S^drop, and that of SGD's gradient, at minima of dropout: its
alignment with the Hessian of R_S against rotations with the same spectrum; its size
along the Hessian's eigenvectors; and the variance of walkers against flatness.
"""

from dataclasses import dataclass

import numpy as np

from refimpl.analysis.hessian import hessian
from refimpl.analysis.landscape import loss_along
from refimpl.arrays.backend import to_numpy
from refimpl.core.dropout import Dropout
from refimpl.core.optimizers import GD
from refimpl.data.datasets import digits
from refimpl.experiments.common import style
from refimpl.experiments.common.classification import two_layer
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.framework import Claim
from refimpl.experiments.common.statistics import paired, slope
from refimpl.theory.iterates import batch_gradient_covariance, gradient_covariance

NOISES = ("shared", "per sample", "SGD")
TOP = 20  # eigenvectors of the Hessian along which the noise is measured
COMPONENTS = 20  # principal components of the walkers


@dataclass(frozen=True)
class Config:
    """All ours, after arXiv 2111.01022 and 2305.15850: digits, two-layer tanh, small
    enough that every mask can be enumerated and the Hessian is dense, for which MNIST
    has too many pixels. p = 0.8; SGD has
    batches of a tenth of the data, drawn without replacement.
    """

    width: int = 7
    n_train: int = 60
    keep: float = 0.8
    rate: float = 0.1
    steps: int = 4_000
    walk: int = 1_000
    walkers: int = 100
    nulls: int = 100
    seeds: int = 4


PRESETS = {
    "quick": Config(
        width=4, n_train=40, steps=2_000, walk=500, walkers=50, nulls=50, seeds=3
    ),
    "default": Config(),
    "paper": Config(width=9, n_train=100, steps=20_000, walk=4_000, nulls=1000),
}
CAPTIONS = {
    "noise_and_hessian": (
        "(a) Alignment of the gradient noise with the Hessian (dots) and that of "
        "random rotations, for dropout with shared masks, with masks per sample, and "
        "SGD. (b) Noise along the Hessian's eigenvectors against their eigenvalues. "
        "(c) Variance of walkers along their principal components against flatness."
    ),
}

ALIGNED = (
    "Tr(HC)/(‖H‖‖C‖) of the Hessian H of R_S and the covariance C, minus the largest "
    "over random rotations of C, which keep its spectrum: least over seeds; above 0"
)
VARIANCE = (
    f"slope of log vᵀCv against log λ over the {TOP} largest eigenvalues λ of H with "
    "eigenvectors v, by seed: the 95% interval of the mean is above 0"
)
CLAIMS = (
    *(
        Claim(
            f"noise-aligned-{name.replace(' ', '-').lower()}",
            f"The covariance of {words} is aligned with the Hessian.",
            source,
            ALIGNED,
        )
        for name, words, source in (
            ("shared", "dropout's gradient, shared masks,", "arXiv 2111.01022"),
            ("per sample", "dropout's gradient, masks per sample,", "arXiv 2111.01022"),
            ("SGD", "SGD's gradient", "this project"),
        )
    ),
    *(
        Claim(
            f"noise-sharper-{name.replace(' ', '-').lower()}",
            f"The noise of {words} is larger in sharper directions.",
            source,
            VARIANCE,
        )
        for name, words, source in (
            ("shared", "dropout with shared masks", "arXiv 2111.01022"),
            ("per sample", "dropout with masks per sample", "arXiv 2111.01022"),
            ("SGD", "SGD", "this project"),
        )
    ),
    *(
        Claim(
            f"noise-inverse-{name.replace(' ', '-').lower()}",
            f"Inverse variance–flatness relation: walkers of {words} vary more along "
            "sharper principal components.",
            source,
            "slope of log variance over walkers from the same minimum, along their "
            f"{COMPONENTS} largest principal components, against log flatness (width "
            "of the interval where R_S is below e times its value at their mean), by "
            "seed: the 95% interval of the mean is below 0",
        )
        for name, words, source in (
            ("per sample", "dropout", "arXiv 2305.15850"),
            ("SGD", "SGD", "arXiv 2305.15850"),
        )
    ),
    *(
        Claim(
            f"noise-walkers-{name.replace(' ', '-').lower()}",
            f"Along the Hessian's eigenvectors the walkers of {words} vary more in "
            "sharper directions.",
            "this project",
            f"slope of log variance over walkers against log λ, {TOP} largest "
            "eigenvalues, by seed: the 95% interval of the mean is above 0",
        )
        for name, words in (("per sample", "dropout"), ("SGD", "SGD"))
    ),
)


def run(config, context):
    """Train with dropout, and measure noise and curvature at the end.

    Returns
    -------
    arrays : dict
        With S seeds and 3 `NOISES`: ``alignment`` (S, 3) and ``null`` (S, 3, K) of
        rotations; ``eigenvalues`` (S, 20) and ``variance`` (S, 3, 20) along their
        eigenvectors; of dropout (per sample) and SGD ``walk`` (S, 2, 20), variances of
        walkers, ``flatness`` (S, 2, 20) along principal components, and ``walk_along``
        (S, 2, 20) along the eigenvectors.
    """
    seeds = context.seeds(config.seeds)
    tasks = [(seed,) for seed in seeds]
    parts = context.runs(measured, config, tasks, "noise and Hessian")
    return {"seeds": np.array(seeds)} | stacked(parts)


def measured(config, context, seed):
    """One network."""
    data = digits(context.rng("split", seed), config.n_train)
    net, risk = two_layer(data, config.width)
    drop = Dropout(config.keep, per_sample=True)
    start = context.put(net.init(context.rng("init", seed)))
    rng, optimizer = context.noise("noise", seed), GD(config.rate)
    theta = context.train(risk, start, optimizer, config.steps, drop, rng=rng).theta
    H = hessian(risk, theta)
    covariances = (
        gradient_covariance(risk, theta, Dropout(config.keep)),
        gradient_covariance(risk, theta, drop),
        batch_gradient_covariance(risk, theta, config.n_train // 10),
    )
    values, vectors = np.linalg.eigh(H)
    V = vectors[:, ::-1][:, :TOP]
    null = []
    draws = context.rng("rotations", seed)
    spectra = [np.linalg.eigvalsh(C) for C in covariances]
    for _ in range(config.nulls):
        Q, _ = np.linalg.qr(context.put(draws.standard_normal(H.shape)))
        # The overlaps of H with the columns of a random rotation.
        along = ((H @ Q) * Q).sum(axis=0)
        null.append(np.stack([along @ C / np.linalg.norm(C) for C in spectra]))
    walks = [
        walk(config, context, risk, theta, seed, batch, V)
        for batch in (None, config.n_train // 10)
    ]
    return {
        "alignment": np.stack([alignment(H, C) for C in covariances]),
        "null": np.stack(null, axis=1) / np.linalg.norm(H),
        "eigenvalues": values[::-1][:TOP],
        "variance": np.stack([((C @ V) * V).sum(axis=0) for C in covariances]),
        "walk": np.stack([variance for variance, _, _ in walks]),
        "flatness": np.stack([flatness for _, flatness, _ in walks]),
        "walk_along": np.stack([along for _, _, along in walks]),
    }


def alignment(H, C):
    """Tr(HC)/(‖H‖‖C‖): the cosine of the two matrices."""
    return (H * C).sum() / (np.linalg.norm(H) * np.linalg.norm(C))


def walk(config, context, risk, theta, seed, batch, V):
    """Variances of walkers along their principal components, flatness there, variances
    along the columns of V.

    Walkers leave θ with noise of their own. What they have in common, the drift of a
    training that goes on, is no part of their variance.
    """
    drop = Dropout(config.keep, per_sample=True) if batch is None else None
    ends = context.train(
        risk,
        np.tile(theta, (config.walkers, 1)),
        GD(config.rate),
        config.walk,
        drop,
        batch,
        rng=context.noise(f"walk {batch}", seed),
    ).theta
    middle = ends.mean(axis=0)
    _, sizes, components = np.linalg.svd(ends - middle, full_matrices=False)
    variances = sizes**2 / (len(ends) - 1)
    widths = [width(risk, middle, v) for v in components[:COMPONENTS]]
    along = ((ends - middle) @ V).var(axis=0, ddof=1)
    return variances[:COMPONENTS], np.array(widths), along


def width(risk, theta, v):
    """Width of the interval around θ along `v` where R_S is below e times R_S(θ)."""
    alphas = np.geomspace(1e-4, 1e2, 400)
    level, ends = np.e * risk(theta), []
    for sign in (-1, 1):
        values = loss_along(risk, theta, sign * v, alphas)
        above = to_numpy(values > level)
        ends.append(alphas[above.argmax()] if above.any() else alphas[-1])
    return sum(ends)


def exponents(x, y):
    """Slopes (S,) of log y against log x by seed."""
    return np.array([slope(one, other).mean for one, other in zip(x, y)])


def check(arrays):
    """Results of `CLAIMS`."""
    results = []
    margin = arrays["alignment"] - arrays["null"].max(axis=-1)  # (S, 3)
    for which, claim in enumerate(CLAIMS[:3]):
        worst = margin[:, which].min()
        detail = f"mean alignment {arrays['alignment'][:, which].mean():.3f}, of "
        detail += f"rotations {arrays['null'][:, which].mean():.3f}"
        results.append(claim.result(worst > 0, worst, detail=detail))
    for claims, x, y, sign in (
        (CLAIMS[3:6], "eigenvalues", "variance", 1),
        (CLAIMS[6:8], "flatness", "walk", -1),
        (CLAIMS[8:], "eigenvalues", "walk_along", 1),
    ):
        for which, claim in enumerate(claims):
            along = arrays[x] if x == "eigenvalues" else arrays[x][:, which]
            effect = paired(exponents(along, arrays[y][:, which]))
            passed = min(sign * end for end in effect.interval) > 0
            results.append(claim.result(passed, effect.mean, effect.interval))
    return results


def plot(arrays):
    """Alignment, noise by eigenvalue, and variance by flatness."""
    figure, axes = style.figure(1, 3, width=10.0, height=3.0)
    colors = (style.BLUE, style.RED, style.ORANGE)
    panel = axes[0, 0]
    for k, (name, color) in enumerate(zip(NOISES, colors)):
        null = arrays["null"][:, k].ravel()
        panel.violinplot(null, [k], widths=0.7, showextrema=False)
        shown = arrays["alignment"][:, k]
        panel.plot([k] * len(shown), shown, "o", color=color, ms=4)
    panel.set(
        title="alignment (dots) and rotations",
        ylabel=r"$\mathrm{Tr}(HC)\,/\,\|H\|\|C\|$",
        xticks=range(3),
        xticklabels=NOISES,
    )
    panel = axes[0, 1]
    for k, (name, color) in enumerate(zip(NOISES, colors)):
        x, y = arrays["eigenvalues"], arrays["variance"][:, k]
        panel.loglog(x.T, y.T, ".", color=color, ms=3)
        panel.plot([], [], ".", color=color, label=name)
    panel.set(
        title="noise along eigenvectors",
        xlabel=r"eigenvalue $\lambda$ of $\nabla^2 R_S$",
        ylabel=r"$v^\top C\, v$",
    )
    panel.legend()
    panel = axes[0, 2]
    for k, (name, color) in enumerate((("dropout", style.RED), ("SGD", style.ORANGE))):
        x, y = arrays["flatness"][:, k], arrays["walk"][:, k]
        panel.loglog(x.T, y.T, ".", color=color, ms=3)
        panel.plot([], [], ".", color=color, label=name)
    panel.set(
        title="walkers",
        xlabel="flatness along component",
        ylabel="variance along component",
    )
    style.plain_log(panel.xaxis)
    panel.legend()
    style.letter(axes)
    return {"noise_and_hessian": figure}
