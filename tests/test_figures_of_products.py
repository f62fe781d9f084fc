"""Pictures of products along the depth show the data that they were given."""

import itertools
import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from drawn import SEEDS, assert_data_inside, exponents, lines, words_on
from gradlab import figures
from gradlab.canvas import BLUE, ORANGE

TENS = math.log(10)
JORDAN = [np.linalg.svd([[0.9**k, 10 * k * 0.9 ** (k - 1)], [0, 0.9**k]])[1][0] for k in range(101)]


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
    assert ax.get_title(loc="left") == "norm of the gradient (log axis)"
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
