"""What grading costs, and that a large course loses nobody; part of `make bench`.

First right submissions, one at a time and two at a time: seconds for each, and what the second one brings. Then a
course of 200 with a tenth of hostile ones among them: every line of the roster must get what its code deserves. Exits
with status 1 if one does not.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("homework")))

import hostile
from submitted import grade, hand_in, right, why_no_sandbox

HOSTILE = (
    *(
        "endless_cell",
        "endless_answer",
        "os_exit_cell",
        "os_exit_answer",
        "segfault_cell",
        "segfault_answer",
        "fork_bomb",
    ),
    *("a_gigabyte_of_output", "fills_the_disk", "much_memory", "kills_everybody", "closes_its_pipes", "huge_answer"),
    *("deep_answer", "patches_torch", "forges_a_message", "writes_rubbish", "leaves_a_process", "empty", "truncated"),
)
LIMITS = ("--cell-seconds", "4", "--seconds", "100", "--memory", "1200")


def timed(submissions, jobs):
    """Return the seconds that a course takes, and the grader's outcome."""
    with tempfile.TemporaryDirectory() as folder:
        places = hand_in(Path(folder), submissions)
        started = time.perf_counter()
        outcome = grade(*places, Path(folder) / "out", *LIMITS, "-j", str(jobs), patience=None)
        return time.perf_counter() - started, outcome.status, outcome.rows


def speed(count):
    """Time right submissions with one job and with two."""
    submissions = {f"student{n}": right(f"student{n}") for n in range(count)}
    alone, together = (timed(submissions, jobs)[0] for jobs in (1, 2))
    print(f"{alone / count:.2f} s for a submission with -j 1, {together / count:.2f} s with -j 2")
    print(f"-j 2 is {alone / together:.2f} times as fast", flush=True)


def course(count):
    """Grade a course with a tenth of hostile submissions; return how many did not get what they deserve."""
    attacks = hostile.submissions({"@PORT@": "1", "@OUTPUT@": "/", "@TESTS@": "/"})
    submissions = {}
    for n in range(count):
        attack = HOSTILE[n // 10 % len(HOSTILE)]
        submissions[f"student{n}"] = right(f"student{n}")
        if n % 10 == 5:
            text = attacks[attack]
            submissions[f"student{n}"] = (
                text if isinstance(text, bytes) else text.replace(repr(attack), repr(f"student{n}"))
            )
    seconds, status, rows = timed(submissions, 2)
    wrong = [] if status == 0 else ["the grader itself"]
    for n in range(count):
        attack = HOSTILE[n // 10 % len(HOSTILE)] if n % 10 == 5 else "right"
        deserved = "" if attack in hostile.SPOILT else str(sum(hostile.CELLS[attack][1]))
        row = rows.get(f"student{n}", {"automatic": "lost", "reason": ""})
        if row["automatic"] != deserved:
            wrong.append(f"student{n} ({attack}): {row['automatic'] or row['reason']} instead of {deserved}")
    print(
        f"{count} submissions, a tenth of them hostile: {seconds:.0f} s with -j 2, {len(wrong)} wrong",
        *wrong,
        sep="\n  ",
    )
    return len(wrong)


def main():
    """Print the figures; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--right", type=int, default=24, help="how many right submissions (default: 24)")
    parser.add_argument("--course", type=int, default=200, help="how many in the course (default: 200)")
    options = parser.parse_args()
    if why := why_no_sandbox():
        print(f"no homework was graded: {why}")
        return 0
    speed(options.right)
    return 1 if options.course and course(options.course) else 0


if __name__ == "__main__":
    sys.exit(main())
