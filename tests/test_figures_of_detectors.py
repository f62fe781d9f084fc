"""Marks of precision and recall stand at the shares; runs at their scores, on the right side of the threshold."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import INF, NAN, SEEDS
from gradlab import figures
from gradlab.canvas import BLUE, ORANGE, RED, VIOLET


def shares_of(signs):
    return figures.precision_and_recall(signs, settings="Runs of a test.")


def along(scores, threshold=1.0, **options):
    return figures.runs_along_sign(scores, threshold, sign="a sign", settings="Runs of a test.", **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_share_has_a_mark_at_its_place(seed):
    random, names = np.random.default_rng(seed), ["precision", "recall", "other"][: 1 + seed % 3]
    signs = {label: dict(zip(names, random.uniform(size=3), strict=False)) for label in "abcdefghijkl"[: 1 + seed % 12]}
    (ax,) = shares_of(signs).axes
    assert [text.get_text() for text in ax.get_yticklabels()] == list(signs)
    for line, name in zip(ax.lines, names, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [shares[name] for shares in signs.values()])
        assert list(line.get_ydata()) == list(range(len(signs)))


def test_series_differ_by_more_than_colour_and_are_named():
    figure = shares_of({"a": {"precision": 0.1, "recall": 0.2, "recall with NaN": 0.3}})
    looks = [(to_hex(line.get_color()), line.get_marker(), line.get_fillstyle()) for line in figure.axes[0].lines]
    assert looks == [(BLUE, "o", "full"), (ORANGE, "s", "full"), (ORANGE, "s", "none")]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["precision", "recall", "recall with NaN"]


def test_share_that_is_not_defined_has_no_mark():
    (ax,) = shares_of({"a": {"precision": NAN, "recall": 0.0}, "b": {"precision": 1.0, "recall": 0.5}}).axes
    assert np.isnan(ax.lines[0].get_xdata()[0])


def counts(scores, threshold):
    """Count by hand: alarms that are right, alarms, and runs of the first group."""
    groups = [[score > threshold for score in runs] for runs in scores.values()]
    return sum(groups[0]), sum(map(sum, groups)), len(groups[0])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("threshold", [0.01, 1.0, 30.0])
def test_title_and_alt_text_have_the_precision_and_the_recall(seed, threshold):
    random = np.random.default_rng(seed)
    scores = {name: 10 ** random.normal(size=random.integers(1, 30)) for name in ("ill", "well", "other")}
    figure = along(scores, threshold)
    right, alarms, ill = counts(scores, threshold)
    precision = f"{100 * right / alarms:.0f}%" if alarms else "undefined"
    verdict = f"precision {precision}, recall {100 * right / ill:.0f}%"
    assert figure.axes[0].get_title(loc="left") == verdict
    assert figure.alt.endswith(f"; {verdict}.")


def test_score_at_the_threshold_is_not_above_it():
    assert "0 of 1 ill, 0 of 1 well" in along({"ill": [1.0], "well": [1.0]}).alt


@pytest.mark.parametrize("seed", SEEDS)
def test_runs_stand_at_their_scores_in_the_row_of_their_group(seed):
    random = np.random.default_rng(seed)
    scores = {name: 10 ** random.normal(size=20) for name in ("ill", "well", "other")[: 2 + seed % 2]}
    (ax,) = along(scores, limits=(1e-9, 1e9)).axes
    for row, (line, runs) in enumerate(zip(ax.lines, scores.values(), strict=False)):
        np.testing.assert_allclose(line.get_xdata(), np.sort(runs))
        assert (abs(np.asarray(line.get_ydata()) - row) < 0.5).all()


def test_groups_differ_by_more_than_colour():
    (ax,) = along({"ill": [1.0], "well": [1.0], "other": [1.0]}).axes
    looks = [(to_hex(line.get_color()), line.get_marker()) for line in ax.lines[:3]]
    assert looks == [(RED, "X"), (BLUE, "o"), (VIOLET, "^")]


def test_scores_beyond_the_axis_stand_at_its_edge_and_count():
    (ax,) = along({"ill": [INF, 0.0, -5.0], "well": [1e-30]}, limits=(0.1, 100)).axes
    assert ax.lines[0].get_xdata().tolist() == [0.1, 0.1, 100]
    assert ax.lines[1].get_xdata().tolist() == [0.1]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["1 of 3\nill", "0 of 1\nwell"]


@pytest.mark.parametrize("threshold", [0.01, 1, 1000])
def test_threshold_is_a_line_and_what_is_above_it_is_shaded(threshold):
    (ax,) = along({"ill": [1.0], "well": [1.0]}, threshold).axes
    assert ax.lines[-1].get_xdata() == [threshold, threshold]
    shade = ax.patches[0].get_bbox()
    assert (shade.x0, shade.x1) == (threshold, ax.get_xlim()[1])
    assert (ax.get_xlabel(), ax.get_xscale()) == ("a sign (log axis)", "log")
