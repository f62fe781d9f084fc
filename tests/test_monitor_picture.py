"""The monitor's picture shows every value, also those that are not finite, and says what it shows."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import assert_data_inside, boxes_of_texts, words_on
from gradlab.canvas import INK
from gradlab.monitor.picture import FEW, history_figure
from readings_by_hand import changed, no_steps, quiet
from test_monitor_report import bursts_at, diagnosis_of, with_nan_loss, with_scaler

INF, NAN = np.inf, np.nan


def many(parameters, steps=12, **fields):
    """Return the readings of a model with a matrix for each parameter."""
    names = tuple(f"transformer.encoder.layers.{k}.self_attn.in_proj_weight" for k in range(parameters))
    return quiet(steps, names=names, shapes=((8, 8),) * parameters, **fields)


RUNS = {
    "quiet": quiet(),
    "burst": bursts_at(30, quiet()),
    "at once": bursts_at(0, quiet()),
    "sampled": bursts_at(3, quiet(every=10)),
    "NaN": with_nan_loss(quiet()),
    "all NaN": with_nan_loss(quiet(), 0),
    "skips": with_scaler(),
    "one step": quiet(1),
    "no step": no_steps(),
    "one parameter": many(1),
    "400 parameters": many(400),
    "400 that burst": bursts_at(5, many(400)),
    "negative": quiet(loss=-np.exp(np.arange(60) / 2.0)),
    "both signs": quiet(loss=np.sinh(np.arange(-30, 30))),
    "constant": quiet(loss=np.full(60, 2.0)),
    "zero": quiet(loss=np.zeros(60), grad=np.zeros((60, 4)), update=np.zeros((60, 4))),
    "huge": quiet(loss=np.logspace(-300, 300, 60), grad=np.full((60, 4), 1e300)),
}


@pytest.fixture(scope="module", params=RUNS)
def drawn(request):
    readings = RUNS[request.param]
    return readings, diagnosis_of(readings), history_figure(readings, diagnosis_of(readings))


def marks(ax, marker):
    return np.concatenate([line.get_xdata() for line in ax.lines if line.get_marker() == marker] or [[]])


def test_three_axes_share_the_steps(drawn):
    readings, _, figure = drawn
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    named = [title.split(":")[0].removesuffix(" (log axis)") for title in titles]
    assert named == ["loss", "norm of the gradient", "update / weights"]
    assert len({ax.get_xlim() for ax in figure.axes}) == 1
    low, high = figure.axes[0].get_xlim()
    assert low < 0 <= max(len(readings.loss) - 1, 0) < high


def test_every_non_finite_loss_is_marked_at_the_upper_edge(drawn):
    readings, _, figure = drawn
    at = np.flatnonzero(~np.isfinite(readings.loss))
    edge = [line for line in figure.axes[0].lines if line.get_marker() == "|" and set(line.get_ydata()) <= {1.0}]
    assert np.array_equal(np.concatenate([line.get_xdata() for line in edge] or [[]]), at)
    assert set(marks(figure.axes[0], "X")) == set(at[:1])  # a cross where they begin


def test_every_non_finite_gradient_is_marked(drawn):
    readings, _, figure = drawn
    at = {int(step) for step in readings.step[np.isinf(readings.grad).any(axis=1)]}
    assert set(marks(figure.axes[1], "|")) == at


def test_onset_is_a_line_through_all_axes(drawn):
    _, diagnosis, figure = drawn
    for ax in figure.axes:
        upright = [
            line.get_xdata()[0]
            for line in ax.lines
            if len(set(line.get_xdata())) == 1 and list(line.get_ydata()) == [0, 1]
        ]
        assert upright == ([] if diagnosis.onset is None else [diagnosis.onset])
    title = figure.axes[0].get_title(loc="left")
    assert diagnosis.verdict in title
    assert diagnosis.onset is None or f"step {diagnosis.onset}" in title


def test_data_lies_inside_the_axes_and_words_inside_the_figure(drawn):
    _, _, figure = drawn
    for ax in figure.axes:
        for line in ax.lines:
            if line.get_transform() == ax.transData:
                y = np.asarray(line.get_ydata(), dtype=float)
                assert (~np.isfinite(y) | ((ax.get_ylim()[0] <= y) & (y <= ax.get_ylim()[1]))).all()
    for words, box in boxes_of_texts(figure).items():
        assert figure.bbox.x0 <= box.x0, words
        assert box.x1 <= figure.bbox.x1, words


def test_labels_beside_the_axes_do_not_overlap(drawn):
    *_, figure = drawn
    figure.draw_without_rendering()
    for ax in figure.axes:
        boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
        # half a point of leading may be shared
        assert all(lower.y1 <= upper.y0 + 3 for lower, upper in pairwise(boxes))


def test_thresholds_of_the_rules_are_drawn(drawn):
    *_, figure = drawn
    words = words_on(figure)
    assert {"0.3", "1 × weights", "5"} <= set(words)


def test_few_lines_have_a_colour_and_the_worst_layer_is_named():
    readings = bursts_at(5, many(400))
    worst = changed(readings.update, (5, 123), 1e6)
    readings = dataclasses.replace(readings, update=worst)
    figure = history_figure(readings, diagnosis_of(readings))
    for ax in figure.axes[1:]:
        long = [line for line in ax.lines if len(line.get_xdata()) == len(readings.step) and line.get_marker() != "|"]
        colours = {to_hex(line.get_color()) for line in long}
        assert len(long) <= 6
        assert len(colours) == len(long)
        assert sum(len(collection.get_segments()) for collection in ax.collections) == 400 - len(long)
    assert any("…" in words and words.endswith("weight") for words in words_on(figure))
    assert diagnosis_of(readings).where.endswith("123.self_attn.in_proj_weight")


def test_each_of_a_few_parameters_has_a_name():
    figure = history_figure(many(FEW), diagnosis_of(many(FEW)))
    assert sum("…" in words for words in words_on(figure)) == 2 * FEW


def test_skipped_steps_are_marked_at_the_lower_edge():
    readings = with_scaler()
    figure = history_figure(readings, diagnosis_of(readings))
    skipped = [line for line in figure.axes[0].lines if line.get_marker() == "|" and set(line.get_ydata()) == {0.0}]
    assert list(skipped[0].get_xdata()) == list(range(59))
    assert "59 skipped" in words_on(figure)


def test_alternative_text_says_verdict_step_layer_and_extremes():
    base = bursts_at(30, quiet())
    readings = dataclasses.replace(base, update=changed(base.update, (30, 2), 100.001 * base.weight[30, 2]))
    figure = history_figure(readings, diagnosis_of(readings))
    assert figure.alt.startswith("EXPLODING at step 30, first seen in 2.weight, in a run of 60 steps.")
    assert "not finite at 29 steps, first at step 31" in figure.alt
    assert "The largest finite update is 100 times its weights, at step 30 in 2.weight." in figure.alt
    assert history_figure(no_steps(), diagnosis_of(no_steps())).alt == "Three empty axes: no step was recorded."


def test_picture_serves_light_and_dark(drawn):
    *_, figure = drawn
    html = figure._repr_html_()
    assert INK not in html
    assert "currentColor" in html
    assert "nan" not in html.lower().replace("nan ", "")


def test_data_inside_on_a_quiet_run():
    figure = history_figure(quiet(), diagnosis_of(quiet()))
    assert_data_inside(figure.axes[1])
