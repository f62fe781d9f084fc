"""The grader's commands: ``python -m gradlab.homework grade``, ``export`` and ``check``."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gradlab.homework.catalog import homework_of
from gradlab.homework.grades.course import renewed
from gradlab.homework.grades.export import FORMS, export
from gradlab.homework.grades.gradebook import GRADED, NEEDS_MANUAL, NOT_GRADED, NOT_SUBMITTED
from gradlab.homework.grading.batch import BusyError, Run, grade_course
from gradlab.homework.grading.seeds import seed_in
from gradlab.homework.grading.single import CHECK_STOPPED
from gradlab.homework.grading.trial import tried_notebook
from gradlab.homework.roster import read_roster
from gradlab.homework.sandbox.place import Limits, Place, SandboxError, font_list, require_apart, require_sandbox

ROOT_RISK = "--as-root-at-my-own-risk"
STATUSES = (GRADED, NEEDS_MANUAL, NOT_GRADED, NOT_SUBMITTED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, or 2 if it could not begin."""
    options = _parser().parse_args(arguments)
    sys.stdout.reconfigure(errors="replace", line_buffering=True)
    try:
        options.run(options)
    except (ValueError, BusyError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except SandboxError as error:
        print(f"error: {error}\nOr grade with --no-sandbox, if you trust those who wrote the code.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on where this one was", file=sys.stderr)
        return 130
    return 0


def grade(options: argparse.Namespace) -> None:
    """Grade a folder or a zip file of submissions."""
    roster = read_roster(options.roster)
    homework_of(options.homework, options.checks)
    seed_file = options.seed_file or options.output / "course.seed"
    place = _place(options, [seed_file], [options.submissions, options.output, options.roster])
    seed, said = seed_in(seed_file)
    if said:
        print(said)
    folder = options.output / options.homework
    run = Run(
        *(options.homework, options.submissions, roster, seed, folder, place),
        checks=options.checks,
        workers=options.jobs,
        again=options.again,
    )
    grades = grade_course(run)
    counts = Counter(grade.status for grade in grades)
    print(", ".join(f"{counts[status]} {status}" for status in STATUSES))
    if stopped := sum(CHECK_STOPPED in note for one in grades if one.record for note in one.record.notes):
        print(f"{stopped} checks stopped on an answer, which counts as not met: look at the notes")
    print(f"grades, feedback and manual.csv are in {folder}")


def export_grades(options: argparse.Namespace) -> None:
    """Write grades for another system."""
    homework, grades = renewed(options.folder)
    default = "export-gradescope" if options.to == "gradescope" else f"export-{options.to}.csv"
    path = options.output or options.folder / default
    done = export(grades, homework, options.to, path, gradebook=options.gradebook, column=options.column)
    print(f"{done.count} grades in {done.path}")
    for line in done.left_out:
        print(f"left out: {line}")


def check(options: argparse.Namespace) -> None:
    """Try the visible checks on one notebook."""
    homework = homework_of(options.homework, options.checks)
    print("\n".join(tried_notebook(options.notebook, homework, _place(options, [], [options.notebook.parent]))))


def _place(options: argparse.Namespace, secret: list[Path], hidden: list[Path]) -> Place:
    if sys.platform != "win32" and os.geteuid() == 0 and not options.as_root:
        raise ValueError(
            f"you are root, and a hole in the sandbox would be one in this machine: be another user, or say {ROOT_RISK}"
        )
    limits = Limits(cell=options.cell_seconds, total=options.seconds, memory=options.memory << 20)
    if not options.no_sandbox:
        require_apart(secret, hidden)
    checks = [options.checks] if options.checks else []
    place = Place(not options.no_sandbox, limits, (*secret, *hidden, *checks), font_list())
    require_sandbox(place)
    if options.no_sandbox:
        print("no sandbox: student code can read and change what you can, and reach the network")
        if os.geteuid() == 0 and place.uid() is None:
            print("and it runs as root, since other users cannot read this Python")
    return place


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gradlab.homework", description="Grade the book's homework.")
    commands = parser.add_subparsers(required=True, metavar="command")
    grading = commands.add_parser("grade", help="grade a folder or a zip file of submissions")
    grading.add_argument("homework", help="such as hw03")
    grading.add_argument("submissions", type=Path, help="a folder or a zip file, as the LMS gives it")
    grading.add_argument("--roster", type=Path, required=True, help="CSV with a column id, and perhaps name and email")
    grading.add_argument("--seed-file", type=Path, help="the course's seed; made if missing (default: in the output)")
    grading.add_argument("-o", "--output", type=Path, default=Path("grading"), help="folder (default: grading)")
    grading.add_argument("-j", "--jobs", type=_positive, default=1, help="how many submissions at a time (default: 1)")
    grading.add_argument("--again", action="store_true", help="grade again what has not changed, too")
    grading.set_defaults(run=grade)
    checking = commands.add_parser("check", help="try the visible checks on one notebook")
    checking.add_argument("homework", help="such as hw03")
    checking.add_argument("notebook", type=Path)
    checking.set_defaults(run=check)
    for command in (grading, checking):
        _add_place(command)
    exporting = commands.add_parser("export", help="write the grades for another system")
    exporting.add_argument("folder", type=Path, help="such as grading/hw03")
    exporting.add_argument("--to", required=True, choices=["canvas", "gradescope", *FORMS])
    exporting.add_argument("--gradebook", type=Path, help="the CSV that Canvas's gradebook exports")
    exporting.add_argument(
        "--column", default="", help="the assignment's column in it, if it does not name the homework"
    )
    exporting.add_argument("-o", "--output", type=Path, help="file, or for Gradescope a folder")
    exporting.set_defaults(run=export_grades)
    return parser


def _add_place(command: argparse.ArgumentParser) -> None:
    limits = Limits()
    command.add_argument("--checks", type=Path, help="a Python file of private checks that defines `homework`")
    command.add_argument("--seconds", type=_positive, default=int(limits.total), help="for a submission (default: 300)")
    command.add_argument("--cell-seconds", type=_positive, default=int(limits.cell), help="for a cell (default: 30)")
    command.add_argument("--memory", type=_positive, default=limits.memory >> 20, help="in MB (default: 4096)")
    command.add_argument(
        "--no-sandbox",
        action="store_true",
        help="run student code as a plain process, which can read and change your files; for code that you trust",
    )
    command.add_argument(
        ROOT_RISK,
        dest="as_root",
        action="store_true",
        help="grade as root: student code gives root up before it runs, but a fault in that is a fault of root's",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
