"""Numbers as the book writes them: what is written reads back as the number that was meant."""

import math
import unicodedata

import numpy as np
import pytest
import torch

from gradlab.numerals import power_of_ten, readable, superscript, ten_to

SEEDS = range(20)


def number_of(text):
    """Read a number of the book back with nothing but Unicode's own table of what a superscript stands for."""
    mantissa, _, exponent = text.partition(" × 10")
    plain = [unicodedata.normalize("NFKC", part).replace("−", "-").replace(",", "") for part in (mantissa, exponent)]
    return float(f"{plain[0]}e{plain[1] or 0}")


@pytest.mark.parametrize("number", [0, 7, -1, 10, -308, 1234567890, -9876543210, np.int64(-42), torch.tensor(5)])
def test_superscript_stands_for_its_number_in_unicode(number):
    text = superscript(number)
    assert int(unicodedata.normalize("NFKC", text).replace("−", "-")) == number
    assert all("SUPERSCRIPT" in unicodedata.name(character) for character in text)


@pytest.mark.parametrize(
    ("value", "label"),
    [(0.1, "0.1"), (1, "1"), (10, "10"), (100.0, "100"), (1000, "10³"), (0.01, "10⁻²"), (1e-300, "10⁻³⁰⁰"), (9, "10")],
)
def test_power_of_ten_is_a_tick_label(value, label):
    assert power_of_ten(value) == label


@pytest.mark.parametrize("off", [-0.49, 0, 0.49])
def test_power_of_ten_is_the_nearest_one(off):
    for exponent in (*range(-300, -1), *range(3, 300)):
        text = power_of_ten(10.0 ** (exponent + off))
        assert number_of(f"1 × {text}") == float(f"1e{exponent}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9, "0.9"),
        (38.7459, "38.7"),
        (40_000, "40,000"),
        (6.376e8, "6.38 × 10⁸"),
        (0, "0"),
        (-0.0, "0"),
        (-4.5229, "−4.52"),
        (999_999, "999,999"),
        (1_000_000, "1.00 × 10⁶"),
        (0.0009765625, "9.77 × 10⁻⁴"),
        (-2.656e-5, "−2.66 × 10⁻⁵"),
        (13780.612, "13,800"),
        (math.inf, "infinity"),
        (-math.inf, "minus infinity"),
        (math.nan, "NaN"),
        (np.float64(57.665), "57.7"),
        (np.float32(np.inf), "infinity"),
    ],
)
def test_readable_writes_numbers_of_the_book_as_a_reader_would(value, text):
    assert readable(value) == text


@pytest.mark.parametrize(("digits", "text"), [(1, "40"), (2, "39"), (4, "38.75"), (5, "38.746")])
def test_readable_keeps_as_many_significant_digits_as_asked(digits, text):
    assert readable(38.7459, digits) == text


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("digits", [1, 2, 3, 6])
def test_readable_reads_back_within_half_a_unit_of_its_last_digit(digits, seed):
    rng = np.random.default_rng(seed)
    for value in rng.choice([-1, 1], 50) * 10 ** rng.uniform(-300, 300, 50):
        assert number_of(readable(value, digits)) == pytest.approx(value, rel=0.5001 * 10.0 ** (1 - digits))
    for value in rng.choice([-1, 1], 50) * 10 ** rng.uniform(-5, 7, 50):
        text = readable(value, digits)
        assert number_of(text) == pytest.approx(value, rel=0.5001 * 10.0 ** (1 - digits))
        assert "-" not in text
        assert "e" not in text


@pytest.mark.parametrize("seed", SEEDS)
def test_readable_keeps_every_digit_of_a_whole_number_below_a_million(seed):
    for value in np.random.default_rng(seed).integers(-999_999, 1_000_000, 50):
        assert number_of(readable(int(value), 1)) == value
        assert number_of(readable(float(value), 1)) == value


POWERS = [(0, 1), (3, 1000), (-2.5, 0.1**2.5), (308, 1e308), (309, math.inf), (-400, 0), (math.inf, math.inf)]


@pytest.mark.parametrize(("exponent", "power"), POWERS)
def test_ten_to_leaves_float64_where_it_ends(exponent, power):
    assert ten_to(exponent) == pytest.approx(power, rel=1e-14)
    assert math.isnan(ten_to(math.nan))
