"""What the pictures show is the data that they were given, and their words say what can be computed without them."""

import inspect
import itertools
import math
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from gradlab import figures
from gradlab.canvas import BLUE, ORANGE, RED, Sheet, svg_of

SEEDS = range(20)
INF, NAN = math.inf, math.nan
TENS = math.log(10)
JORDAN = [np.linalg.svd([[0.9**k, 10 * k * 0.9 ** (k - 1)], [0, 0.9**k]])[1][0] for k in range(101)]
FORMATS = {"float16": 28, "bfloat16": 220, "float32": 219, "float64": 1751}

PICTURES = [
    (figures.log_gradient_as_a_sum, ([2, 0.5, 3, 4],), {}, ["3 of 4 steps go up", "product of 12."]),
    (figures.log_gradient_as_a_sum, (np.full(10, 1.5),), {}, ["10 of 10 steps go up", "product of 57.7."]),
    (figures.log_gradient_as_a_sum, ([0.5, 0.25],), {"layers": [2, 1]}, ["0 of 2 steps go up", "product of 0.125."]),
    (figures.log_gradient_as_a_sum, ([1e200, 1e200],), {}, ["product of infinity."]),
    (figures.log_gradient_as_a_sum, ([1.0],), {}, ["0 of 1 steps go up", "product of 1."]),
    (figures.paths_along_depth, (TENS * np.outer([1, 2, 3], range(3)),), {}, ["After 2 layers", "is 10,000;"]),
    (
        figures.paths_along_depth,
        (TENS * np.outer(range(1, 22), range(2)),),
        {"lines": {"theory": 3 * TENS}, "quantity": "gradient", "limits": (0, 50)},
        ["median gradient is 1.0 × 10¹¹", "between 100 and 1.0 × 10²⁰.", "theory: 1,000."],
    ),
    (figures.paths_along_depth, ([[0, 1000.0, 2000.0]],), {"lines": {"line": 1000}}, ["infinity;", "line: infinity."]),
    (figures.paths_along_depth, ([[0, -INF], [0, 0], [0, 0]],), {}, ["is 1;", "between 0 and 1."]),
    (figures.paths_along_depth, ([[0, INF], [0, 0], [0, 0]],), {}, ["is 1;", "between 1 and infinity."]),
    (figures.paths_along_depth, ([[0, NAN], [0, 0]],), {}, ["is NaN"]),
    (figures.norm_along_depth, (1.5, 10), {}, ["gain 1.5", "10 layers is 57.7."]),
    (figures.norm_along_depth, (0.5, 10), {}, ["gain 0.5", "is 9.77 × 10⁻⁴."]),
    (figures.norm_along_depth, (1e10,), {}, ["50 layers is infinity."]),
    (
        figures.norm_against_depth,
        (JORDAN,),
        {"mark": "peak", "radius": 0.9},
        ["depth 9, where it is 38.7;", "is 0.03."],
    ),
    (figures.norm_against_depth, ([1, 10, 0, 0],), {}, ["largest at depth 1, where it is 10; at depth 3 it is 0."]),
    (figures.norm_against_depth, ([1, 1e200, INF, INF],), {"radius": 1e200}, ["depth 2, where it is infinity;"]),
    (figures.norm_against_depth, ([1, 2, NAN],), {}, ["NaN"]),
    (figures.norm_against_depth, (0.5 ** np.arange(1080.0),), {"radius": 0.5}, ["at depth 1079 it is 0."]),
    (
        figures.norm_against_depth,
        (1.5 ** np.arange(1751.0),),
        {"mark": "peak"},
        ["depth 1750, where it is 1.44 × 10³⁰⁸;"],
    ),
    (figures.norm_against_depth, (np.ones(2001),), {"radius": 1.5}, ["at depth 2000 it is 1."]),
    (figures.norm_against_depth, ([0, 0],), {"limits": (0.1, 10)}, ["at depth 1 it is 0."]),
    (
        figures.last_depths,
        (FORMATS,),
        {"factor": 1.5, "furthest": 5000},
        ["inf at depth 28 in float16", "1,751 in float64"],
    ),
    (
        figures.last_depths,
        ({"float16": 25},),
        {"factor": 0.5, "furthest": 99},
        ["0.5 to the", "0 at depth 25 in float16"],
    ),
    (
        figures.signal_and_loss,
        ([[100, 1], [900, 3], [80, 2]], [[2, 1, 0.5], [3, 1e9, INF], [3, NAN, 1]]),
        {"settings": "Three runs."},
        ["2 of 3 training runs die, the first at step 1.", "multiplied by 100."],
    ),
    (figures.signal_and_loss, ([[1, 4]], [[2, 1]]), {"settings": "One."}, ["0 of 1 training runs die.", "by 0.25."]),
    (figures.signal_and_loss, ([[1, 0]], [[NAN, NAN]]), {"settings": "One."}, ["first at step 0.", "by infinity."]),
]


def axes_titled(figure, words):
    return next(ax for ax in figure.axes if words in ax.get_title(loc="left"))


def exponents(ax, values):
    """Return exponents of ten, whether the axis holds them or the numbers themselves."""
    with np.errstate(divide="ignore"):
        return np.log10(values) if ax.get_yscale() == "log" else np.asarray(values)


def lines(ax, *, color, style="-"):
    """Return exponents of ten along each line of a colour and a line style, but not the axes' own base line."""
    drawn = [line for line in ax.lines if to_hex(line.get_color()) == color and line.get_linestyle() == style]
    return [exponents(ax, line.get_ydata()) for line in drawn]


def assert_data_inside(ax):
    for line in ax.lines:
        x, y = line.get_xdata(), line.get_ydata()
        seen = np.isfinite(y) & ((ax.get_yscale() == "linear") | (np.asarray(y) > 0))
        for values, (low, high) in ((np.asarray(x)[seen], ax.get_xlim()), (np.asarray(y)[seen], ax.get_ylim())):
            assert ((low <= values) & (values <= high)).all()


def words_on(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_every_public_figure_is_pictured_here():
    public = {name for name, value in vars(figures).items() if inspect.isfunction(value)}
    assert public == set(figures.__all__) == {draw.__name__ for draw, *_ in PICTURES}


@pytest.mark.parametrize(("draw", "data", "settings", "takeaways"), PICTURES)
def test_figure_says_in_words_what_the_data_show_and_draws_without_a_warning(draw, data, settings, takeaways):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw(*data, **settings)
        ElementTree.fromstring(svg_of(figure))
    assert isinstance(figure, Sheet)
    assert [words for words in takeaways if words not in figure.alt] == []
    assert figure.caption.strip()


@pytest.mark.parametrize("seed", SEEDS)
def test_waterfall_steps_from_product_to_product(seed):
    factors = np.random.default_rng(seed).lognormal(0, 1, 12)
    figure = figures.log_gradient_as_a_sum(torch.from_numpy(factors))
    (ax,) = figure.axes
    products = list(itertools.accumulate(factors, lambda a, b: a * b, initial=1.0))
    bars = sorted(ax.patches, key=lambda bar: bar.get_x())
    assert [bar.get_x() + bar.get_width() / 2 for bar in bars] == pytest.approx(range(1, 13))
    for bar, factor, before, after in zip(bars, factors, products, products[1:], strict=False):
        assert 10 ** bar.get_y() == pytest.approx(before)
        assert 10 ** (bar.get_y() + bar.get_height()) == pytest.approx(after)
        # up and down are told apart by more than colour
        color = bar.get_edgecolor() if bar.get_hatch() else bar.get_facecolor()
        assert (to_hex(color), bool(bar.get_hatch())) == ((BLUE, False) if factor > 1 else (ORANGE, True))
    low, high = (10**limit for limit in ax.get_ylim())
    assert low < min(products)
    assert max(products) < high
    assert "12 factors" in figure.caption


def test_waterfall_counts_the_factors_or_names_the_layers():
    named = figures.log_gradient_as_a_sum([2, 3, 4], layers=[30, 20, 10]).axes[0]
    assert named.get_xlabel() == "layer"
    assert dict(zip(named.get_xticks(), (t.get_text() for t in named.get_xticklabels()), strict=True)) == {
        1: "30",
        2: "20",
        3: "10",
    }
    assert figures.log_gradient_as_a_sum([2, 3, 4]).axes[0].get_xlabel() == "factor"


@pytest.mark.parametrize("seed", SEEDS)
def test_paths_are_the_first_runs_their_median_the_band_and_the_lines(seed):
    logs = np.random.default_rng(seed).normal(0.2, 1, (31, 41)).cumsum(axis=1)
    figure = figures.paths_along_depth(logs, lines={"up": 0.25, "down": -0.1, "flat": 0})
    (ax,) = figure.axes
    *thin, median = lines(ax, color=BLUE)
    np.testing.assert_allclose(thin, np.log10(np.exp(logs[:12])))
    np.testing.assert_allclose(median, np.log10(np.exp(np.sort(logs, axis=0)[15])))
    straight = {line.get_linestyle(): line.get_ydata() for line in ax.lines if line.get_linestyle() != "-"}
    assert set(straight) == {"--", ":", "-."}
    for style, slope in {"--": 0.25, ":": -0.1, "-.": 0}.items():
        np.testing.assert_allclose(straight[style], np.log10(np.exp(slope)) * np.arange(41), atol=1e-12)
    band = ax.collections[0].get_paths()[0].vertices
    levels = torch.quantile(torch.from_numpy(logs) / TENS, torch.tensor([0.05, 0.95], dtype=torch.float64), dim=0)
    for depth in range(41):
        heights = band[band[:, 0] == depth, 1]
        assert (heights.min(), heights.max()) == pytest.approx(tuple(levels[:, depth].tolist()))
    assert {"median", "up", "down", "flat"} == set(words_on(figure))
    assert "31 runs" in figure.caption
    assert "12 of the runs" in figure.caption
    assert_data_inside(ax)


def test_paths_keep_to_the_limits_and_name_the_quantity():
    (ax,) = figures.paths_along_depth(np.zeros((2, 5)), limits=(-7, 3), quantity="norm of the gradient").axes
    assert ax.get_ylim() == (-7, 3)
    assert ax.get_title(loc="left") == "norm of the gradient"
    assert ax.get_xlim()[0] == 0
    assert ax.get_xlim()[1] >= 4


@pytest.mark.parametrize(("gain", "color"), [(0.5, ORANGE), (0.9, ORANGE), (1.1, BLUE), (1.5, BLUE)])
@pytest.mark.parametrize("depth", [1, 10, 50])
def test_norm_along_depth_is_the_power_of_the_gain_on_axes_that_all_gains_share(gain, color, depth):
    (ax,) = figures.norm_along_depth(gain, depth).axes
    (drawn,) = lines(ax, color=color)
    np.testing.assert_allclose(drawn, [math.log10(gain**k) for k in range(depth + 1)], atol=1e-12)
    assert ax.get_ylim() == figures.norm_along_depth(1.0, depth).axes[0].get_ylim()
    assert_data_inside(ax)


def test_norm_against_depth_draws_the_norms_the_radius_and_the_peak():
    figure = figures.norm_against_depth(JORDAN, radius=0.9, mark="peak")
    (ax,) = figure.axes
    norms, peak = (drawn for drawn in lines(ax, color=BLUE) + lines(ax, color=BLUE, style="None"))
    np.testing.assert_allclose(norms, np.log10(JORDAN))
    np.testing.assert_allclose(peak, np.log10([38.7459]), atol=1e-6)  # facts 2f
    marker = next(line for line in ax.lines if line.get_linestyle() == "None")
    assert list(marker.get_xdata()) == [9]
    (radius,) = lines(ax, color=ORANGE, style="--")
    np.testing.assert_allclose(radius, np.log10(0.9 ** np.arange(101)), atol=1e-12)
    assert sorted(words_on(figure)) == ["38.7 at depth 9", "norm", "spectral radius alone"]
    assert_data_inside(ax)


def test_norm_against_depth_leaves_out_what_was_not_asked_for():
    figure = figures.norm_against_depth(JORDAN, limits=(1e-3, 1e4))
    (ax,) = figure.axes
    assert words_on(figure) == ["norm"]
    assert lines(ax, color=ORANGE, style="--") == lines(ax, color=BLUE, style="None") == []
    assert exponents(ax, ax.get_ylim()) == pytest.approx([-3, 4])


@pytest.mark.parametrize("norms", [1.5 ** np.arange(1751.0), 0.5 ** np.arange(1070.0), 2.0 ** np.arange(-3, 3)])
def test_norm_against_depth_has_room_for_every_finite_norm(norms):
    (ax,) = figures.norm_against_depth(norms).axes
    assert_data_inside(ax)


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


def test_training_runs_end_in_a_cross_where_they_leave_the_picture():
    losses = [[2, 1, 0.5, 0.2], [3, 30, NAN, NAN], [3, INF, 1, 1], [2, 3, 4, 1e300]]
    figure = figures.signal_and_loss(np.ones((4, 3)), losses, settings="Four runs.")
    ax = axes_titled(figure, "loss")
    top = ax.get_ylim()[1]
    alive = [line for line in ax.lines if to_hex(line.get_color()) == BLUE]
    assert [list(line.get_ydata()) for line in alive] == [losses[0]]
    crosses = [line for line in ax.lines if line.get_marker() == "X"]
    assert [(list(cross.get_xdata()), list(cross.get_ydata())) for cross in crosses] == [
        ([2], [top]),
        ([1], [top]),
        ([3], [top]),
    ]
    dying = [list(line.get_ydata()) for line in ax.lines if to_hex(line.get_color()) == RED and line not in crosses]
    assert dying == [[3, 30, top], [3, top], [2, 3, 4, top]]
    assert figure.caption == "Four runs."
    assert_data_inside(ax)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_is_the_median_over_seeds_inside_the_band_of_all(seed):
    signals = np.random.default_rng(seed).lognormal(0, 2, (5, 7))
    figure = figures.signal_and_loss(signals, np.ones((5, 3)), settings="Five runs.")
    ax = axes_titled(figure, "gradient")
    ranked = np.sort(signals, axis=0)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), ranked[2])
    band = ax.collections[0].get_paths()[0].vertices
    for layer in range(7):
        heights = band[band[:, 0] == layer, 1]
        assert (heights.min(), heights.max()) == pytest.approx((ranked[0, layer], ranked[4, layer]))
    assert_data_inside(ax)


def test_a_run_that_leaves_the_picture_counts_as_dead_even_if_it_is_finite():
    figure = figures.signal_and_loss(np.ones((3, 2)), [[1, 1, 1], [1, 1e9, 1], [1, 1, INF]], settings="three runs")
    assert figure.alt.startswith("2 of 3 training runs die, the first at step 1.")


def test_last_depths_refuses_an_axis_that_would_cut_a_bar():
    with pytest.raises(ValueError, match=r"furthest must be at least .* 219, got 200"):
        figures.last_depths({"float32": 219}, factor=1.5, furthest=200)
