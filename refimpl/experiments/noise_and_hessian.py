"""Dropout's noise is aligned with the Hessian, and larger in sharper directions.

The exact covariance of ∇R_S^drop, and that of SGD's gradient, at minima of dropout: its
alignment with the Hessian of R_S against rotations with the same spectrum; its size
along the Hessian's eigenvectors; and variance against flatness along the principal
components of the noise at the minimum, and of a trajectory from there.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import GD, Dropout, Risk, hessian
from refimpl.data import digits
from refimpl.experiments.common import flatness, style
from refimpl.experiments.common.claims import Claim, above, below, decided
from refimpl.experiments.common.classification import two_layer
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.labels import titled
from refimpl.experiments.common.statistics import paired, slopes
from refimpl.theory.iterates import batch_gradient_covariance, gradient_covariance

NOISES = ("shared", "per sample", "SGD")
TOP = 20  # eigenvectors of the Hessian along which the noise is measured


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
    path: int = 2_000
    nulls: int = 100
    seeds: int = 4


QUICK = Config(width=5, n_train=40, steps=2_000, path=500, nulls=50, seeds=3)
PAPER = Config(width=9, n_train=100, steps=20_000, path=8_000, nulls=1000, seeds=5)

QUANTILE = 0.99  # of random rotations, above which alignment is not chance
WORDS = {
    "shared": "dropout with shared masks",
    "per-sample": "dropout with masks per sample",
    "sgd": "SGD",
}
FLATNESS = "width of the interval where R_S is below e times its value"
INVERSE = (
    f"slope of log variance against log flatness ({FLATNESS}) along the "
    f"{flatness.COMPONENTS} largest principal components of {{}}, mean over seeds"
)
PROTOCOL = (
    "Walkers, networks that start from one minimum with noise of their own, were "
    "measured first; theirs is nobody's protocol."
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
    for loss, of_loss in zip(("", "-cross-entropy"), ("", ", cross-entropy")):
        for name, words in WORDS.items():
            sgd = name == "sgd"
            yield Claim(
                f"noise-inverse-{name}{loss}",
                f"Inverse variance–flatness relation of gradients: the noise of "
                f"{words} at a minimum is larger along sharper components{of_loss}.",
                "this project" if sgd else "arXiv 2305.15850",
                INVERSE.format("the gradient's covariance at the minimum"),
                below(0),
                "project" if sgd else "companion",
                explored=PROTOCOL,
            )
    for name in ("per-sample", "sgd"):
        sgd = name == "sgd"
        yield Claim(
            f"noise-path-{name}",
            f"Inverse variance–flatness relation of trajectories: networks trained by "
            f"{WORDS[name]} move more along sharper principal components.",
            "Feng and Tu, PNAS 2021" if sgd else "arXiv 2305.15850",
            INVERSE.format("θ over a trajectory from the minimum"),
            below(0),
            "companion",
            note="The largest components of a trajectory lie in flat directions, along "
            "which it drifts; fluctuations across the valley are small beside it. Less "
            "the drift, the slope of dropout is not decided, that of SGD is above 0.",
            anchor="variance-and-flatness",
            explored=PROTOCOL,
        )


CLAIMS = tuple(_claims())


def run(config, context):
    """Train with dropout, and measure noise and curvature at the end.

    Arrays, with S seeds and 3 `NOISES`: ``alignment`` (S, 3) and ``null`` (S, 3, K) of
    rotations; ``eigenvalues`` (S, 20) and ``variance`` (S, 3, 20) along their
    eigenvectors; by 2 losses ``spread`` and ``flatness`` (S, 2, 3, 10), variances of
    the noise and flatness along its principal components; ``path`` and
    ``path_flatness`` (S, 2, 10), the same of trajectories of dropout with masks per
    sample and of SGD.
    """
    seeds = context.seeds
    parts = context.grid(measured, config, "noise and Hessian", seeds)
    other = context.grid(of_cross_entropy, config, "noise and flatness", seeds)
    for name, array in other.items():
        parts[name] = np.stack([parts[name], array], axis=1)
    return parts


def minimum(config, context, seed, loss="mse"):
    """Risk on the digits, θ after training with dropout, and the three covariances."""
    data = digits(context.rng("split", seed), config.n_train)
    net, risk = two_layer(data, config.width)
    risk = Risk(net, risk.X, data.labels, loss) if loss != "mse" else risk
    drop = Dropout(config.keep, per_sample=True)
    start = context.put(net.init(context.rng("init", seed)))
    rng, optimizer = context.noise("noise", seed), GD(config.rate)
    theta = context.train(risk, start, optimizer, config.steps, drop, rng=rng).theta
    covariances = (
        gradient_covariance(risk, theta, Dropout(config.keep)),
        gradient_covariance(risk, theta, drop),
        batch_gradient_covariance(risk, theta, config.n_train // 10),
    )
    return risk, theta, covariances


def measured(config, context, seed):
    """Alignment, noise by eigenvalue and flatness of one network, and trajectories."""
    risk, theta, covariances = minimum(config, context, seed)
    H = hessian(risk, theta)
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
    places = (config, context, risk, theta, seed)
    paths = [trajectory(*places, batch) for batch in (None, config.n_train // 10)]
    return {
        "alignment": np.stack([alignment(H, C) for C in covariances]),
        "null": np.stack(null, axis=1) / np.linalg.norm(H),
        "eigenvalues": values[::-1][:TOP],
        "variance": np.stack([((C @ V) * V).sum(axis=0) for C in covariances]),
        **flatness.of_noise(risk, theta, covariances),
    } | stacked([flatness.of_trajectory(risk, path) for path in paths])


def alignment(H, C):
    """Tr(HC)/(‖H‖‖C‖): the cosine of the two matrices."""
    return (H * C).sum() / (np.linalg.norm(H) * np.linalg.norm(C))


def of_cross_entropy(config, context, seed):
    """Flatness at the minimum of the network of the same seed with the other loss."""
    return flatness.of_noise(*minimum(config, context, seed, "cross_entropy"))


def trajectory(config, context, risk, theta, seed, batch):
    """θ of every step (T, P) from a minimum on, by dropout or with batches."""
    drop = Dropout(config.keep, per_sample=True) if batch is None else None
    steps, rng = config.path, context.noise(f"path {batch}", seed)
    kept, optimizer = range(1, steps + 1), GD(config.rate)
    ran = context.train(risk, theta, optimizer, steps, drop, batch, rng, kept)
    return np.stack(ran.snapshots)


def check(arrays):
    chance = np.quantile(arrays["null"], QUANTILE, axis=-1)
    margin = arrays["alignment"] - chance  # (S, 3)
    sharpness = arrays["eigenvalues"][:, None]  # (S, 1, 20)
    of_noise = slopes(sharpness, arrays["variance"])  # (S, 3)
    inverse = slopes(arrays["flatness"], arrays["spread"])  # (S, 2, 3)
    of_path = slopes(arrays["path_flatness"], arrays["path"])  # (S, 2)
    measured, details = {}, {}
    for k, name in enumerate(WORDS):
        measured[f"noise-aligned-{name}"] = paired(margin[:, k])
        measured[f"noise-sharper-{name}"] = paired(of_noise[:, k])
        details[f"noise-aligned-{name}"] = (
            f"mean alignment {arrays['alignment'][:, k].mean():.3f}, of rotations "
            f"{arrays['null'][:, k].mean():.3f}"
        )
        for loss, words in enumerate(("", "-cross-entropy")):
            measured[f"noise-inverse-{name}{words}"] = paired(inverse[:, loss, k])
    for k, name in enumerate(("per-sample", "sgd")):
        measured[f"noise-path-{name}"] = paired(of_path[:, k])
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """(a) Alignment of the gradient noise with the Hessian (dots) and that of random
    rotations (bar: their 99% quantile), for dropout with shared masks, with masks per
    sample, and SGD. (b) Noise along the Hessian's eigenvectors against their
    eigenvalues. (c) Variance of the gradient noise at the minimum along its principal
    components against flatness, (d) that of a trajectory from there.
    """
    figure, axes = style.figure(2, 2, width=7.5, height=2.9)
    aligned, noise, inverse, path = axes.flat
    looks = dict(zip(NOISES, (style.BLUE, style.RED, style.ORANGE)))
    for k, (name, color) in enumerate(looks.items()):
        null, shown = arrays["null"][:, k], arrays["alignment"][:, k]
        aligned.violinplot(null.ravel(), [k], widths=0.7, showextrema=False)
        aligned.plot([k] * len(shown), shown, "o", color=color, ms=4)
        chance = np.quantile(null, QUANTILE, axis=-1).mean()
        aligned.plot([k - 0.35, k + 0.35], [chance] * 2, color="0.5", ls="--", lw=1)
        scatter(noise, arrays["eigenvalues"], arrays["variance"][:, k], color, name)
        along = (arrays[key][:, 0, k] for key in ("flatness", "spread"))
        scatter(inverse, *along, color, name)
    for k, (name, label) in enumerate((("per sample", "dropout"), ("SGD", "SGD"))):
        along = (arrays[key][:, k] for key in ("path_flatness", "path"))
        scatter(path, *along, looks[name], label)
    y = r"$\mathrm{Tr}(HC)\,/\,\|H\|\|C\|$"
    titled(aligned, "alignment (dots) and rotations", "", y)
    aligned.set_xticks(range(3), NOISES)
    x = r"eigenvalue $\lambda$ of $\nabla^2 R_S$"
    titled(noise, "noise along eigenvectors", x, r"$v^\top C\, v$")
    x, y = "flatness along component", "variance along component"
    titled(inverse, "noise at the minimum", x, y)
    titled(path, "trajectory", x, y)
    for panel in (inverse, path):
        style.plain_log(panel.xaxis)
    return {"noise_and_hessian": figure}


def scatter(panel, x, y, color, label):
    """A dot for each component and seed (S, 20), both axes logarithmic."""
    panel.loglog(x.ravel(), y.ravel(), ".", color=color, ms=3, label=label)
    panel.legend()
