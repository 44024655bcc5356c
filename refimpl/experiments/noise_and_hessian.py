"""Dropout's noise is aligned with the Hessian, and larger in sharper directions.

The exact covariance of ∇R_S^drop, and that of SGD's gradient, at minima of dropout: its
alignment with the Hessian of R_S against rotations with the same spectrum; its size
along the Hessian's eigenvectors; and the variance of walkers against flatness.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import GD, Dropout, hessian, loss_along
from refimpl.arrays.backend import to_numpy
from refimpl.data import digits
from refimpl.experiments.common import style
from refimpl.experiments.common.claims import Claim, above, below, decided, ours
from refimpl.experiments.common.classification import two_layer
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.looks import titled
from refimpl.experiments.common.statistics import paired, slopes
from refimpl.theory.iterates import batch_gradient_covariance, gradient_covariance

NOISES = ("shared", "per sample", "SGD")
TOP = 20  # eigenvectors of the Hessian along which the noise is measured
COMPONENTS = 20  # principal components of the walkers


@dataclass(frozen=True)
class Config:
    """All ours, after arXiv 2111.01022 and 2305.15850: digits, two-layer tanh, small
    enough that every mask can be enumerated and the Hessian is dense, for which MNIST
    has too many pixels. SGD has batches of a tenth of the data, drawn without
    replacement.
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
        "random rotations (bar: their 99% quantile), for dropout with shared masks, "
        "with masks per sample, and SGD. (b) Noise along the Hessian's eigenvectors "
        "against their eigenvalues. (c) Variance of walkers along their principal "
        "components against flatness."
    )
}

QUANTILE = 0.99  # of random rotations, above which alignment is not chance
WORDS = {
    "shared": "dropout with shared masks",
    "per-sample": "dropout with masks per sample",
    "sgd": "SGD",
}
WALKED = (
    "slope of log variance over walkers from the same minimum, along {}, mean over "
    "seeds"
)


def _claims():
    for name, words in WORDS.items():
        source, origin = "arXiv 2111.01022", "companion"
        if name == "sgd":
            source, origin = "this project", "project"
        yield Claim(
            f"noise-aligned-{name}",
            f"The covariance of the gradient of {words} is aligned with the Hessian.",
            source,
            "Tr(HC)/(‖H‖‖C‖) of the Hessian H of R_S and the covariance C, minus the "
            f"{QUANTILE:.0%} quantile over random rotations of C, which keep its "
            "spectrum, mean over seeds",
            above(0),
            origin,
            explored="The rule was first on the least over seeds, against the largest "
            "over rotations, and was then met too.",
        )
        yield Claim(
            f"noise-sharper-{name}",
            f"The gradient noise of {words} is larger in sharper directions.",
            source,
            f"slope of log vᵀCv against log λ over the {TOP} largest eigenvalues λ of "
            "H with eigenvectors v, mean over seeds",
            above(0),
            origin,
        )
    for name in ("per-sample", "sgd"):
        yield Claim(
            f"noise-inverse-{name}",
            f"Inverse variance–flatness relation: walkers of {WORDS[name]} vary more "
            "along sharper principal components.",
            "arXiv 2305.15850",
            WALKED.format(
                f"their {COMPONENTS} largest principal components, against log "
                "flatness (width of the interval where R_S is below e times its value "
                "at their mean)"
            ),
            below(0),
            "companion",
            note="The largest components lie in flat directions, along which the "
            "networks drift apart.",
            anchor="variance-and-flatness",
        )
        yield ours(
            f"noise-walkers-{name}",
            f"Along the Hessian's eigenvectors the walkers of {WORDS[name]} vary more "
            "in sharper directions.",
            WALKED.format(
                f"the eigenvectors of the {TOP} largest eigenvalues λ of the Hessian, "
                "against log λ"
            ),
            above(0),
            note="From a minimum that was trained for 20,000 steps the exponent is not "
            "told from zero.",
            anchor="variance-and-flatness",
        )


CLAIMS = tuple(_claims())


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
    parts = context.grid(measured, config, "noise and Hessian", seeds)
    return {"seeds": np.array(seeds)} | parts


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
    } | stacked(walks)


def alignment(H, C):
    """Tr(HC)/(‖H‖‖C‖): the cosine of the two matrices."""
    return (H * C).sum() / (np.linalg.norm(H) * np.linalg.norm(C))


def walk(config, context, risk, theta, seed, batch, V):
    """Variances of walkers along their principal components, flatness there, variances
    along the columns of V: the last three of `run`.

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
    return {
        "walk": variances[:COMPONENTS],
        "flatness": np.array(widths),
        "walk_along": ((ends - middle) @ V).var(axis=0, ddof=1),
    }


def width(risk, theta, v):
    """Width of the interval around θ along `v` where R_S is below e times R_S(θ)."""
    alphas = np.geomspace(1e-4, 1e2, 400)
    level, ends = np.e * risk(theta), []
    for sign in (-1, 1):
        values = loss_along(risk, theta, sign * v, alphas)
        over = to_numpy(values > level)
        ends.append(alphas[over.argmax()] if over.any() else alphas[-1])
    return sum(ends)


def check(arrays):
    """Results of `CLAIMS`."""
    chance = np.quantile(arrays["null"], QUANTILE, axis=-1)
    margin = arrays["alignment"] - chance  # (S, 3)
    sharpness = arrays["eigenvalues"][:, None]  # (S, 1, 20)
    of_noise = slopes(sharpness, arrays["variance"])  # (S, 3)
    of_walk = slopes(arrays["flatness"], arrays["walk"])  # (S, 2)
    along = slopes(sharpness, arrays["walk_along"])  # (S, 2)
    measured, details = {}, {}
    for k, name in enumerate(WORDS):
        measured[f"noise-aligned-{name}"] = paired(margin[:, k])
        measured[f"noise-sharper-{name}"] = paired(of_noise[:, k])
        details[f"noise-aligned-{name}"] = (
            f"mean alignment {arrays['alignment'][:, k].mean():.3f}, of rotations "
            f"{arrays['null'][:, k].mean():.3f}"
        )
    for k, name in enumerate(("per-sample", "sgd")):
        measured[f"noise-inverse-{name}"] = paired(of_walk[:, k])
        measured[f"noise-walkers-{name}"] = paired(along[:, k])
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """Alignment, noise by eigenvalue, and variance by flatness."""
    figure, axes = style.figure(1, 3, width=10.0, height=3.0)
    aligned, noise, walkers = axes[0]
    looks = dict(zip(NOISES, (style.BLUE, style.RED, style.ORANGE)))
    for k, (name, color) in enumerate(looks.items()):
        null, shown = arrays["null"][:, k], arrays["alignment"][:, k]
        aligned.violinplot(null.ravel(), [k], widths=0.7, showextrema=False)
        aligned.plot([k] * len(shown), shown, "o", color=color, ms=4)
        chance = np.quantile(null, QUANTILE, axis=-1).mean()
        aligned.plot([k - 0.35, k + 0.35], [chance] * 2, color="0.5", ls="--", lw=1)
        scatter(noise, arrays["eigenvalues"], arrays["variance"][:, k], color, name)
    for k, (name, label) in enumerate((("per sample", "dropout"), ("SGD", "SGD"))):
        flatness, variance = arrays["flatness"][:, k], arrays["walk"][:, k]
        scatter(walkers, flatness, variance, looks[name], label)
    y = r"$\mathrm{Tr}(HC)\,/\,\|H\|\|C\|$"
    titled(aligned, "alignment (dots) and rotations", "", y)
    aligned.set_xticks(range(3), NOISES)
    x = r"eigenvalue $\lambda$ of $\nabla^2 R_S$"
    titled(noise, "noise along eigenvectors", x, r"$v^\top C\, v$")
    x, y = "flatness along component", "variance along component"
    titled(walkers, "walkers", x, y)
    style.plain_log(walkers.xaxis)
    style.letter(axes)
    return {"noise_and_hessian": figure}


def scatter(panel, x, y, color, label):
    """A dot for each component and seed (S, 20), both axes logarithmic."""
    panel.loglog(x.ravel(), y.ravel(), ".", color=color, ms=3, label=label)
    panel.legend()
