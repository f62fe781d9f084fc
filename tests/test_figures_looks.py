"""Curves of one picture are told apart, and one that comes back in another chapter has its look there again."""

import itertools

import pytest

from gradlab.figures.looks import CHARACTERS, LOOKS, looks_of


@pytest.mark.parametrize("labels", [[], ["a"], list("abcde"), ["He", "a", "N(0, 1)"], ["tanh", "a", "b", "relu", "c"]])
def test_every_curve_of_a_picture_has_a_look_of_its_own(labels):
    looks = looks_of(labels)
    assert list(looks) == labels
    assert len(set(looks.values())) == len(labels)
    assert all(looks[label] == CHARACTERS[label] for label in labels if label in CHARACTERS)


@pytest.mark.parametrize("part", range(3), ids=("color", "dash and marker", "marker"))
def test_looks_differ_in_each_of_their_parts(part):
    parts = [(look.color, (look.dash, look.marker), look.marker)[part] for look in LOOKS]
    assert len(set(parts)) == len(LOOKS)


def test_others_are_given_what_is_left_in_order():
    assert list(looks_of("abcde").values()) == list(LOOKS)
    assert looks_of(["a", "He", "b"]) == {"a": LOOKS[0], "He": LOOKS[1], "b": LOOKS[2]}


@pytest.mark.parametrize("pair", list(itertools.permutations(["He", "relu"])))
def test_first_of_two_characters_with_one_look_keeps_it(pair):
    assert CHARACTERS["He"] == CHARACTERS["relu"]
    first, second = looks_of(pair).values()
    assert first == CHARACTERS[pair[0]] != second
