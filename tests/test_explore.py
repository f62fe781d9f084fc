"""Explorable figures: every setting drawn once beforehand, and found again from the positions of the sliders."""

import functools
import itertools
import json
import math

import numpy as np
import pytest
import torch
import traitlets
from matplotlib.figure import Figure

from gradlab.canvas import sheet
from gradlab.explore import MOST_FRAMES, Explorable, explore

GAINS, DEPTHS = [0.5, 1.0, 1.5], [10, 20]


def words(gain, depth):
    return f"gain {gain} and depth {depth}"


def any_words(**setting):
    return f"setting {setting}"


def on_a_sheet(gain, depth):
    figure, ax = sheet(alt=words(gain, depth), caption="Two sliders.")
    ax.set_title(f"{gain}|{depth}")
    return figure


def on_a_figure(gain, depth=0):
    """Draw on a plain figure, which brings no alt text."""
    figure = Figure()
    figure.text(0.5, 0.5, f"{gain}|{depth}")
    return figure


@pytest.fixture(scope="module")
def two_sliders():
    return explore(on_a_sheet, gain=GAINS, depth=DEPTHS)


@pytest.fixture
def one_slider():
    return explore(on_a_figure, alt=lambda gain: f"gain {gain}", gain=GAINS)


def test_frames_of_two_sliders_come_with_the_last_one_fastest(two_sliders):
    settings = [(0.5, 10), (0.5, 20), (1.0, 10), (1.0, 20), (1.5, 10), (1.5, 20)]
    assert [frame["alt"] for frame in two_sliders.frames] == [words(*setting) for setting in settings]
    for frame, (gain, depth) in zip(two_sliders.frames, settings, strict=True):
        assert f">{gain}|{depth}</text>" in frame["svg"]


def test_frames_of_one_slider_come_in_its_order(one_slider):
    assert [frame["alt"] for frame in one_slider.frames] == ["gain 0.5", "gain 1.0", "gain 1.5"]
    for frame, gain in zip(one_slider.frames, GAINS, strict=True):
        assert f">{gain}|0</text>" in frame["svg"]


def test_frames_of_three_sliders_count_like_the_digits_of_a_clock():
    values = {"gain": [1, 2], "depth": [3, 4, 5], "width": ["narrow", "wide"]}
    widget = explore(lambda **_: Figure(), alt=lambda **setting: json.dumps(setting), **values)
    expected = [dict(zip(values, setting, strict=True)) for setting in itertools.product(*values.values())]
    assert [json.loads(frame["alt"]) for frame in widget.frames] == expected
    for index in itertools.product(range(2), range(3), range(2)):
        widget.index = list(index)
        assert json.loads(widget.alt) == widget.value


def test_value_and_alt_follow_the_sliders(two_sliders):
    for (i, gain), (j, depth) in itertools.product(enumerate(GAINS), enumerate(DEPTHS)):
        two_sliders.index = [i, j]
        assert two_sliders.value == {"gain": gain, "depth": depth}
        assert two_sliders.alt == words(gain, depth)


def test_observers_hear_of_every_move_of_a_slider(one_slider):
    heard = []
    one_slider.observe(lambda change: heard.append((change["old"], change["new"], one_slider.value)), names="index")
    one_slider.index = [2]
    one_slider.index = [2]
    one_slider.index = [1]
    assert heard == [([0], [2], {"gain": 1.5}), ([2], [1], {"gain": 1.0})]


@pytest.mark.parametrize("index", [[3], [-1], [], [0, 0], ["0"], 1])
def test_sliders_refuse_a_position_that_they_do_not_have(one_slider, index):
    with pytest.raises(traitlets.TraitError, match="index"):
        one_slider.index = index
    assert one_slider.value == {"gain": 0.5}


@pytest.mark.parametrize(
    ("start", "index"),
    [
        (None, [0, 0]),
        ({}, [0, 0]),
        ({"depth": 20}, [0, 1]),
        ({"gain": 1.5}, [2, 0]),
        ({"depth": 20, "gain": 1}, [1, 1]),
        ({"gain": 0.5 + 1e-13}, [0, 0]),  # as close as np.linspace comes to what was meant
        ({"gain": np.float64(1.5), "depth": np.int64(20)}, [2, 1]),
    ],
)
def test_start_sets_the_sliders_and_the_first_value_stands_for_the_others(start, index):
    widget = explore(on_a_figure, start=start, alt=words, gain=GAINS, depth=DEPTHS)
    assert widget.index == index
    assert widget.value == {"gain": GAINS[index[0]], "depth": DEPTHS[index[1]]}


def test_draw_is_called_exactly_once_for_every_combination():
    calls = []

    def draw(**setting):
        calls.append(tuple(setting.items()))
        return Figure()

    explore(draw, alt=any_words, start={"gain": 1.5}, gain=GAINS, depth=DEPTHS)
    expected = [(("gain", gain), ("depth", depth)) for gain in GAINS for depth in DEPTHS]
    assert calls == expected


def test_as_many_frames_as_a_page_can_bear_are_drawn_and_one_more_is_refused_before_drawing():
    drawn = []

    def draw(k):
        drawn.append(k)
        return blank

    blank = Figure(figsize=(0.1, 0.1))
    assert len(explore(draw, alt=any_words, k=range(MOST_FRAMES)).frames) == len(drawn) == MOST_FRAMES
    with pytest.raises(ValueError, match=rf"{MOST_FRAMES} combinations in all, got {MOST_FRAMES + 1}"):
        explore(draw, alt=any_words, k=range(MOST_FRAMES + 1))
    with pytest.raises(ValueError, match="got 200"):
        explore(draw, alt=any_words, k=range(20), depth=range(10))
    assert len(drawn) == MOST_FRAMES


def test_no_slider_is_no_explorable_figure():
    with pytest.raises(ValueError, match="params"):
        explore(lambda: Figure(), alt=lambda: "words")


def test_alt_function_speaks_for_a_sheet_too():
    widget = explore(on_a_sheet, alt=lambda gain, depth: f"other words {gain}", gain=[1, 2], depth=[3, 4])
    assert widget.alt == "other words 1"


def test_name_and_caption_come_from_the_drawing_function(two_sliders, one_slider):
    assert (two_sliders.name, two_sliders.caption) == ("on_a_sheet", "Two sliders.")
    assert (one_slider.name, one_slider.caption) == ("on_a_figure", "")
    nameless = explore(functools.partial(on_a_sheet, depth=1), gain=[1, 2])
    assert nameless.name == ""


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.5, 1, 1.25], ["0.50", "1.00", "1.25"]),
        ([10, 20], ["10", "20"]),
        ([1.0, 2.0], ["1", "2"]),
        (np.linspace(0, 0.3, 4), ["0.0", "0.1", "0.2", "0.3"]),
        (0.1 * np.arange(-1, 2), ["-0.1", "0.0", "0.1"]),
        (torch.tensor([0.5, 0.25], dtype=torch.float64), ["0.50", "0.25"]),
        (["tanh", "ReLU"], ["tanh", "ReLU"]),
        ([1e-8, 0.5], ["1e-08", "0.5"]),
        (range(2, 5), ["2", "3", "4"]),
    ],
)
def test_labels_have_equal_decimals_and_read_back_as_the_values(values, labels):
    widget = explore(on_a_figure, alt=any_words, gain=values)
    assert widget.params == [{"name": "gain", "label": "gain", "text": labels}]
    if not isinstance(values[0], str):
        assert [float(label) for label in labels] == pytest.approx(list(map(float, values)), abs=1e-12)


def test_label_of_a_slider_reads_as_words():
    widget = explore(lambda hidden_size: Figure(), alt=any_words, hidden_size=[1, 2])
    assert [(param["name"], param["label"]) for param in widget.params] == [("hidden_size", "hidden size")]


def test_values_are_plain_python_numbers():
    seen = []
    explore(lambda gain: seen.append(gain) or Figure(), alt=any_words, gain=np.array([1.5, 2.5], dtype=np.float32))
    explore(lambda gain: seen.append(gain) or Figure(), alt=any_words, gain=torch.tensor([3, 4]))
    assert [(type(value), value) for value in seen] == [(float, 1.5), (float, 2.5), (int, 3), (int, 4)]


def test_synchronised_state_is_strict_json_and_holds_everything_that_the_page_needs(two_sliders):
    two_sliders.index = [1, 1]
    keys = ["name", "caption", "params", "frames", "index"]
    state = json.loads(json.dumps(two_sliders.get_state(keys), allow_nan=False))
    assert state["index"] == [1, 1]
    shape = [len(param["text"]) for param in state["params"]]
    flat = np.ravel_multi_index(state["index"], shape)  # the order in which the browser's part counts
    assert state["frames"][flat]["alt"] == two_sliders.alt
    assert math.prod(shape) == len(state["frames"])
    assert all(two_sliders.traits()[key].metadata["sync"] for key in keys)
    assert "function render" in two_sliders.get_state("_esm")["_esm"]
    assert ".gradlab-explore" in two_sliders.get_state("_css")["_css"]


def test_plain_figure_is_drawn_in_the_books_style(one_slider):
    assert isinstance(one_slider, Explorable)
    for frame in one_slider.frames:
        assert "fill: currentColor" in frame["svg"]
        assert "#0b0c0d" not in frame["svg"]


@pytest.mark.parametrize(
    ("draw", "alt", "error", "message"),
    [
        (lambda gain: None, any_words, TypeError, r"draw must return a matplotlib Figure, got None for \{'gain': 1\}"),
        (lambda gain: Figure(), lambda gain: 7, TypeError, r"alt must return text, got 7 for \{'gain': 1\}"),
        (lambda gain: Figure(), lambda gain: " ", ValueError, r"alt must say .*got ' ' for \{'gain': 1\}"),
        (lambda gain: Figure(), None, ValueError, r"alt must say .*got '' for \{'gain': 1\}"),
        (lambda gain: Figure().subplots(), any_words, TypeError, r"draw must return a matplotlib Figure, got <Axes"),
    ],
)
def test_picture_that_is_none_or_that_nobody_can_describe_is_refused(draw, alt, error, message):
    with pytest.raises(error, match=message):
        explore(draw, alt=alt, gain=[1, 2])
