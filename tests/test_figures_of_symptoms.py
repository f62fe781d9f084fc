"""Loss curves keep their secret until it is told; warnings stand as many steps before the NaN as they came."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import INF, NAN, SEEDS, assert_texts_have_room, words_on
from gradlab import figures
from gradlab.canvas import BLUE, INK, RED

TWELVE = "ABCDEFGHIJKL"


def curves(labels, steps=30, seed=0):
    random = np.random.default_rng(seed)
    return {label: np.exp(random.normal(size=steps)) for label in labels}


def draw(runs, **options):
    return figures.loss_curves(runs, settings="Runs of a test.", **options)


def panels(figure):
    return {ax.get_title(loc="left").partition(":")[0]: ax for ax in figure.axes if ax.get_title(loc="left")}


@pytest.mark.parametrize("seed", SEEDS)
def test_each_curve_is_drawn_in_a_panel_of_its_own_on_the_same_axes(seed):
    runs = curves(TWELVE[: 2 + seed % 11], seed=seed)
    drawn = panels(draw(runs))
    assert list(drawn) == list(runs)
    for label, ax in drawn.items():
        np.testing.assert_allclose(ax.lines[0].get_ydata(), runs[label])
        assert ax.get_yscale() == "log"
        assert ax.get_ylim() == next(iter(drawn.values())).get_ylim()


def test_nothing_tells_which_run_explodes_until_it_is_told():
    secret = draw(curves("ABC"))
    assert {to_hex(ax.lines[0].get_color()) for ax in panels(secret).values()} == {INK}
    assert "explode" not in secret.alt + "".join(ax.get_title(loc="left") for ax in secret.axes)
    told = draw(curves("ABC"), exploding={"B"})
    colors = {label: to_hex(ax.lines[0].get_color()) for label, ax in panels(told).items()}
    assert colors == {"A": BLUE, "B": RED, "C": BLUE}
    titles = [ax.get_title(loc="left") for ax in panels(told).values()]
    assert titles == ["A: does not", "B: explodes", "C: does not"]  # not by colour alone
    assert told.alt.count("it does not explode") == 2


@pytest.mark.parametrize("wrong", [NAN, INF, -INF])
def test_curve_ends_in_a_cross_at_the_last_step_that_is_finite(wrong):
    curve, cross = panels(draw({"A": [1, 2, 4, wrong, 1], "B": [1, 1]}))["A"].lines
    assert curve.get_ydata().tolist() == [1, 2, 4]
    assert (cross.get_marker(), cross.get_xdata(), cross.get_ydata()) == ("X", [2], [4])
    assert len(panels(draw({"A": [1, 2], "B": [1, 1]}))["A"].lines) == 1


def test_losses_beyond_the_axes_are_drawn_at_their_edge_and_negative_ones_by_their_size():
    ax = panels(draw({"A": [1e-30, -10, 1e30], "B": [1, 1]}))["A"]
    assert ax.lines[0].get_ydata().tolist() == [ax.get_ylim()[0], 10, ax.get_ylim()[1]]


def test_line_marks_the_last_step_that_was_shown():
    for ax in panels(draw(curves("ABC"), shown=24)).values():
        assert ax.lines[-1].get_xdata() == [23, 23]
        assert ax.lines[-1].get_linestyle() == ":"


def test_unused_panels_are_empty():
    figure = draw(curves(TWELVE[:5]))
    assert [ax.axison for ax in figure.axes] == [True] * 5 + [False]


def warnings_of(leads):
    return figures.warning_times(leads, settings="Runs of a test.")


def test_dots_stand_as_many_steps_before_the_nan_as_the_signs_came():
    figure = warnings_of({"early": [7, 0, 3, 1], "late": [0, 0]})
    (ax,) = figure.axes
    early, late, line = ax.lines
    labels = dict(zip([text.get_text() for text in ax.get_xticklabels()], ax.get_xticks(), strict=True))
    assert early.get_xdata().tolist() == [labels["NaN"], labels["1"], labels["3"], labels["7"]]
    assert late.get_xdata().tolist() == [labels["NaN"]] * 2
    assert (labels["7"], labels["NaN"]) == (ax.get_xticks().min() + 1, 0)  # 15 is the earliest; earlier is left
    assert (to_hex(early.get_color()), to_hex(late.get_color())) == (BLUE, RED)
    assert line.get_xdata() == [0, 0]


def test_signs_that_stay_silent_are_counted():
    figure = warnings_of({"a": [NAN, 3, NAN], "b": [1, 1, 1], "c": [NAN] * 3})
    assert [words for words in words_on(figure) if words] == ["2 silent", "3 silent"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]
    assert_texts_have_room(warnings_of({"a": [NAN, 3, NAN], "c": [NAN] * 40}))


@pytest.mark.parametrize("most", [1, 15, 40, 127, 1000])
def test_earliest_warning_is_inside(most):
    (ax,) = warnings_of({"a": [most, 0]}).axes
    assert ax.get_xlim()[0] < -np.log2(1 + most)
    assert ax.lines[0].get_xdata()[-1] == -np.log2(1 + most)


@pytest.mark.parametrize("seed", SEEDS)
def test_dots_stay_in_their_row(seed):
    steps = np.random.default_rng(seed).integers(0, 60, size=50)
    (ax,) = warnings_of({"a": steps, "b": steps}).axes
    for row in (0, 1):
        assert (abs(np.asarray(ax.lines[row].get_ydata()) - row) < 0.5).all()


def test_captions_are_the_settings():
    assert draw(curves("AB")).caption == warnings_of({"a": [1]}).caption == "Runs of a test."
