"""Explorable figures: one picture for each setting of the sliders, drawn beforehand.

Because every picture is there from the start, the figure works on a page without a kernel and without a network,
and live in JupyterLab. The pictures come from any function that returns a matplotlib figure; the browser's part,
in ``explore.js``, swaps them and labels the sliders.
"""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import matplotlib
import traitlets
from matplotlib.figure import Figure

from gradlab.arguments import mapping
from gradlab.canvas import STYLE, svg_of

MOST_FRAMES = 150
"""More pictures than this make a page slow to load (each costs about 1 kB compressed, 20 kB in memory)."""


class Explorable(anywidget.AnyWidget):
    """A figure with sliders; make one with `explore`.

    Attributes
    ----------
    index : list of int
        Position of each slider, in the order of the parameters. Synchronised with the page: set it to move the
        sliders, observe it to follow them.
    """

    _esm = Path(__file__).with_name("explore.js")
    _css = Path(__file__).with_name("explore.css")

    name = traitlets.Unicode().tag(sync=True)  # what a link in the prose calls the figure
    caption = traitlets.Unicode().tag(sync=True)
    params = traitlets.List().tag(sync=True)  # [{"name", "label", "text": one for each position}]
    frames = traitlets.List().tag(sync=True)  # [{"svg", "alt"}], the last parameter fastest
    index = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, grid: Mapping[str, Sequence[Any]], **state: Any) -> None:
        self._grid = {name: list(values) for name, values in grid.items()}
        super().__init__(**state)

    @traitlets.validate("index")
    def _on_the_grid(self, proposal: Any) -> list[int]:
        sizes = [len(values) for values in self._grid.values()]
        index = proposal["value"]
        if len(index) != len(sizes) or not all(0 <= i < size for i, size in zip(index, sizes, strict=True)):
            raise traitlets.TraitError(f"index must hold one position below each of {sizes}, got {index!r}")
        return index

    @property
    def value(self) -> dict[str, Any]:
        """The current setting of every parameter."""
        return {name: values[i] for (name, values), i in zip(self._grid.items(), self.index, strict=True)}

    @property
    def alt(self) -> str:
        """What the current picture shows, in words."""
        sizes = [len(values) for values in self._grid.values()]
        flat = 0
        for size, i in zip(sizes, self.index, strict=True):
            flat = flat * size + i
        return self.frames[flat]["alt"]


def explore(
    draw: Callable[..., Figure],
    *,
    start: Mapping[str, Any] | None = None,
    alt: Callable[..., str] | None = None,
    **params: Sequence[Any],
) -> Explorable:
    """Turn a drawing function into a figure that readers explore with sliders.

    Parameters
    ----------
    draw : callable
        Called as ``draw(**values)`` once for every combination of the values; returns a matplotlib ``Figure``,
        which need not be a `gradlab.canvas.Sheet`. Its ``__name__`` names the figure: a link to
        ``#name?parameter=value`` in the prose sets the figure to that state.
    start : mapping, optional
        The value of each parameter to begin with; the first one unless stated.
    alt : callable, optional
        Called as ``alt(**values)``; returns what a sighted reader takes away from that picture. Needed unless
        `draw` returns sheets, which bring their own.
    **params : sequence of numbers or of str
        The values of each slider, at least two.

    Returns
    -------
    Explorable
        A widget (also an `ipywidgets.DOMWidget`); end a cell with it.

    Raises
    ------
    TypeError
        If `draw` is not callable or returns something else than a ``Figure``, or if `alt` is not callable or
        returns something else than text.
    ValueError
        If there is no parameter, fewer than two values, more than `MOST_FRAMES` combinations, a `start` that is
        not among the values, or a picture without alt text.
    """
    if not callable(draw):
        raise TypeError(f"draw must be a function that returns a matplotlib Figure, got {draw!r}")
    if alt is not None and not callable(alt):
        raise TypeError(f"alt must be a function that returns text, got {alt!r}")
    grid = {name: _values(name, values) for name, values in params.items()}
    combinations = math.prod(len(values) for values in grid.values()) if grid else 0
    if not 0 < combinations <= MOST_FRAMES:
        raise ValueError(f"params must be sliders with 2 to {MOST_FRAMES} combinations in all, got {combinations}")
    start = {} if start is None else start
    if unknown := [name for name in mapping("start", start) if name not in grid]:
        raise ValueError(f"start must name parameters among {', '.join(grid)}, got {', '.join(map(repr, unknown))}")
    index = [_position(name, values, start.get(name, values[0])) for name, values in grid.items()]
    settings = [dict(zip(grid, combination, strict=True)) for combination in itertools.product(*grid.values())]
    frames, captions = zip(*(_frame(draw, alt, setting) for setting in settings), strict=True)
    return Explorable(
        grid,
        name=getattr(draw, "__name__", ""),
        caption=captions[0],
        params=[
            {"name": name, "label": name.replace("_", " "), "text": _labels(values)} for name, values in grid.items()
        ],
        frames=list(frames),
        index=index,
    )


def _values(name: str, values: Sequence[Any]) -> list[Any]:
    """Return a slider's values as a list of plain Python numbers or of texts."""
    try:
        plain = [value.item() if hasattr(value, "item") else value for value in values]
    except (TypeError, ValueError, RuntimeError):  # no sequence, or one of arrays or tensors
        raise TypeError(f"{name} must be a sequence of numbers or of texts, got {values!r}") from None
    is_number = [isinstance(value, numbers.Real) and not isinstance(value, bool) for value in plain]
    if isinstance(values, str) or not (all(is_number) or all(isinstance(value, str) for value in plain)):
        raise TypeError(f"{name} must be a sequence of numbers or of texts, got {values!r}")
    if len(plain) < 2:
        raise ValueError(f"{name} must have at least two values, got {values!r}")
    return plain


def _position(name: str, values: list[Any], wanted: Any) -> int:
    for i, value in enumerate(values):
        close = isinstance(value, numbers.Real) and isinstance(wanted, numbers.Real)
        if value == wanted or (close and math.isclose(value, wanted, abs_tol=1e-12)):
            return i
    raise ValueError(f"start must give {name} one of its values {values}, got {wanted!r}")


def _labels(values: list[Any]) -> list[str]:
    """Write each value, numbers with equally many decimals so that the text beside the slider keeps still."""
    if isinstance(values[0], str):
        return values
    short = [f"{value:.6g}" for value in values]
    decimals = max(len(text.partition(".")[2]) for text in short)
    return short if any("e" in text for text in short) else [f"{value:.{decimals}f}" for value in values]


def _frame(
    draw: Callable[..., Figure], alt: Callable[..., str] | None, setting: dict[str, Any]
) -> tuple[dict[str, str], str]:
    with matplotlib.rc_context(STYLE):
        figure = draw(**setting)
    if not isinstance(figure, Figure):
        raise TypeError(f"draw must return a matplotlib Figure, got {figure!r} for {setting}")
    words = alt(**setting) if alt is not None else getattr(figure, "alt", "")
    if not isinstance(words, str):
        raise TypeError(f"alt must return text, got {words!r} for {setting}")
    if not words.strip():
        raise ValueError(f"alt must say what the picture shows, got {words!r} for {setting}")
    return {"svg": svg_of(figure), "alt": words}, getattr(figure, "caption", "")
