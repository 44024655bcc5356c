"""Look of the figures: colour-blind safe (Okabe and Ito), readable in print."""

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, RED, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"

WIDE = 10.6  # inches, at most: on a page of 7.2 inches letters of 9 pt have 6

CYCLE = (BLUE, RED, PURPLE, BLACK, GREEN, ORANGE)

SETTINGS = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 200,
    "pdf.fonttype": 42,
    "svg.hashsalt": "refimpl",  # or names in the file are drawn at random
}


def applied():
    """Context in which figures are made and saved in this style, whatever the user's
    own settings (a matplotlibrc) are."""
    from matplotlib import rc_context, rcParamsDefault

    known = {name: one for name, one in rcParamsDefault.items() if name != "backend"}
    return rc_context(known | SETTINGS)


def figure(rows, columns, width=7.0, height=2.6, **options):
    """Figure of `rows` × `columns` panels and its axes, (rows, columns) as an array.

    `width` is in inches for the whole figure, `height` for one row.
    """
    from matplotlib.figure import Figure

    new = Figure(figsize=(width, height * rows), layout="constrained")
    return new, new.subplots(rows, columns, squeeze=False, **options)


def letter(figure):
    """Letters (a), (b), ... before the titles of several panels, at the left."""
    shown = [panel for panel in figure.axes if panel.get_visible()]
    panels = [panel for panel in shown if panel.get_label() != "<colorbar>"]
    for index, panel in enumerate(panels if len(panels) > 1 else []):
        title = panel.get_title()
        panel.set_title("")
        panel.set_title(f"({chr(97 + index)}) {title}", loc="left")


def plain_log(axis):
    """Logarithmic `axis` (``panel.xaxis``) with few ticks, written as plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
