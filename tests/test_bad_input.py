"""A wrong argument is refused with its name, its value and what would be right: one table for the whole package."""

import importlib
import inspect
import pkgutil
import re

import pytest

import gradlab
import wrong_arguments
import wrong_monitors
import wrong_patients
import wrong_pictures
import wrong_sheets

TABLES = (wrong_arguments, wrong_monitors, wrong_patients, wrong_pictures, wrong_sheets)
RIGHT = {call: arguments for table in TABLES for call, arguments in table.RIGHT.items()}
WRONG = [row for table in TABLES for row in table.WRONG]
NOT_CHECKED = wrong_arguments.NOT_CHECKED | wrong_sheets.NOT_CHECKED
WITHOUT_INPUT = {call: why for table in TABLES for call, why in getattr(table, "WITHOUT_INPUT", {}).items()}
CASES = [
    pytest.param(call, name, *case, id=f"{call.__name__}-{name}-{i}")
    for call, name, cases in WRONG
    for i, case in enumerate(cases)
]


def public_calls():
    """Return every public function and class of the package, each where it is defined.

    But not the homework's: what is wrong there comes from students, rosters and files, and tests/homework tries it.
    """
    names = [module.name for module in pkgutil.walk_packages(gradlab.__path__, "gradlab.")]
    modules = [importlib.import_module(name) for name in names if not name.startswith("gradlab.homework")]
    return {
        value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", "") == module.__name__
    }


def test_every_public_function_is_in_the_table_or_has_a_reason_not_to_be():
    assert {call.__qualname__ for call in public_calls()} == {call.__qualname__ for call in [*RIGHT, *WITHOUT_INPUT]}
    assert public_calls() == {*RIGHT, *WITHOUT_INPUT}


def test_every_argument_of_every_public_function_is_in_the_table_or_has_a_reason_not_to_be():
    arguments_of = {(call, name) for call in RIGHT for name in inspect.signature(call).parameters}
    rows = {(call, name) for call, name, _ in WRONG} | set(NOT_CHECKED)
    # x is a slider of the example, not an argument by that name
    assert {f"{call.__name__}({name})" for call, name in arguments_of ^ rows} == {"explore(x)"}


@pytest.mark.parametrize("call", RIGHT, ids=lambda call: call.__name__)
def test_right_arguments_are_accepted(call):
    call(**RIGHT[call])


@pytest.mark.parametrize(("call", "name", "value", "shown", "allowed"), CASES)
def test_wrong_argument_is_refused_with_its_name_its_value_and_what_is_allowed(call, name, value, shown, allowed):
    with pytest.raises((TypeError, ValueError)) as error:
        call(**RIGHT[call] | {name: value})
    message = str(error.value)
    assert re.search(rf"\b{name}\b", message)
    assert (repr(value) if shown is None else shown) in message
    assert allowed in message
    assert "must" in message
