"""A homework of three small questions, given to the grader with ``--checks``: what the tests of the grader grade."""

from gradlab.homework.checks import Homework, require, require_close

homework = Homework("hw90", "A tiny homework")

double = homework.question("q1", "Twice", asks_for="double", seconds=2)


@double.requires("doubles three numbers", points=1)
def _(answer, draw):
    numbers = draw.normal(3)
    require_close(answer(numbers), 2 * numbers, tried="double on 3 numbers", expected="each number, twice")


@double.requires("doubles many numbers", points=2, hidden=True)
def _(answer, draw):
    numbers = draw.normal(draw.integer(10, 20), 2)
    require_close(answer(numbers), 2 * numbers, tried="double on a matrix", expected="each number, twice")


shrink = homework.question("q2", "In place", asks_for="shrink_", seconds=2)


@shrink.requires("halves in place", points=2)
def _(answer, draw):
    numbers = draw.normal(4)
    _, (left,) = answer.after(numbers.clone())
    require_close(left, numbers / 2, tried="shrink_ on 4 numbers", expected="the argument itself, halved")


own = homework.question(
    "q3", "Your own sum", asks_for="total", personal=lambda draw: {"a": draw.integer(10, 99), "b": draw.integer(10, 99)}
)


@own.requires("is the sum of your numbers", points=2)
def _(answer, draw):
    right = draw.personal["a"] + draw.personal["b"]
    got = answer.value
    require(type(got) is int and got == right, tried="total", got=got, expected="the sum of your two numbers")


homework.question("q4", "In words", written_points=3)
