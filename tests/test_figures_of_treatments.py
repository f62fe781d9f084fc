"""What a remedy did can be read without colour, and losses with and without it are told apart."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import INF, NAN, SEEDS, assert_texts_have_room, words_on
from gradlab import figures
from gradlab.canvas import BLUE, ORANGE
from gradlab.figures.treatments import LOSSES, OUTCOMES


def table(outcomes):
    return figures.remedies_on_patients(outcomes, settings="Runs of a test.")


def drawn_outcomes(seed, remedies, patients):
    random = np.random.default_rng(seed)
    return {
        f"remedy {r}": {
            f"ill {p}": (list(OUTCOMES)[random.integers(len(OUTCOMES))], bool(random.random() < 0.3))
            for p in range(patients)
        }
        for r in range(remedies)
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_every_outcome_has_its_mark_in_its_place(seed):
    outcomes = drawn_outcomes(seed, 1 + seed % 20, 1 + seed % 7)
    (ax,) = table(outcomes).axes
    marks = [line for line in ax.lines if line.get_marker() not in ("None", None, "") and len(line.get_xdata()) == 1]
    found = {
        (int(mark.get_ydata()[0]), round(mark.get_xdata()[0] + 0.35)): (mark.get_marker(), mark.get_fillstyle())
        for mark in marks
    }
    wanted = {
        (y, x): OUTCOMES[outcome][1:]
        for y, row in enumerate(outcomes.values())
        for x, (outcome, _) in enumerate(row.values())
    }
    assert found == wanted


def test_outcomes_are_told_apart_without_colour():
    assert len({style[1:] for style in OUTCOMES.values()}) == len(OUTCOMES)


def test_words_say_what_was_cured_helped_or_harmed_and_what_was_close():
    figure = table(
        {"a": {"p": ("cured", True), "q": ("helped", False), "r": ("harmed", False), "s": ("no effect", True)}}
    )
    assert [words for words in words_on(figure) if words] == ["a", "cured?", "helped", "harmed", "?"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["no effect", "does not apply"]


def test_largest_table_has_room():
    row = {f"patient {p}": ("harmed", True) for p in range(7)}
    assert_texts_have_room(table({f"a rather long remedy {r}": row for r in range(20)}))


def losses(seed=0, seeds=20, points=12):
    return np.exp(np.random.default_rng(seed).normal(size=(seeds, points)))


def treatment(before, after):
    steps = 10 * np.arange(np.shape(before)[1])
    return figures.losses_under_treatment(steps, before, after, title="A remedy", settings="Runs of a test.")


def lines_of(figure, color):
    return [line for line in figure.axes[0].lines if to_hex(line.get_color()) == color and len(line.get_xdata())]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_treated_run_has_its_line_and_the_untreated_their_median(seed):
    before, after = losses(seed), losses(seed + 100)
    figure = treatment(before, after)
    drawn = lines_of(figure, BLUE)
    np.testing.assert_allclose([line.get_ydata() for line in drawn], after)
    assert drawn[0].get_xdata().tolist() == list(range(0, 120, 10))
    (median,) = lines_of(figure, ORANGE)
    assert median.get_linestyle() == "--"
    np.testing.assert_allclose(median.get_ydata(), np.median(before, axis=0))


def test_runs_end_in_a_cross_where_they_die():
    after = np.ones((2, 4))
    after[1, 2:] = NAN
    before = np.ones((2, 4))
    before[:, 1:] = NAN
    figure = treatment(before, after)
    whole, short, cross = lines_of(figure, BLUE)
    assert len(whole.get_xdata()) == 4
    assert short.get_xdata().tolist() == [0, 10]
    assert (cross.get_marker(), cross.get_xdata()) == ("X", [10])
    median, end = lines_of(figure, ORANGE)
    assert median.get_xdata().tolist() == end.get_xdata().tolist() == [0]
    assert figure.alt == (
        "A remedy. Untreated: 2 of 2 runs die. "
        "Treated: 1 of 2 runs die, median loss of the others 1 at first and 1 in the end."
    )


def test_runs_that_are_dead_from_the_start_and_losses_beyond_the_axis_are_drawn():
    figure = treatment(np.full((2, 3), NAN), [[1, INF, 1e30], [0, 1, 1]])
    assert not lines_of(figure, ORANGE)
    assert lines_of(figure, BLUE)[0].get_ydata().tolist() == [1, LOSSES[1], LOSSES[1]]
    assert lines_of(figure, BLUE)[1].get_ydata().tolist() == [LOSSES[0], 1, 1]


def test_without_a_treatment_there_are_only_the_untreated():
    figure = treatment(losses(), None)
    assert not lines_of(figure, BLUE)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["untreated"]
    assert "Treated" not in figure.alt
