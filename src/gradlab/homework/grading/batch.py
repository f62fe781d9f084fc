"""Grading a whole course: a process for each submission, each result kept at once, and nothing graded twice."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gradlab.homework.catalog import digest, homework_of
from gradlab.homework.checks.questions import Homework
from gradlab.homework.grades.course import Course, save_course, save_outcome
from gradlab.homework.grades.feedback import save_reading
from gradlab.homework.grades.gradebook import Grade
from gradlab.homework.grades.marks import merged, read_marks, save_marks
from gradlab.homework.grades.records import Record, load, record_path, save
from gradlab.homework.grading.single import Job, graded
from gradlab.homework.roster import Student
from gradlab.homework.sandbox.child import adopt_orphans
from gradlab.homework.sandbox.place import Place
from gradlab.homework.submissions.files import Found, SubmissionError, collect
from gradlab.homework.submissions.matching import Matched, match, newest
from gradlab.homework.texts import csv_text, printable, write

SLACK = 240.0  # seconds that a grading process has beyond the time of its submission
PR_SET_PDEATHSIG = 1
SEVERAL = " notebooks: took "
Say = Callable[[str], None]


class BusyError(RuntimeError):
    """Another run is grading into the same folder."""


@dataclass(frozen=True)
class Run:
    """One run of the grader.

    Parameters
    ----------
    homework : str
        Its id.
    submissions : Path
        A folder or a zip file.
    roster : list of Student
    seed : str
    folder : Path
        Where everything is written, and nothing elsewhere.
    place : Place
    checks : Path, optional
        A course's private checks.
    workers : int
        How many submissions at a time.
    again : bool
        Whether to grade again what has been graded.
    say : callable
        Takes a line for the person who waits.
    """

    homework: str
    submissions: Path
    roster: Sequence[Student]
    seed: str
    folder: Path
    place: Place = field(default_factory=Place)
    checks: Path | None = None
    workers: int = 1
    again: bool = False
    say: Say = print


def grade_course(run: Run) -> list[Grade]:
    """Grade what has not been graded; write records, marks to be given, grades and feedback.

    Returns
    -------
    list of Grade
        One for each line of the roster, in its order.

    Raises
    ------
    BusyError, MarksError, SubmissionError, ValueError
        Before anything is written.
    """
    homework = homework_of(run.homework, run.checks)
    run.folder.mkdir(parents=True, exist_ok=True)
    with locked(run.folder):
        read_marks(run.folder / "manual.csv")  # an unreadable one is no news for after an hour
        matched = match(_handed_in(run), run.roster)
        code = digest(run.homework, run.checks)
        jobs = {student.id: job for student in run.roster if (job := _job(run, student, matched, code)) is not None}
        waiting = [job for job in jobs.values() if run.again or not _done(run, job)]
        run.say(f"{len(run.roster)} on the roster, {len(jobs)} handed in, {len(waiting)} to grade")
        _grade_all(run, waiting)
        records = {id: record for id in jobs if (record := load(record_path(run.folder, id))) is not None}
        grades = _written(run, homework, records)
        _report_unknown(run, matched.unknown)
    return grades


def _handed_in(run: Run) -> list[Found]:
    """Return what was handed in, less what an earlier run wrote, if its folder lies among the submissions."""
    own, files = Path(os.path.realpath(run.folder)), collect(run.submissions)
    sources = {found.source for found in files}
    # unlike `resolve`, realpath takes links that lead in circles
    written = {source for source in sources if Path(os.path.realpath(source)).is_relative_to(own)}
    return [found for found in files if found.source not in written]


def _job(run: Run, student: Student, matched: Matched, code: str) -> Job | None:
    files = matched.of.get(student.id, [])
    if not files:
        return None
    chosen, others = newest(files, run.homework)
    terms = f"{run.place.sandboxed} {run.place.limits}"
    job = Job(student.id, b"", "", (), code, run.seed, terms=terms)
    if chosen is None:
        names = ", ".join(printable(found.label, 80) for found in files[:3])
        why = ", ".join(printable(f"{found.label[:80]} ({found.problem})", 200) for found in files[:3] if found.problem)
        return replace(job, file=names, problem=f"no notebook, but {why or names}")
    notes = ()
    if rest := [found for found in others if found.is_notebook]:
        left = ", ".join(printable(found.label, 120) for found in rest[:5])
        took = f"{printable(chosen.label, 120)} ({_date(chosen.when)})"
        notes = (f"{len(rest) + 1}{SEVERAL}{took}, left {left}",)
    job = replace(job, file=printable(chosen.label, 200), notes=notes)
    try:
        return replace(job, data=chosen.read())
    except SubmissionError as error:
        return replace(job, problem=printable(error, 300))


def _date(when: float) -> str:
    try:
        return datetime.fromtimestamp(when).isoformat(" ", "minutes") if when else "no date"
    except (ValueError, OverflowError, OSError):
        return "no date"  # the file says that it is of the year 33000, or the like


def _done(run: Run, job: Job) -> bool:
    record = load(record_path(run.folder, job.student))
    if record is None or record.key != job.key:
        return False
    notes = [*job.notes, *(note for note in record.notes if not re.match(rf"\d+{SEVERAL}", note))]
    if (record.file, record.notes) != (job.file, notes):  # the same notebook under another name, or among others
        save(replace(record, file=job.file, notes=notes), record_path(run.folder, job.student))
    return True


def _grade_all(run: Run, waiting: Sequence[Job]) -> None:
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    left, running, done = list(waiting), {}, 0
    try:
        while left or running:
            while left and len(running) < run.workers:
                job = left.pop(0)
                process = context.Process(target=grade_into, args=(job, replace(run, say=print), os.getpid()))
                process.start()
                running[process.sentinel] = process, job, time.monotonic() + run.place.limits.total + SLACK
            for sentinel in _ended(running):
                process, job, _ = running.pop(sentinel)
                process.join()
                done += 1
                run.say(f"[{done}/{len(waiting)}] {_line(_kept(run, job, process.exitcode))}")
    finally:
        for process, _, _ in running.values():
            process.terminate()
        for process, _, _ in running.values():
            process.join(10)


def _ended(running: dict) -> list[int]:
    """Return the processes that have ended; those that take too long are made to."""
    ended = multiprocessing.connection.wait(list(running), timeout=1.0)
    for process, _, ending in running.values():
        if time.monotonic() > ending:
            process.kill()
    return ended


def _kept(run: Run, job: Job, exitcode: int | None) -> Record:
    """Return the record that a grading process left; if it left none, one that says so."""
    path = record_path(run.folder, job.student)
    record = load(path)
    if exitcode == 0 and record is not None and record.key in (job.key, ""):
        return record
    record = Record(
        job.student, "", job.file, reason=f"the grading process ended with {exitcode}; the next run tries again"
    )
    save(record, path)
    return record


def grade_into(job: Job, run: Run, parent: int) -> None:
    """Grade one submission in a process of its own, and keep the record."""
    import torch

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_orphans()
    torch.set_num_threads(1)
    try:
        record = graded(job, homework_of(run.homework, run.checks), run.place)
    except Exception as error:  # a fault of the grader; the others' grades do not wait for its mending
        words = printable(f"the grader failed: {type(error).__name__}: {error}", 300)
        record = Record(job.student, "", job.file, reason=words, notes=list(job.notes))
    save(record, record_path(run.folder, job.student))


def _line(record: Record) -> str:
    points = sum(part.points for part in record.parts)
    fared = f"could not be graded: {record.reason}" if record.reason else f"{record.earned} of {points}"
    notes = f"  ({printable('; '.join(record.notes), 160)})" if record.notes else ""
    return printable(f"{record.student}  {fared}  {record.seconds:.1f} s{notes}", 400)


def _written(run: Run, homework: Homework, records: dict[str, Record]) -> list[Grade]:
    path = run.folder / "manual.csv"
    marks = merged(read_marks(path), records.values(), run.seed)
    save_marks(marks, path)
    save_course(Course(run.homework, run.checks, list(run.roster), sorted(records)), run.folder)
    grades = save_outcome(run.roster, records, marks, homework, run.folder)
    save_reading(grades, homework, run.seed, run.folder)
    return grades


def _report_unknown(run: Run, unknown: Sequence[tuple[Found, str]]) -> None:
    rows = [["file", "why"], *([printable(found.label, 300), why] for found, why in unknown)]
    write(run.folder / "unknown.csv", csv_text(rows))
    for found, why in unknown:
        run.say(f"not graded: {printable(found.label, 200)} {why}")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one run.

    Raises
    ------
    BusyError
        If another run holds it.
    """
    import fcntl

    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(f"another run is grading into {folder}") from None
        yield
