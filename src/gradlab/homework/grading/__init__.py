"""The grader at work: `single` grades one submission, `batch` a course; `trial` tries the visible checks, without one.

`seeds` keep what a course's numbers are drawn from.
"""
