"""Figure 4 as it happens: output and weights at every snapshot, as an animated GIF."""

import io

import numpy as np

from refimpl import angle
from refimpl.experiments.common import panels, style

PAUSE, LAST = 250, 2_000  # milliseconds a frame is shown, and the last one
COLORS = 32


def frames(arrays, film, titles):
    """Pictures (height, width, 3) of K trainings side by side, one for each snapshot.

    Parameters
    ----------
    arrays : dict
        `features.fixed`, and ``steps`` (T,).
    film : dict
        ``output`` (K, T, G), ``weights`` (K, T, m, 2) and ``amplitude`` (K, T, m).
    titles : sequence of K str
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure, axes = style.figure(2, len(titles), width=6.4, height=2.1)
    figure.set_dpi(110)
    canvas = FigureCanvasAgg(figure)
    for t, step in enumerate(arrays["steps"]):
        for k, title in enumerate(titles):
            for panel in axes[:, k]:
                panel.clear()
            panels.output(axes[0, k], arrays, film["output"][k, t], style.BLUE)
            sizes, weights = film["amplitude"][k, t], film["weights"][k, t]
            dots = {"ms": 3, "mew": 0, "alpha": 0.5, "color": style.RED}
            axes[1, k].plot(angle(weights), sizes / sizes.max(), "o", **dots)
            axes[0, k].set_title(title)
            axes[1, k].set(xlim=(-np.pi, np.pi), ylim=(-0.03, 1.05))
            axes[1, k].set(xlabel="orientation of $(w_j, b_j)$ (rad)")
        axes[1, 0].set_ylabel(r"$A_j\,/\,\max A$")
        figure.suptitle(f"step {step:,}", x=0.5, fontsize=9)
        canvas.draw()
        figure.set_layout_engine("none")  # the places found are kept
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


def gif(pictures):
    """The bytes of a GIF of these pictures, which starts again after its end."""
    from PIL import Image

    images = [Image.fromarray(one).quantize(COLORS) for one in pictures]
    content, pauses = io.BytesIO(), [PAUSE] * (len(images) - 1) + [LAST]
    first, *others = images
    first.save(
        content,
        "GIF",
        save_all=True,
        append_images=others,
        duration=pauses,
        loop=0,
        optimize=True,
    )
    return content.getvalue()
