"""A quiz's right answer is computed, and it is an error if the computation leaves it open."""

import json
import math

import numpy as np
import pytest
import torch

from gradlab.quiz import Question, Quiz, question, quiz

ASK = "How much?"


def numbers(*options):
    return {option: f"because of {option}" for option in options}


def chosen(asked):
    return asked.options[asked.right][0]


@pytest.mark.parametrize(
    ("right", "options", "answer"),
    [
        (57.665, (1.5, 15, 60), "60"),
        (57.665, (58, 600), "58"),
        (57.665, (57.7, 57.6), "57.7"),
        (57.666, (57.67, 57.6), "57.67"),
        (64, (32, 64, 128), "64"),
        (0.0051, (0.005, 0.05), "0.005"),
        (2.4998e9, (1e5, 5e6, 2.5e9), "2.5 × 10⁹"),
        (1.02e15, (1e15, 1e16), "10¹⁵"),
        (4.2e-5, (1e-4, 4e-5), "4 × 10⁻⁵"),
        (-0.0663, (-0.25, -0.07, 0.07), "−0.07"),
        (0.0, (0, 3e-5), "0"),
        (np.float32(2.0), (1, 2), "2"),
        (torch.tensor([27_561.0]), (14_000, 28_000), "28,000"),
        (math.inf, (1e20, math.inf), "infinity"),
        (math.nan, (math.nan, 0, math.inf), "NaN"),
    ],
)
def test_right_number_is_the_one_that_the_computed_value_rounds_to(right, options, answer):
    assert chosen(question(ASK, numbers(*options), right=right)) == answer


@pytest.mark.parametrize("right", [349.9, 450.1, 4, -400, math.inf, math.nan])
def test_number_that_the_computed_value_does_not_round_to_is_not_right(right):
    with pytest.raises(ValueError, match=r"right must agree with exactly one option .*gives \[\]"):
        question(ASK, numbers(400, 5), right=right)


def test_two_numbers_that_the_computed_value_rounds_to_are_an_error():
    with pytest.raises(ValueError, match=r"got 118, which gives \[100, 120\]"):
        question(ASK, numbers(100, 120), right=118)


def test_numbers_are_shown_in_order_with_their_unit_and_keep_their_reasons():
    asked = question(ASK, numbers(math.nan, 40_000, 0.5, math.inf), right=0.5, unit="steps")
    assert [answer for answer, _ in asked.options] == ["0.5 steps", "40,000 steps", "infinity steps", "NaN steps"]
    reasons = [f"because of {option}" for option in (0.5, 40_000, math.inf, math.nan)]
    assert [why for _, why in asked.options] == reasons
    assert asked.right == 0


def test_right_text_is_the_one_that_reads_the_same_and_the_order_stays():
    asked = question(ASK, {"it grows": "a", "it fades": "b", "neither": "c"}, right="it fades")
    assert asked == Question(ASK, (("it grows", "a"), ("it fades", "b"), ("neither", "c")), 1)
    with pytest.raises(ValueError, match=r"got 'It fades', which gives \[\]"):
        question(ASK, {"it grows": "a", "it fades": "b"}, right="It fades")
    with pytest.raises(TypeError, match="right must be text, as the options are"):
        question(ASK, {"1": "a", "2": "b"}, right=2)


def test_function_decides_for_each_option_as_it_was_given():
    seen = []
    asked = question(ASK, numbers(1, 30, 1e6), right=lambda option: seen.append(option) or abs(option - 28) < 5)
    assert seen == [1, 30, 1e6]
    assert chosen(asked) == "30"


def test_quiz_holds_strict_json_with_all_that_the_page_needs():
    asked = [question(ASK, numbers(1, 2), right=2), question("And `h`?", {"a": "b", "c": "d"}, right="a")]
    widget = quiz(asked)
    assert isinstance(widget, Quiz)
    state = json.loads(json.dumps(widget.get_state(["questions"]), allow_nan=False))
    assert state["questions"] == [
        {"text": ASK, "options": [["1", "because of 1"], ["2", "because of 2"]], "right": 1},
        {"text": "And `h`?", "options": [["a", "b"], ["c", "d"]], "right": 0},
    ]
    assert "function render" in widget.get_state("_esm")["_esm"]
    assert ".gradlab-quiz" in widget.get_state("_css")["_css"]


def test_quiz_without_a_browser_reads_as_questions_and_options():
    text = repr(quiz([question(ASK, numbers(1, 2), right=2)]))
    assert text == "1. How much?\n   - 1\n   - 2"
