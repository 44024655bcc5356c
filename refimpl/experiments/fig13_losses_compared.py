"""The six losses compared: accuracy at the same risk, and the lines between minima
(Figures 13 and 14).

The same networks are trained on R_S, R_S^drop and L1 to L4, with several p, with one
mask for all samples as the paper writes and with one per sample. R_1 holds R_S above 0,
so that training on R_S is early stopped, as it were, until its risk has come to theirs:
networks are compared from there on, and accuracy is shown against R_S, not steps.
"""

from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from refimpl import loss_along
from refimpl.experiments.common import minima, style
from refimpl.experiments.common.claims import Claim, above, decided
from refimpl.experiments.common.classification import LOSSES, MASKS, NOISY, WITH_R1
from refimpl.experiments.common.classification import dropout, gradient_descent
from refimpl.experiments.common.classification import images, objective, two_layer
from refimpl.experiments.common.context import stacked
from refimpl.experiments.common.labels import LABELS, against_risk, legend_beside
from refimpl.experiments.common.labels import plot_columns, spread, titled
from refimpl.experiments.common.statistics import paired

MARKERS = "osD^vP"


@dataclass(frozen=True)
class Config:
    """The paper gives 784-1000-10, the first 1000 images of MNIST, learning rates 0.05
    and 0.005, p from 0.5 to 0.9. Ours: tanh, gradient descent on full batches, N(0,
    std²) for every parameter (see Figure 2), another set of images for each seed, and
    one learning rate, at which L3 stays with R_S^drop. R_S comes below the risk of the
    losses with R_1.

    A loss whose run ends above R_S = 0.15 in some seed, or is not finite, has found no
    minimum: it is shown, but takes no part in the claims.
    """

    width: int = 50
    n_train: int = 80
    std: float = 0.4
    keeps: tuple = (0.7, 0.9)
    rate: float = 1e-2
    steps: int = 12_000
    seeds: int = 5


PICTURES = True
QUICK = Config(n_train=40, keeps=(0.9,), steps=2_500, seeds=3)
PAPER = Config(
    width=100,
    n_train=200,
    std=0.2,
    keeps=(0.5, 0.9),
    rate=1e-2,
    steps=10_000,
    seeds=5,
)
PAPER_SETTINGS = dict(width=1000, n_train=1000, keeps="0.5 to 0.9", rate="0.05, 0.005")
CAPTIONS = {
    "fig13_losses_compared": (
        "A row for each mask convention. Networks trained on R_S, R_S^drop and L1 to "
        "L4: (a), (d) test accuracy at the end against the keep probability, a symbol "
        "a seed; (b), (e) test accuracy against R_S along training at the largest p, "
        "full lines for losses with R_1 in effect; (c), (f) least accuracy with R_1 "
        "minus greatest without, at the end and at the same R_S. Crosses: no minimum."
    ),
    "fig14_interpolation": (
        "R_S on the straight line between the minima of each pair of L1 to L4 for both "
        "mask conventions, every seed; dotted: the minima. (d), (h) Barriers minus "
        "that between L1 and L3, a dot a seed. Crosses: one of the two is no minimum."
    ),
}


def prefix(mask):
    """Beginning of the identifiers of the claims on a mask convention."""
    return f"fig13-{mask.replace(' ', '-')}"


GAP = (
    "test accuracy {}, least of R_S^drop, L1, L3 minus greatest of R_S, L2, L4 (those "
    "that found a minimum), mean over p, paired over seeds"
)
# Name, place in the paper, statement, what is measured, what was before, note.
MEASURES = (
    (
        "better",
        "Figure 13",
        "Losses with R_1 in effect generalise better than those without it, trained on "
        "until their R_S is less",
        GAP.format("at the end"),
        "Training was stopped at R_S = 0.1 before.",
        "With a shared mask the finite step of L2 without R_1 gains part of it.",
    ),
    (
        "same-risk",
        "Figure 13",
        "Where R_S is the same, losses with R_1 in effect generalise better than those "
        "without it",
        GAP.format("where R_S has come to the largest value that one of them ends at"),
        "The claim is new.",
        "With few images of MNIST the accuracies part only below the risk at which "
        "L4 ends.",
    ),
    (
        "connected",
        "Figure 14",
        "Between minima of L1 and L3 there is less of a barrier than between those "
        "with R_1 and those without",
        "largest R_S on the segment between two minima minus that of its higher end, "
        "mean over L1-L2, L1-L4, L2-L3, L3-L4 minus that of L1-L3, at the largest "
        "p, without pairs of which one is no minimum, paired over seeds",
        "Ends that are no minima took part before, and the mean of the ends was taken "
        "off, of which losses with R_1 end higher: half of that difference was counted "
        "as a barrier.",
        "With few images, or a shared mask, the barriers are low.",
    ),
)
CHOSEN = "Sizes and learning rate were chosen so that L3 stays near R_S^drop"
BETTER = above(0)
CLAIMS = tuple(
    Claim(
        f"{prefix(mask)}-{name}",
        f"{statement} ({mask} masks).",
        source,
        quantity,
        BETTER,
        note=note,
        anchor="figures-13-and-14",
        explored=f"{CHOSEN}. {before}",
    )
    for mask in MASKS
    for name, source, statement, quantity, before, note in MEASURES
)


def run(config, context):
    """Train all networks and draw the lines between their minima.

    Arrays, with 2 masks, K keep probabilities, 6 `LOSSES`, S seeds and T snapshots:
    ``accuracy`` and ``risk`` (2, K, 6, S, T), NaN where training ran off; with 6
    `minima.PAIRS`: ``line`` (2, 6, S, A), R_S at `minima.ALPHAS` between the minima at
    the largest p.
    """
    seeds = context.seeds
    axes = (MASKS, config.keeps, LOSSES)
    tasks = [(*_known(config, *point), *seeds) for point in product(*axes)]
    parts = context.runs(descent, config, tasks, "Figure 13")
    arrays = stacked(parts, [len(axis) for axis in axes])
    ends = arrays.pop("theta")[:, -1]  # (2, 6, S, P)
    line = np.full((2, len(minima.PAIRS), len(seeds), len(minima.ALPHAS)), np.nan)
    for s, seed in enumerate(seeds):
        _, risk = two_layer(images(context, config.n_train, seed), config.width)
        for m, (k, pair) in product(range(2), enumerate(minima.PAIRS)):
            start, end = (ends[m, LOSSES.index(name), s] for name in pair)
            if np.isfinite(start + end).all():
                line[m, k, s] = loss_along(risk, start, end - start, minima.ALPHAS)
    return {"keeps": config.keeps, "line": line} | arrays


def _known(config, mask, keep, loss):
    """What is trained: R_S knows neither masks nor p, and L1 no masks."""
    mask = mask if loss in NOISY else MASKS[0]
    return mask, config.keeps[0] if loss == "R_S" else keep, loss


def descent(config, context, mask, keep, loss, *seeds):
    """The networks of all seeds trained on one loss."""
    goal = partial(objective, loss, keep=keep, epsilon=config.rate)
    drop = dropout(loss, keep, mask)
    return gradient_descent(context, config, seeds, goal, drop, mask, config.std)


def check(arrays):
    measured, details = {}, {}
    rows = zip(MASKS, minima.gaps(arrays), minima.excess(arrays))
    for m, (mask, gap, more) in enumerate(rows):
        measured |= {
            f"{prefix(mask)}-better": over_finite(gap[:, 0]),
            f"{prefix(mask)}-same-risk": over_finite(gap[:, 1]),
            f"{prefix(mask)}-connected": over_finite(more),
        }
        details[f"{prefix(mask)}-better"] = described(arrays, m)
    return decided(CLAIMS, measured, details)


def over_finite(rows):
    """Mean over the rows (K, S) that are finite, and its interval; in words if none."""
    rows = rows[np.isfinite(rows).all(axis=-1)]
    return paired(rows) if len(rows) else "too few losses found a minimum"


def described(arrays, m):
    """Accuracies and risks at the end with masks number `m`, in words."""
    ends = (arrays[name][m, -1, ..., -1] for name in ("accuracy", "risk"))
    means = ", ".join(
        f"{loss} {spread(right)} at R_S {spread(risk)}"
        for loss, right, risk in zip(LOSSES, *ends)
    )
    lost = [
        f"{LOSSES[k]} at p={arrays['keeps'][e]:g}"
        for e, k in zip(*np.nonzero(~minima.found(arrays)[m]))
    ]
    words = f"no minimum: {', '.join(lost) or 'none'}"
    return f"{arrays['data']}; p={arrays['keeps'][-1]:g}: {means}; {words}"


def plot(arrays):
    """Accuracy (Figure 13) and the six panels of lines (Figure 14)."""
    return {
        "fig13_losses_compared": plot_accuracies(arrays),
        "fig14_interpolation": plot_lines(arrays),
    }


def plot_accuracies(arrays):
    """By convention: accuracy against p and against R_S, and what R_1 adds to it."""
    keeps, found, gap = arrays["keeps"], minima.found(arrays), minima.gaps(arrays)
    figure, axes = style.figure(2, 3, width=10.5, height=2.9)
    for m, mask in enumerate(MASKS):
        by_p, by_risk, added = axes[m]
        for k, loss in enumerate(LOSSES):
            right, risk = arrays["accuracy"][m, :, k], arrays["risk"][m, :, k]
            look = {"color": style.CYCLE[k], "ls": "-" if loss in WITH_R1 else "--"}
            mark = {"color": style.CYCLE[k], "ms": 5, "mfc": "none", "ls": ""}
            signs = [MARKERS[k] if one else "x" for one in found[m, :, k]]
            for e, x in enumerate(keeps + 0.006 * (k - 2.5)):  # side by side
                by_p.plot([x] * right.shape[1], right[e, :, -1], signs[e], **mark)
            by_risk.plot(risk[-1].T, right[-1].T, lw=0.7, alpha=0.6, **look)
            by_risk.plot(risk[-1, :, -1], right[-1, :, -1], signs[-1], **mark)
            by_p.plot([], [], signs[-1], **mark | look, label=LABELS[loss])
        low = np.nanmin(arrays["risk"][m, -1])
        by_risk.axvline(minima.MINIMUM, color="0.5", ls="--", lw=1)
        y = "test accuracy at the end"
        titled(by_p, f"{mask} masks", "keep probability $p$", y, xticks=keeps)
        against_risk(by_risk, f"on the way, $p$ = {keeps[-1]:g}", low, 0.1)
        looks = (("at the end", "0.3"), ("same $R_S$", "0.6"))
        columns = {
            f"$p$ = {p:g},\n{name}": (gap[m, e, k], BETTER, color)
            for e, p in enumerate(keeps)
            for k, (name, color) in enumerate(looks)
        }
        plot_columns(added, columns)
        titled(added, "what $R_1$ adds", "", "difference of accuracies")
        added.tick_params(axis="x", labelsize=7)
    legend_beside(axes[0, 0])
    return figure


def plot_lines(arrays):
    """R_S on the lines between minima, one panel per pair, and the barriers."""
    found, more = minima.found(arrays)[:, -1], minima.excess(arrays)
    top = 1.8 * np.nanmax(arrays["line"][1][..., minima.INSIDE], initial=0.1)
    figure, axes = style.figure(2, 4, width=style.WIDE, height=2.6)
    for k, (pair, panel) in enumerate(zip(minima.PAIRS, axes[:, :3].flat)):
        for m, (mask, color) in enumerate(zip(MASKS, (style.RED, style.BLUE))):
            lost = [LABELS[one] for one in pair if not found[m, LOSSES.index(one)]]
            look = {"color": color, "ls": "-" if m else "--", "label": mask}
            if lost:
                look |= {"ls": "", "marker": "x"}
                look["label"] += f":\nno minimum of {', '.join(lost)}"
            else:
                lines = arrays["line"][m, k].T
                panel.plot(minima.ALPHAS, lines, color=color, ls=look["ls"], lw=0.8)
            panel.plot([], [], **look)
        for end in (0, 1):
            panel.axvline(end, color="0.7", lw=0.8, ls=":")
        title = f"{LABELS[pair[0]]} (α = 0) to {LABELS[pair[1]]} (α = 1)"
        titled(panel, title, r"$\alpha$", "$R_S$", ylim=(0, top))
        panel.legend(loc="upper center")
    for mask, panel, rows in zip(MASKS, axes[:, 3], more):
        names = ("-".join(map(LABELS.get, pair)) for pair in minima.MIXED)
        columns = {n: (row, BETTER, style.BLACK) for n, row in zip(names, rows)}
        plot_columns(panel, columns)
        titled(panel, f"barriers, {mask} masks", "", "minus that of $L_1$-$L_3$")
    return figure
