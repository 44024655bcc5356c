"""The film of Figure 4, and its snapshots for the report's sliders."""

import base64
import io
import json

import numpy as np

from refimpl.experiments.common import style
from refimpl.experiments.common.animation import GRID, KEEPS

FILMED = (0, 2)  # of `KEEPS`: without dropout, and with the paper's
PACE, PAUSE = 200, 12  # milliseconds of a look; how many looks the end is shown
FILM, SNAPSHOTS = "film.gif", "film.json"
CAPTION = (
    "Figure 4 as it happens: features and output of the two-layer tanh network of the "
    "first seed while it is trained, without dropout above and with it below."
)


def files(arrays):
    """The film as a GIF, and its snapshots for the report: file name → content."""
    own = {
        name.removeprefix("film_"): array
        for name, array in arrays.items()
        if name.startswith("film_")
    }
    if not own:
        return {}
    points = np.column_stack([arrays["x"], arrays["y"]])
    text = json.dumps(snapshots(own, points), allow_nan=False)
    return {FILM: film(own, points), SNAPSHOTS: text.encode()}


def snapshots(own, points):
    """What the report's sliders choose from, in as few bytes as are seen."""
    return {
        "keeps": KEEPS,
        "steps": own["steps"].tolist(),
        "counts": own["count"].tolist(),
        "data": points.tolist(),
        "neurons": own["angle"].shape[-1],
        "points": len(GRID),
        "angles": _bytes(own["angle"], -np.pi, np.pi),
        "sizes": _bytes(own["size"], 0, 1),
        # a curve in steps of a byte would look rough
        "outputs": _bytes(own["output"], -3, 3, "<u2"),
    }


def _bytes(values, low, high, kind="u1"):
    """`values` from `low` to `high` as integers from 0 to all of `kind`, in base 64."""
    share = np.clip((values - low) / (high - low), 0, 1)
    whole = np.rint(np.iinfo(kind).max * share).astype(kind)
    return base64.b64encode(whole).decode()


def film(own, points):
    """The GIF, as bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure, axes = style.figure(2, 2, width=7.2, height=2.3)
    figure.set_dpi(90)
    canvas, drawn = FigureCanvasAgg(figure), []
    for row, k, color in zip(axes, FILMED, (style.BLUE, style.RED)):
        features_, output = row
        (dots,) = features_.plot([], [], "o", color=color, ms=2.5, mew=0, alpha=0.6)
        (line,) = output.plot([], [], color=color)
        output.plot(*points.T, "*", color=style.BLACK, ms=6)
        features_.set(xlim=(-np.pi, np.pi), ylim=(0, 1.05), ylabel="amplitude")
        features_.set_xticks([-np.pi, 0, np.pi], ["$-π$", "0", "$π$"])
        output.set(xlim=(-12.5, 12.5), ylim=(-3, 3), ylabel="$f(x)$")
        output.set_title(f"output, $p = {KEEPS[k]:g}$")
        drawn.append((k, features_, dots, line))
    axes[1, 0].set_xlabel("orientation of $(w_j, b_j)$ (rad)")
    axes[1, 1].set_xlabel("$x$")

    def show(t, step):
        for k, panel, dots, line in drawn:
            shown = own["size"][k, t] > 0
            dots.set_data(own["angle"][k, t][shown], own["size"][k, t][shown])
            line.set_data(GRID, own["output"][k, t])
            panel.set_title(f"{own['count'][k, t]} orientations, $p = {KEEPS[k]:g}$")
        figure.suptitle(f"step {step:,}", fontsize=10)

    # What stands still is drawn once: a frame takes a seventh of the time.
    show(0, own["steps"][0])
    canvas.draw()
    figure.set_layout_engine("none")
    moving = [one for _, panel, *rest in drawn for one in (panel.title, *rest)]
    moving.append(figure.suptitle("", fontsize=10))
    for one in moving:
        one.set_animated(True)
    canvas.draw()
    still, frames = canvas.copy_from_bbox(figure.bbox), []
    for t, step in enumerate(own["steps"]):
        show(t, step)
        canvas.restore_region(still)
        for one in moving:
            figure.draw_artist(one)
        frame = Image.fromarray(np.array(canvas.buffer_rgba())[..., :3])
        frames.append(frame.quantize(32, dither=Image.Dither.NONE))
    times = [PACE] * (len(frames) - 1) + [PACE * PAUSE]
    content = io.BytesIO()
    more = {"save_all": True, "append_images": frames[1:], "loop": 0}
    frames[0].save(content, "GIF", duration=times, **more)
    return content.getvalue()
