"""The book's sheet of paper: one style, a figure that carries its words, and its picture as SVG.

One drawing serves light and dark pages: text, axes and ticks are drawn in a stand-in colour that the SVG replaces
by ``currentColor``, on a transparent ground. What is drawn on the sheet is `gradlab.figures`' business.
"""

from __future__ import annotations

import hashlib
import html
import io
import math
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from gradlab.arguments import flag, some_text
from gradlab.numerals import power_of_ten, superscript

INK = "#0b0c0d"
"""Stands for "the colour of the text"; drawn figures use it for nothing else."""

BLUE, ORANGE, GREEN, VIOLET, RED = PALETTE = ("#078ef4", "#b65709", "#32914e", "#b061b5", "#ea6087")
"""Colours with a contrast of at least 3:1 against `GROUNDS`, and told apart without one of the three kinds of cones."""

GROUNDS = {"light": "#ffffff", "dark": "#121212"}
"""The page's background in the two colour schemes of the book's theme."""

SHARE_IN_TEXT = 70
"""Percent of its own colour that text in a colour of `PALETTE` keeps; the page's text lends the rest, for 4.5:1."""

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gradlab",
    "figure.figsize": (4.8, 3.1),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
    "font.size": 9.5,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same layout on every machine
    "lines.linewidth": 2.0,
    "legend.frameon": False,
    **dict.fromkeys(
        (
            "text.color",
            "axes.edgecolor",
            "axes.labelcolor",
            "axes.titlecolor",
            "xtick.color",
            "ytick.color",
            "hatch.color",
        ),
        INK,
    ),
}

styled = matplotlib.rc_context(STYLE)
"""Decorator for a drawing function: what it draws is in the book's style."""


class Sheet(Figure):
    """A matplotlib ``Figure`` that knows its alt text and caption, and shows itself as SVG in a notebook.

    Parameters
    ----------
    alt : str
        What a sighted reader takes away from the picture.
    caption : str
        What is plotted, with which settings.
    **figure
        Passed on to `matplotlib.figure.Figure`.

    Raises
    ------
    TypeError
        If `alt` or `caption` is not text.
    ValueError
        If `alt` or `caption` is blank.
    """

    def __init__(self, *, alt: str, caption: str, **figure: Any) -> None:
        self.alt, self.caption = some_text("alt", alt), some_text("caption", caption)
        with matplotlib.rc_context(STYLE):
            super().__init__(**figure)

    def _repr_html_(self) -> str:
        return (
            f'<figure class="gradlab-figure"><div role="img" aria-label="{html.escape(self.alt)}">{svg_of(self)}</div>'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def _repr_png_(self) -> bytes:
        """Return a picture on white for places that show no SVG, such as a printed notebook."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=144, facecolor="white")
        return buffer.getvalue()


def svg_of(figure: Figure) -> str:
    """Return any matplotlib figure as an SVG element for inline use.

    Parameters
    ----------
    figure : Figure
        Drawn under `STYLE`, so that its text is in `INK`.

    Returns
    -------
    str
        One ``<svg>`` element, hidden from assistive technology (the words around it speak for it).

    Raises
    ------
    TypeError
        If `figure` is not a matplotlib figure.
    """
    if not isinstance(figure, Figure):
        raise TypeError(f"figure must be a matplotlib Figure, got {figure!r}")
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _for_a_page(buffer.getvalue())


def _for_a_page(svg: str) -> str:
    """Make matplotlib's SVG file fit to stand inside an HTML page beside others of its kind."""
    svg = svg[svg.index("<svg") :]
    # matplotlib's style sheet says `*`, which inside a page means every element of the page
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r" font-family: [^;\"]*;", "", svg)  # the page's own font
    mixed = rf"\1fill: \2; fill: color-mix(in srgb, \2 {SHARE_IN_TEXT}%, currentColor)"
    svg = re.sub(rf"(<text [^>]*)fill: (?!{INK})(#\w{{6}})", mixed, svg)
    svg = re.sub(r" d=\"[^\"]*\"", _fewer_digits, svg)
    used = set(re.findall(r"(?:href=\"|url\()#([\w.-]+)", svg))
    mark = hashlib.sha256(svg.encode()).hexdigest()[:8]  # two pictures on a page must not share an id
    svg = re.sub(r" id=\"([\w.-]+)\"", lambda m: f' id="{m[1]}-{mark}"' if m[1] in used else "", svg)
    svg = re.sub(r"(href=\"|url\()#([\w.-]+)", rf"\1#\2-{mark}", svg)
    root = 'class="gradlab-svg" aria-hidden="true" style="stroke-linejoin: round; stroke-linecap: butt" '
    svg = svg.replace("<svg ", f"<svg {root}", 1).replace(INK, "currentColor")
    return re.sub(r">\s+<", "><", svg).strip()


def _fewer_digits(path: re.Match) -> str:
    """Shorten a path's coordinates; a long path's, which make up a page's weight, to 0.1 of a unit (0.2 pixels)."""
    decimals = 1 if len(path[0]) > 500 else 2
    return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.{decimals}f}", path[0]).replace("\n", "")


def sheet(*, alt: str, caption: str, **subplots: Any) -> tuple[Sheet, Any]:
    """Return a new figure in the book's style, and its axes.

    Parameters
    ----------
    alt, caption : str
        See `Sheet`.
    **subplots
        Passed on to ``Figure.subplots``; ``figsize`` (inches) goes to the figure.

    Returns
    -------
    tuple
        The `Sheet`, and one ``Axes`` or an array of them as ``Figure.subplots`` returns it.

    Raises
    ------
    TypeError
        If `alt` or `caption` is not text.
    ValueError
        If `alt` or `caption` is blank.
    """
    size = {"figsize": subplots.pop("figsize")} if "figsize" in subplots else {}
    figure = Sheet(alt=alt, caption=caption, **size)
    with matplotlib.rc_context(STYLE):
        return figure, figure.subplots(**subplots)


def log_axis(axis: Axis) -> None:
    """Make a matplotlib ``Axis`` logarithmic, with ticks such as 10³ in plain text.

    Raises
    ------
    TypeError
        If `axis` is not the ``xaxis`` or ``yaxis`` of an ``Axes``.
    """
    if not isinstance(axis, Axis):
        raise TypeError(f"axis must be the xaxis or yaxis of a matplotlib Axes, got {axis!r}")
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axis.set_minor_locator(NullLocator())


def label_powers_of_ten(ax: Axes) -> None:
    """Label a y axis that holds exponents of ten, for data beyond the range that a logarithmic axis can hold.

    Parameters
    ----------
    ax : Axes
        With its final limits.

    Raises
    ------
    TypeError
        If `ax` is not an ``Axes``.
    """
    _require_axes(ax)
    low, high = sorted(ax.get_ylim())
    ax.yaxis.set_minor_locator(NullLocator())
    if high - low >= 2:
        ax.yaxis.set_major_locator(MaxNLocator(7, integer=True))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda k, _: _ten_to_the(round(k))))
        return
    ticks = [digit * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= math.log10(tick) <= high]
    ax.set_yticks(np.log10(ticks), [f"{tick:g}" for tick in ticks])


def label_ends(ax: Axes, x: float, labels: Sequence[tuple[str, float, str]], *, leftward: bool = False) -> None:
    """Write a label beside the end of each line, pushed apart where two would overlap.

    Parameters
    ----------
    ax : Axes
        With its final limits.
    x : float
        Where the lines end.
    labels : sequence of (str, float, str)
        Text, height and colour of each.
    leftward : bool
        Whether the lines end on their left, so that the labels stand on that side.

    Raises
    ------
    TypeError
        If `ax` is not an ``Axes``, or `leftward` not True or False.
    """
    _require_axes(ax)
    offset, side = ((-4, 0), "right") if flag("leftward", leftward) else ((4, 0), "left")
    ordered = sorted(labels, key=lambda label: label[1])
    bottom, top = sorted(ax.get_ylim())
    apart = 0.075 * (top - bottom)
    heights = [y for _, y, _ in ordered]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + apart)
    ceiling = top - apart / 2  # above it is the title
    for i in reversed(range(len(heights))):  # push back down what has left the axes
        heights[i] = min(heights[i], ceiling)
        ceiling = heights[i] - apart
    for (text, _, color), height in zip(ordered, heights, strict=True):
        ax.annotate(text, (x, height), offset, textcoords="offset points", va="center", ha=side, color=color)


def _ten_to_the(exponent: int) -> str:
    return power_of_ten(10.0**exponent) if -300 < exponent < 300 else f"10{superscript(exponent)}"


def _require_axes(ax: Axes) -> None:
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes, got {ax!r}")
