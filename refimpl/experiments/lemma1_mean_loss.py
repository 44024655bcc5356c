"""R_S + R_1 is the mean dropout loss (Lemma 1), exactly and by sampling.

Exactly: all masks of small random networks are enumerated. By sampling: the mean of K
Monte-Carlo dropout gradients of the Figure 4 network approaches ∇(R_S + R_1) as 1/√K,
and stays away from ∇R_S and from the formula with p and 1−p swapped.
"""

from dataclasses import dataclass

import numpy as np

from refimpl import L1, Deep, Dropout, R1_gradient, Risk, TwoLayer, expectation
from refimpl.arrays.backend import chunks
from refimpl.experiments.common import panels, style
from refimpl.experiments.common.claims import Claim, decided, ours
from refimpl.experiments.common.claims import above, below, between
from refimpl.experiments.common.labels import plot_rule, titled
from refimpl.experiments.common.sampling import doublings, figure_4
from refimpl.experiments.common.statistics import paired, slopes

KEEPS = (0.1, 0.5, 0.9, 1.0)
KINDS = ("two-layer", "deep, 1 hidden", "deep, 2 hidden")
ACTIVATIONS = ("tanh", "relu", "identity")
CANDIDATES = ("∇(R_S + R_1)", "∇R_S", "∇(R_S + R_1), p and 1−p swapped")
LEAST = 16  # masks from which on the rate is taken


@dataclass(frozen=True)
class Config:
    """Sampled part: the network of Figure 4; keep 0.6, N(0, m^−0.5) and one mask per
    sample are ours. ∇R_1 is there a few percent of the noise of one gradient, so ten
    thousands of masks are needed to tell it from nothing. All in float64."""

    problems: int = 4  # random problems per kind, activation, keep and convention
    width: int = 1000
    keep: float = 0.6
    seeds: int = 5
    draws: int = 2**16


QUICK = Config(problems=1, draws=2**12, width=200)
PAPER = Config(problems=20, seeds=10, draws=2**19)
PAPER_SETTINGS = {"width": 1000}

EXACT = below(1e-12)
CHANCE = 1e-3
Z = (
    "largest |z| over all parameters{}, z the deviation in standard errors, over the "
    "bound that chance passes once in 1,000 times (normal, Bonferroni){}"
)
CLAIMS = (
    Claim(
        "lemma1-loss",
        "The mean of R_S^drop over the masks is R_S + R_1, for any depth and number "
        "of outputs and both mask conventions.",
        "Lemma 1",
        "largest relative error over random networks, all masks enumerated, float64",
        EXACT,
    ),
    Claim(
        "lemma1-gradient",
        "The mean of ∇R_S^drop over the masks is ∇(R_S + R_1).",
        "Lemma 1",
        "largest error over random networks relative to the largest entry of the "
        "gradient, all masks enumerated, float64",
        EXACT,
    ),
    ours(
        "lemma1-monte-carlo-rate",
        "At the paper's width the mean of K dropout gradients approaches "
        "∇(R_S + R_1) as 1/√K.",
        f"slope of log error against log K, from K = {LEAST} on, mean over seeds",
        between(-0.55, -0.45),
        note="The error at the largest K rests on few draws, by which the fitted slope "
        "scatters; theory gives ½ exactly.",
        anchor="sampled-rates",
        explored="The slope was first that of the mean over seeds, without an "
        "interval.",
    ),
    ours(
        "lemma1-monte-carlo-z",
        "The sampled mean gradient agrees with ∇(R_S + R_1) in every parameter.",
        Z.format(" and seeds", ""),
        below(1),
    ),
    ours(
        "lemma1-alternatives",
        "The sampled mean gradient is neither ∇R_S nor the formula with p and 1−p "
        "swapped.",
        Z.format("", "; the lesser of both alternatives, median over seeds"),
        above(1),
        explored="The rule was first on the least over seeds, and was then met too.",
    ),
)


def random_problem(rng, kind, activation, per_sample):
    """A risk small enough to enumerate, and parameters."""
    d, o = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    n, m = (2, 4) if per_sample else (4, 8)
    if kind == "two-layer":
        net = TwoLayer(d, m, o, activation)
    else:
        hidden = (m,) if kind == "deep, 1 hidden" else (5, m)
        net = Deep((d, *hidden, o), activation)
    risk = Risk(net, rng.standard_normal((n, d)), rng.standard_normal((n, o)))
    return risk, net.init(rng, std=0.7)


def exact_errors(context, rng, kind, activation, keep, per_sample):
    """Relative errors of loss and gradient of one random problem."""
    risk, theta = random_problem(rng, kind, activation, per_sample)
    theta = context.put(theta)
    drop, modified = Dropout(keep, per_sample), L1(risk, keep)
    of = (drop, risk.net, risk.n)
    loss = expectation(lambda eta: risk(theta, eta), *of).mean
    gradient = expectation(lambda eta: risk.gradient(theta, eta), *of).mean
    expected = modified.gradient(theta)
    error = np.abs(gradient - expected).max() / np.abs(expected).max()
    return float(abs(loss / modified(theta) - 1)), float(error)


def run(config, context):
    """Errors of the enumerated problems, and distances of the sampled means.

    Arrays: ``exact`` (2 conventions, kinds, activations, keeps, problems, 2: loss and
    gradient); ``draws`` (T,) numbers of masks K; ``distance`` (S, T, 3) to each of
    `CANDIDATES`, over the norm of ∇(R_S + R_1); ``z`` (S, 3) largest |z| over the
    parameters; ``size`` number of parameters.
    """
    axes = (range(2), range(len(KINDS)))
    exact = context.grid(enumerated, config, "Lemma 1, all masks", *axes)
    return {
        "exact": exact["errors"],
        "draws": doublings(config.draws),
        "size": TwoLayer(1, config.width).size,
    } | context.grid(sample, config, "Lemma 1, sampled", context.seeds)


def enumerated(config, context, convention, kind):
    """``errors`` (activations, keeps, problems, 2) of one convention and kind."""
    errors = np.empty((len(ACTIVATIONS), len(KEEPS), config.problems, 2))
    for activation, keep, problem in np.ndindex(errors.shape[:-1]):
        rng = context.rng(f"exact {(convention, kind, activation, keep)}", problem)
        chosen = (KINDS[kind], ACTIVATIONS[activation], KEEPS[keep], bool(convention))
        errors[activation, keep, problem] = exact_errors(context, rng, *chosen)
    return {"errors": errors}


def sample(config, context, seed):
    """``distance`` (T, 3) of the mean gradient after K masks, and worst |z| (3,)."""
    draws = doublings(config.draws)
    risk, theta = figure_4(context, config.width, seed)
    net, keep = risk.net, config.keep
    right = L1(risk, keep).gradient(theta)
    plain = risk.gradient(theta)
    swapped = plain + R1_gradient(risk, theta, 1 - keep)
    candidates = np.stack([right, plain, swapped])
    drop, rng = Dropout(keep, per_sample=True), context.noise("noise", seed)
    total, squares, done = np.zeros_like(theta), np.zeros_like(theta), 0
    distance = []
    for wanted in draws:
        for start, stop in chunks(wanted - done, 20 * net.size):
            q = drop.factors(net, risk.n, rng, stop - start)
            deviation = risk.value_and_gradient(theta, q)[1] - right
            total += deviation.sum(axis=0)
            deviation *= deviation
            squares += deviation.sum(axis=0)
        done = wanted
        mean = right + total / done
        distance.append(np.linalg.norm(mean - candidates, axis=1))
    variance = (squares - total**2 / done) / (done - 1)
    moved = variance > 0
    z = (mean - candidates)[:, moved] / np.sqrt(variance[moved] / done)
    return {
        "distance": np.stack(distance) / np.linalg.norm(right),
        "z": np.abs(z).max(axis=1),
    }


def check(arrays):
    from scipy import stats

    exact, draws = arrays["exact"].reshape(-1, 2), arrays["draws"]
    late = draws >= LEAST
    rates = slopes(draws[late], arrays["distance"][:, late, 0])  # (S,)
    number, z = arrays["size"], arrays["z"]  # z (S, 3)
    all_seeds = stats.norm.isf(CHANCE / 2 / (number * len(z)))
    one_seed = stats.norm.isf(CHANCE / 2 / number)
    measured = {
        "lemma1-loss": exact[:, 0].max(),
        "lemma1-gradient": exact[:, 1].max(),
        "lemma1-monte-carlo-rate": paired(rates),
        "lemma1-monte-carlo-z": z[:, 0].max() / all_seeds,
        "lemma1-alternatives": np.median(z[:, 1:].min(axis=1)) / one_seed,
    }
    details = {
        "lemma1-loss": f"{len(exact)} networks",
        "lemma1-monte-carlo-z": f"the bound is {all_seeds:.2f}",
        "lemma1-alternatives": f"the bound is {one_seed:.2f}",
    }
    return decided(CLAIMS, measured, details)


def plot(arrays):
    """(a) Relative error of R_S + R_1 and its gradient against the mean over all masks,
    a mark for each random network. (b) Distance of the mean of K sampled dropout
    gradients to ∇(R_S + R_1), to ∇R_S and to the formula with p and 1−p swapped,
    against K; median and range over seeds.
    """
    figure, axes = style.figure(1, 2, width=7.0, height=2.9)
    panel = axes[0, 0]
    exact = np.maximum(arrays["exact"], 1e-17)
    errors = np.moveaxis(exact, 3, 0).reshape(len(KEEPS), -1, 2)
    x = np.arange(len(KEEPS))[:, None] + np.linspace(-0.38, -0.02, errors.shape[1])
    look = {"ls": "", "ms": 3, "mew": 0, "alpha": 0.7}
    loss, gradient = errors.reshape(-1, 2).T
    panel.plot(x.ravel(), loss, "o", color=style.BLUE, label="loss", **look)
    look |= {"color": style.ORANGE, "label": "gradient"}
    panel.plot(x.ravel() + 0.4, gradient, "^", **look)
    plot_rule(panel, EXACT)
    x, y = "keep probability $p$", "relative error of $R_S + R_1$"
    titled(panel, "all masks enumerated", x, y, yscale="log", ylim=(5e-18, 3e-10))
    panel.set_xticks(range(len(KEEPS)), [f"{keep:g}" for keep in KEEPS])
    panel.legend(loc="upper left", ncols=2)
    panel, draws, distance = axes[0, 1], arrays["draws"], arrays["distance"]
    right = r"$\nabla(R_S + R_1)$"
    labels = (right, r"$\nabla R_S$", f"{right}, $p$ and $1-p$ swapped")
    colors = (style.BLUE, style.RED, style.PURPLE)
    for k, (label, color, marker) in enumerate(zip(labels, colors, "os^")):
        look = {"color": color, "marker": marker, "ms": 3, "label": label}
        panels.spread(panel, draws, distance[..., k], (0, 0.5, 1), **look)
    line = distance[:, 0, 0].mean() / draws**0.5
    panel.loglog(draws, line, "k--", lw=1, label=r"$\propto 1/\sqrt{K}$")
    x, y = "number of masks $K$", "relative distance to mean gradient"
    titled(panel, "sampled, network of Figure 4", x, y)
    panel.set_ylim(top=100 * distance.max())
    panel.legend(loc="upper right")
    return {"lemma1_mean_loss": figure}
