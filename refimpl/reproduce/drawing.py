"""Figures as files, and where their panels are: on a phone the report stacks them."""

import io

from matplotlib.backend_bases import get_registered_canvas_class
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from refimpl.experiments.common import style

# Kinds of files, and what would date them. Fonts make a PDF a third of all drawing.
SHOWN = {"png": {}, "svg": {"Date": None}}
KINDS = SHOWN | {"pdf": {"CreationDate": None}}
MARGIN = 0.03  # inches around a panel


def draw(figures, kinds=KINDS):
    """Files (name → content) and `panels` (by figure) of figures by name.

    The same figure is the same content.
    """
    files = {}
    for name, figure in figures.items():
        style.letter(figure)
        dpi = figure.dpi
        for kind, undated in kinds.items():
            content = io.BytesIO()
            # Printed by its canvas, for `savefig` draws all of it twice.
            canvas = get_registered_canvas_class(kind)(figure)
            getattr(canvas, f"print_{kind}")(content, metadata=undated)
            files[f"{name}.{kind}"] = content.getvalue()
            figure.set_layout_engine("none")  # the places found are kept: half the time
            figure.dpi = dpi  # an SVG or PDF has its own
    return files, {name: panels(figure) for name, figure in figures.items()}


def panels(figure):
    """Title and panels of a figure that was saved, as they are read.

    Returns
    -------
    boxes : list of [left, top, width, height]
        In widths of the figure, from its upper left corner. A panel has its labels
        with it, and the colour bar at its right.
    """
    renderer = FigureCanvasAgg(figure).get_renderer()
    titles = [text.get_window_extent(renderer) for text in figure.texts]
    found = []
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        if axes.get_label() == "<colorbar>":
            left = [k for k, one in enumerate(found) if _beside(one, box)]
            last = max(left, key=lambda k: found[k].x1)
            found[last] = Bbox.union([found[last], box])
        elif axes.get_visible():
            found.append(box)
    width, height = figure.bbox.width, figure.bbox.height
    margin, boxes = MARGIN * figure.dpi, []
    for box in titles + found:
        x0, x1 = max(box.x0 - margin, 0), min(box.x1 + margin, width)
        y0, y1 = max(box.y0 - margin, 0), min(box.y1 + margin, height)
        corner_and_size = x0, height - y1, x1 - x0, y1 - y0
        boxes.append([round(float(one / width), 4) for one in corner_and_size])
    return boxes


def _beside(panel, bar):
    """Whether the box `panel` is at the left of the colour bar's."""
    return panel.x0 < bar.x0 and panel.y0 < bar.y1 and bar.y0 < panel.y1
