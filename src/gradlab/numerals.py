"""How the book writes a number: in figures, alt texts and claim cards."""

from __future__ import annotations

import math

from gradlab.arguments import positive_number, real_number, whole_number


def superscript(number: int) -> str:
    """Return an integer in superscript digits.

    Raises
    ------
    TypeError
        If `number` is not an integer.
    """
    number = whole_number("number", number)
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def power_of_ten(value: float) -> str:
    """Return the power of ten nearest to `value` as a tick label: 0.1, 1, 10, 100, then 10³; below 0.1, 10⁻².

    Raises
    ------
    TypeError
        If `value` is not one real number.
    ValueError
        If `value` is not positive and finite.
    """
    exponent = round(math.log10(positive_number("value", value)))
    return f"{10.0**exponent:g}" if -1 <= exponent <= 2 else f"10{superscript(exponent)}"


def readable(value: float, digits: int = 3) -> str:
    """Return a number as a reader writes it: 0.9, 38.7, 40,000, or 6.4 × 10⁸ where plain digits would not be read.

    Parameters
    ----------
    value : float
        Any number; infinities and NaN are named.
    digits : int
        Significant digits, at least 1. Whole numbers below a million keep all of theirs.

    Raises
    ------
    TypeError
        If `value` is not a real number or `digits` not an integer.
    ValueError
        If `digits` is below 1, or `value` an integer beyond the range of a ``float``.
    """
    value, digits = real_number("value", value, or_nan=True), whole_number("digits", digits, at_least=1)
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "infinity", "-inf": "minus infinity"}[str(value)]
    if value == int(value) and abs(value) < 1e6:
        text = f"{int(value):,}"
    elif 1e-3 <= abs(value) < 1e5:
        text = f"{float(f'{value:.{digits}g}'):,.10g}"
    else:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa} × 10{superscript(int(exponent))}"
    return text.replace("-", "−")


def ten_to(exponent: float) -> float:
    """Return a power of ten; infinity past the range of float64, NaN for NaN.

    Raises
    ------
    TypeError
        If `exponent` is not one real number.
    ValueError
        If `exponent` is an integer beyond the range of a ``float``.
    """
    try:
        return 10.0 ** real_number("exponent", exponent, or_nan=True)
    except OverflowError:
        return math.inf
