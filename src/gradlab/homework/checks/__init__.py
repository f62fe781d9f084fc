"""What a homework asks, and what an answer must be: all that a file of assignments, or of private checks, needs.

`questions` asks them, `draws` gives the numbers that they are tried on, `expectations` say what is not met, and
`judging` tries one property after the other.
"""

from gradlab.homework.checks.draws import Draw
from gradlab.homework.checks.expectations import (
    Unmet,
    Words,
    require,
    require_close,
    require_number,
    require_numbers,
    require_tensor,
)
from gradlab.homework.checks.questions import Answer, Homework, Property, Question, StudentError

__all__ = [
    "Answer",
    "Draw",
    "Homework",
    "Property",
    "Question",
    "StudentError",
    "Unmet",
    "Words",
    "require",
    "require_close",
    "require_number",
    "require_numbers",
    "require_tensor",
]
