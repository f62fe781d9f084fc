"""Pictures of number formats show where numpy leaves them."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import INF, words_on
from gradlab import figures
from gradlab.canvas import BLUE, ORANGE


@pytest.mark.parametrize(("factor", "end", "color"), [(1.5, "inf", BLUE), (0.5, "0", ORANGE)])
def test_last_depths_are_bars_that_end_where_numpy_leaves_the_format(factor, end, color):
    depths = {}
    for kind in (np.float16, np.float32, np.float64):
        product = kind(1)
        with np.errstate(over="ignore", under="ignore"):
            while 0 < product < INF:
                product *= kind(factor)
                depths[kind.__name__] = depths.get(kind.__name__, 0) + 1
    assert depths == dict(zip(depths, (28, 219, 1751) if factor > 1 else (25, 150, 1075), strict=True))  # facts 11a
    figure = figures.last_depths(depths, factor=factor, furthest=5000)
    (ax,) = figure.axes
    assert [bar.get_width() for bar in ax.patches] == list(depths.values())
    assert {to_hex(bar.get_facecolor()) for bar in ax.patches} == {color}
    assert [label.get_text() for label in ax.get_yticklabels()] == list(depths)
    assert words_on(figure) == [f"{end} at {depth:,}" for depth in depths.values()]
    assert (ax.get_xscale(), ax.get_xlim()) == ("log", (1, 5000))
    assert ax.yaxis_inverted()  # the first format on top


def test_last_depths_refuses_an_axis_that_would_cut_a_bar():
    with pytest.raises(ValueError, match=r"furthest must be at least .* 219, got 200"):
        figures.last_depths({"float32": 219}, factor=1.5, furthest=200)
