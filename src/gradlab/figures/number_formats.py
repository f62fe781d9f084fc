"""Where floating-point formats end."""

from __future__ import annotations

from collections.abc import Mapping

from gradlab.arguments import mapping, positive_number, whole_number
from gradlab.canvas import BLUE, ORANGE, Sheet, log_axis, sheet, styled


@styled
def last_depths(depths: Mapping[str, int], *, factor: float, furthest: int) -> Sheet:
    """How deep a product of equal factors gets in each number format before it is infinite or zero.

    Parameters
    ----------
    depths : mapping of str to int
        Name of each format, and the first depth at which the product has left it.
    factor : float
        The factor of every layer, positive and not 1.
    furthest : int
        End of the depth axis, at least 2 and not before any of `depths`.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not of the kind stated.
    ValueError
        If `depths` is empty or holds a depth below 1, or another number is outside its range.
    """
    factor, furthest = positive_number("factor", factor), whole_number("furthest", furthest, at_least=2)
    if not mapping("depths", depths) or factor == 1:
        raise ValueError(f"depths must not be empty and factor must not be 1, got {depths!r} and {factor!r}")
    depths = {name: whole_number(f"depths[{name!r}]", depth, at_least=1) for name, depth in depths.items()}
    if max(depths.values()) > furthest:
        raise ValueError(f"furthest must be at least the largest of depths, {max(depths.values())}, got {furthest}")
    end = "inf" if factor > 1 else "0"
    figure, ax = sheet(
        alt=f"{factor:g} to the power of the depth becomes {end} at depth "
        + ", ".join(f"{depth:,} in {name}" for name, depth in depths.items())
        + ".",
        caption="Depth at which a product of equal factors leaves each number format, found by multiplying. "
        "Depth on a logarithmic axis.",
    )
    color, names = (BLUE if factor > 1 else ORANGE), list(depths)
    ax.barh(names, depths.values(), color=color, height=0.5)
    for name, depth in depths.items():
        ax.annotate(
            f"{end} at {depth:,}", (depth, name), (5, 0), textcoords="offset points", va="center", weight="bold"
        )
    log_axis(ax.xaxis)
    ax.invert_yaxis()
    ax.set(xlabel="depth (log axis)", title=f"{factor:g} to the power of the depth", xlim=(1, furthest))
    ax.tick_params(axis="y", length=0)
    return figure
