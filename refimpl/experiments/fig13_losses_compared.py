"""The six losses compared: accuracy at the same risk, and the lines between minima
(Figures 13 and 14).

The same networks are trained on R_S, R_S^drop and L1 to L4, with several p, with one
mask for all samples as the paper writes and with one per sample. R_1 holds R_S above 0,
so that training on R_S is early stopped, as it were, until its risk has come to theirs:
networks are compared from there on, and accuracy is shown against R_S, not steps.
"""

from dataclasses import dataclass
from functools import partial
from itertools import combinations, product

import numpy as np

from refimpl import loss_along
from refimpl.experiments.common import style
from refimpl.experiments.common.claims import Claim, above, at_most, decided
from refimpl.experiments.common.classification import (
    LOSSES,
    MASKS,
    NOISY,
    WITH_R1,
    at_risk,
    data_name,
    dropout,
    images,
    objective,
    path,
    two_layer,
)
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.looks import (
    LABELS,
    legend_beside,
    plot_rule,
    spread,
    titled,
)
from refimpl.experiments.common.statistics import paired

ALPHAS = np.linspace(-0.5, 1.5, 41)
PAIRS = tuple(combinations(("L1", "L2", "L3", "L4"), 2))
MIXED = tuple(pair for pair in PAIRS if pair not in (("L1", "L3"), ("L2", "L4")))
HAS_R1 = np.array([loss in WITH_R1 for loss in LOSSES])
MARKERS = "osD^vP"
GAP_LOOKS = (("at the end", "o", style.BLACK), ("same $R_S$", "^", style.GREEN))
MINIMUM = at_most(0.15)  # R_S of what is compared; of outputs that are 0 it is 0.5


@dataclass(frozen=True)
class Config:
    """The paper gives 784-1000-10, the first 1000 images of MNIST, learning rates 0.05
    and 0.005, p from 0.5 to 0.9. Ours: tanh, gradient descent on full batches, N(0,
    std²) for every parameter (see Figure 2), another set of images for each seed, and
    one learning rate, at which L3 stays with R_S^drop. R_S comes below the risk of the
    losses with R_1.

    A run that ends above R_S = 0.15 in some seed, or whose loss is not finite, has found
    no minimum: it is shown, but takes no part in the claims.
    """

    width: int = 50
    n_train: int = 80
    std: float = 0.4
    keeps: tuple = (0.7, 0.9)
    rate: float = 1e-2
    steps: int = 12_000
    seeds: int = 5


PRESETS = {
    "quick": Config(n_train=40, keeps=(0.9,), steps=2_500, seeds=3),
    "default": Config(),
    "paper": Config(
        width=1000,
        n_train=1000,
        std=0.2,
        keeps=(0.5, 0.7, 0.9),
        rate=1e-3,
        steps=20_000,
    ),
}
PAPER_SETTINGS = {
    "width": 1000,
    "n_train": 1000,
    "keeps": "0.5 to 0.9",
    "rate": "0.05, 0.005",
}
CAPTIONS = {
    "fig13_losses_compared": (
        "A row for each mask convention. Networks trained on R_S, R_S^drop and L1 to "
        "L4: (a), (d) test accuracy at the end against the keep probability, full lines "
        "for losses with R_1 in effect; (b), (e) test accuracy against R_S along "
        "training at the largest p, dots at the end; (c), (f) least accuracy with R_1 "
        "minus greatest without, at the end and at the same R_S, a dot a seed. Crosses: "
        "no minimum was found."
    ),
    "fig14_interpolation": (
        "(a) to (f) R_S on the straight line between the minima of each pair of L1 to "
        "L4 for both mask conventions, every seed; dotted: the minima. (g), (h) "
        "Barriers minus that between L1 and L3, a dot a seed. Pairs of which one is no "
        "minimum are marked by a cross."
    ),
}


def prefix(mask):
    """Beginning of the identifiers of the claims on a mask convention."""
    return f"fig13-{mask.replace(' ', '-')}"


GAP = (
    "test accuracy {}, least of R_S^drop, L1, L3 minus greatest of R_S, L2, L4 (those "
    "that found a minimum), mean over p, paired over seeds"
)
CHANGED = (
    "Width, images, learning rate and steps were chosen on other seeds so that L3 stays "
    "with R_S^drop and R_S comes below the risk of the losses with R_1; "
)
CLAIMS = tuple(
    claim
    for mask in MASKS
    for claim in (
        Claim(
            f"{prefix(mask)}-better",
            "Losses with R_1 in effect generalise better than those without it, trained "
            f"on until their R_S is less ({mask} masks).",
            "Figure 13",
            GAP.format("at the end"),
            above(0),
            explored=CHANGED + "training was stopped at R_S = 0.1 before.",
        ),
        Claim(
            f"{prefix(mask)}-same-risk",
            "Where R_S is the same, losses with R_1 in effect generalise better than "
            f"those without it ({mask} masks).",
            "Figure 13",
            GAP.format("where R_S has come to the largest value that one of them ends at"),
            above(0),
            explored=CHANGED + "the claim is new.",
        ),
        Claim(
            f"{prefix(mask)}-connected",
            "Between minima of L1 and L3 there is less of a barrier than between those "
            f"with R_1 and those without ({mask} masks).",
            "Figure 14",
            "largest R_S on the segment between two minima minus the mean of its ends, "
            "mean over L1-L2, L1-L4, L2-L3, L3-L4 minus that of L1-L3, at the largest p, "
            "without the pairs of which one found no minimum, paired over seeds",
            above(0),
            explored=CHANGED + "L4 with shared masks, which finds no minimum, took part "
            "before.",
        ),
    )
)


def run(config, context):
    """Train all networks and draw the lines between their minima.

    Returns
    -------
    arrays : dict
        With 2 masks, K keep probabilities, 6 `LOSSES`, S seeds and T snapshots:
        ``accuracy`` and ``risk`` (2, K, 6, S, T), NaN where training ran off; with 6
        `PAIRS`: ``line`` (2, 6, S, A), R_S at ``alphas`` between the minima at the
        largest p.
    """
    seeds = context.seeds(config.seeds)
    axes = (MASKS, config.keeps, LOSSES)
    tasks = [(*_known(config, *point), *seeds) for point in product(*axes)]
    parts = context.runs(descent, config, tasks, "Figure 13")
    arrays = stacked(parts, [len(axis) for axis in axes])
    ends = arrays.pop("theta")[:, -1]  # (2, 6, S, P)
    line = np.full((2, len(PAIRS), len(seeds), len(ALPHAS)), np.nan)
    for s, seed in enumerate(seeds):
        _, risk = two_layer(images(context, config.n_train, seed), config.width)
        for m, (k, pair) in product(range(2), enumerate(PAIRS)):
            start, end = (ends[m, LOSSES.index(name), s] for name in pair)
            if np.isfinite(start + end).all():
                line[m, k, s] = loss_along(risk, start, end - start, ALPHAS)
    return {
        "seeds": np.array(seeds),
        "keeps": np.array(config.keeps),
        "alphas": ALPHAS,
        "line": line,
        "data": np.array(data_name(context)),
    } | arrays


def _known(config, mask, keep, loss):
    """What is trained: R_S knows neither masks nor p, and L1 no masks."""
    return (
        mask if loss in NOISY else MASKS[0],
        config.keeps[0] if loss == "R_S" else keep,
        loss,
    )


def descent(config, context, mask, keep, loss, *seeds):
    """The networks of all seeds trained on one loss."""
    goal = partial(objective, loss, keep=keep, epsilon=config.rate)
    drop = dropout(loss, keep, mask)
    return path(context, config, seeds, goal, drop, mask, config.std)


def minima(arrays):
    """Whether a loss found a minimum in every seed: (2, K, 6)."""
    with np.errstate(invalid="ignore"):
        return (arrays["risk"][..., -1] <= MINIMUM.high).all(axis=-1)


def barriers(line):
    """Largest R_S on the segment minus the mean of its ends: (..., pairs, S)."""
    inside = (ALPHAS >= 0) & (ALPHAS <= 1)
    segment = line[..., inside]
    return segment.max(axis=-1) - segment[..., [0, -1]].mean(axis=-1)


def gaps(risk, accuracy, found):
    """Least accuracy with R_1 minus greatest without, of the losses that `found` a
    minimum (6,): at the end and at the same R_S (2, S), from paths (6, S, T).

    NaN where a loss with R_1 is not among them, or none without.
    """
    S = risk.shape[1]
    if not found[HAS_R1].all() or not found[~HAS_R1].any():
        return np.full((2, S), np.nan)
    level = risk[found, :, -1].max(axis=0)  # (S,)
    same = np.full((len(LOSSES), S), np.nan)
    for k, s in product(np.flatnonzero(found), range(S)):
        same[k, s] = at_risk(risk[k, s], accuracy[k, s], level[s])
    ends = np.stack([accuracy[..., -1], same])  # (2, 6, S)
    return ends[:, HAS_R1].min(axis=1) - ends[:, found & ~HAS_R1].max(axis=1)


def all_gaps(arrays):
    """`gaps` of both conventions and every p: (2, K, 2, S)."""
    found, shape = minima(arrays), arrays["risk"].shape[:2]
    each = [
        gaps(arrays["risk"][at], arrays["accuracy"][at], found[at])
        for at in np.ndindex(shape)
    ]
    return np.stack(each).reshape(*shape, *each[0].shape)


def excess(line, found):
    """Barriers of pairs with and without R_1 minus that of L1 and L3: (pairs, S), NaN
    of a pair of which one `found` (6,) no minimum."""
    height = barriers(line)  # (6, S)
    for k, pair in enumerate(PAIRS):
        if not all(found[LOSSES.index(loss)] for loss in pair):
            height[k] = np.nan
    height = dict(zip(PAIRS, height))
    return np.stack([height[pair] for pair in MIXED]) - height["L1", "L3"]


def check(arrays):
    """Results of `CLAIMS`."""
    measured, details, found = {}, {}, minima(arrays)
    for m, mask in enumerate(MASKS):
        gap = all_gaps(arrays)[m]  # (K, 2, S)
        gap = gap[np.isfinite(gap).all(axis=(1, 2))]
        words = described(arrays, m)
        for k, name in enumerate((f"{prefix(mask)}-better", f"{prefix(mask)}-same-risk")):
            details[name] = words
            nowhere = f"no p at which losses of both kinds found minima: {words}"
            measured[name] = paired(gap[:, k].mean(axis=0)) if len(gap) else nowhere
        more = excess(arrays["line"][m], found[m, -1])
        more = more[np.isfinite(more).all(axis=-1)]
        name = f"{prefix(mask)}-connected"
        nowhere = "no pair with and without R_1 of which both found minima"
        measured[name] = paired(more.mean(axis=0)) if len(more) else nowhere
        details[name] = f"{len(more)} of 4 pairs"
    return decided(CLAIMS, measured, details)


def described(arrays, m):
    """Accuracies and risks at the end with masks number `m`, in words."""
    lost = [
        f"{loss} at p={keep:g}"
        for keep, found in zip(arrays["keeps"], minima(arrays)[m])
        for loss, one in zip(LOSSES, found)
        if not one
    ]
    ends = (arrays[name][m, -1, ..., -1] for name in ("accuracy", "risk"))
    means = ", ".join(
        f"{loss} {spread(right)} at R_S {spread(risk)}"
        for loss, right, risk in zip(LOSSES, *ends)
    )
    return (
        f"{arrays['data']}; p={arrays['keeps'][-1]:g}: {means}; no minimum: "
        + (", ".join(lost) or "none")
    )


def plot(arrays):
    """Accuracy (Figure 13) and the six panels of lines (Figure 14)."""
    return {
        "fig13_losses_compared": plot_accuracies(arrays),
        "fig14_interpolation": plot_lines(arrays),
    }


def plot_accuracies(arrays):
    """By convention: accuracy against p and against R_S, and what R_1 adds to it."""
    keeps, found, gap = arrays["keeps"], minima(arrays), all_gaps(arrays)
    figure, axes = style.figure(2, 3, width=10.5, height=2.9)
    for m, mask in enumerate(MASKS):
        by_p, by_risk, added = axes[m]
        for k, loss in enumerate(LOSSES):
            right, risk = arrays["accuracy"][m, :, k], arrays["risk"][m, :, k]
            look = {"color": style.CYCLE[k], "ls": "-" if loss in WITH_R1 else "--"}
            mark = {"color": style.CYCLE[k], "ms": 5, "mfc": "none", "ls": ""}
            for e, x in enumerate(keeps + 0.006 * (k - 2.5)):  # side by side
                sign = MARKERS[k] if found[m, e, k] else "x"
                by_p.plot([x] * right.shape[1], right[e, :, -1], sign, **mark)
            sign = MARKERS[k] if found[m, -1, k] else "x"
            by_risk.plot(risk[-1].T, right[-1].T, lw=0.7, alpha=0.6, **look)
            by_risk.plot(risk[-1, :, -1], right[-1, :, -1], sign, **mark)
            by_p.plot([], [], sign, **mark | look, label=LABELS[loss])
        low = np.nanmin(arrays["risk"][m, -1])
        by_risk.axvline(*MINIMUM.thresholds, color="0.5", ls="--", lw=1)
        y = "test accuracy at the end"
        titled(by_p, f"{mask} masks", "keep probability $p$", y, xticks=keeps)
        x, title = "$R_S$ (falling to the right)", f"on the way, $p$ = {keeps[-1]:g}"
        titled(by_risk, title, x, "test accuracy", xscale="log", xlim=(1, 0.8 * low))
        by_risk.set_ylim(0.2, 1)
        for which, (name, sign, color) in enumerate(GAP_LOOKS):
            at, values = keeps + 0.01 * (2 * which - 1), gap[m, :, which].T  # (S, K)
            added.plot(np.tile(at, (len(values), 1)), values, sign, color=color, ms=4)
            added.plot([], [], sign, color=color, ms=4, label=name)
        plot_rule(added, CLAIMS[0].rule)
        titled(added, "what $R_1$ adds", "keep probability $p$", "difference", xticks=keeps)
        added.set_xlim(keeps[0] - 0.1, keeps[-1] + 0.1)
    for panel in axes[0, ::2]:
        legend_beside(panel)
    style.letter(axes)
    return figure


def plot_lines(arrays):
    """R_S on the lines between minima, one panel per pair, and the barriers."""
    found, inside = minima(arrays)[:, -1], (ALPHAS >= 0) & (ALPHAS <= 1)
    top = 1.4 * np.nanmax(arrays["line"][1][..., inside], initial=0.1)
    figure, axes = style.figure(2, 4, width=12.0, height=2.6)
    for k, (pair, panel) in enumerate(zip(PAIRS, axes[:, :3].flat)):
        for m, (mask, color) in enumerate(zip(MASKS, (style.RED, style.BLUE))):
            look = {"color": color, "ls": "-" if m else "--"}
            lost = [LABELS[one] for one in pair if not found[m, LOSSES.index(one)]]
            label = f"{mask} masks"
            if lost:
                look, label = {"color": color, "ls": "", "marker": "x"}, (
                    f"{label}: no minimum of {', '.join(lost)}"
                )
            else:
                panel.plot(arrays["alphas"], arrays["line"][m, k].T, lw=0.8, **look)
            panel.plot([], [], label=label, **look)
        for end in (0, 1):
            panel.axvline(end, color="0.7", lw=0.8, ls=":")
        title = f"{LABELS[pair[0]]} (α = 0) to {LABELS[pair[1]]} (α = 1)"
        titled(panel, title, r"$\alpha$", "$R_S$", ylim=(0, top))
        panel.legend(loc="upper center")
    for m, (mask, panel) in enumerate(zip(MASKS, axes[:, 3])):
        for x, values in enumerate(excess(arrays["line"][m], found[m])):
            lost = np.isnan(values).any()
            y = np.zeros(1) if lost else values
            panel.plot([x] * len(y), y, "x" if lost else "o", color=style.BLACK, ms=4)
        plot_rule(panel, CLAIMS[2].rule)
        panel.set_xticks(range(4), ["-".join(map(LABELS.get, pair)) for pair in MIXED])
        titled(panel, f"barriers, {mask} masks", "", "minus that of $L_1$-$L_3$")
        panel.margins(0.1, 0.25)
        panel.legend(loc="upper right")
    style.letter(np.concatenate([axes[:, :3].ravel(), axes[:, 3]]))
    return figure
