"""What is known of a submission, and how it is told.

`records` are what the grader found out and `marks` what a person gave; `gradebook` makes grades of both, `feedback`
pages, `export` tables for other systems. `course` remembers for whom, so that a mark counts without grading again.
"""
