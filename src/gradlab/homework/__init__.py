"""The book's homework: what students check their answers with, and what instructors grade them with.

Students need two names, `check` and `numbers`. Instructors call ``python -m gradlab.homework``; `grading` is where that
begins. The assignments themselves are imported only when one is asked for.
"""

from gradlab.homework.student import check, numbers

__all__ = ["check", "numbers"]
