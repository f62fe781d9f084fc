"""The grader as an instructor runs it: it goes on where it was stopped, and says what is wrong."""

import csv
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

import psutil
import pytest
from hostile import SHRINK, TOTAL
from submitted import AS_ROOT, TINY, command, grade, hand_in, needs_sandbox, notebook, right

from gradlab.homework.grading import seeds
from gradlab.homework.grading.batch import BusyError, locked
from gradlab.homework.sandbox import place as sandbox
from gradlab.homework.sandbox.place import Place, SandboxError

pytestmark = pytest.mark.xdist_group("grading")
PLAIN = ["--no-sandbox"]
BROKEN = notebook("1 / 0", SHRINK, TOTAL, "double = 3", student="bob")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in (folder / "results").iterdir()}


def running(words):
    """Return the processes whose command lines hold `words`."""
    return [one.pid for one in psutil.process_iter(["cmdline"]) if words in " ".join(one.info["cmdline"] or [])]


@needs_sandbox
def test_run_that_was_killed_goes_on_and_a_second_one_changes_nothing(tmp_path):
    texts = {id: right(id) for id in ("ann", "cat")} | {"bob": BROKEN, "fay": None}
    places = hand_in(tmp_path, texts)
    started = subprocess.Popen(command(*places, tmp_path / "out", *AS_ROOT), stdout=subprocess.DEVNULL)
    results = tmp_path / "out" / "hw90" / "results"
    while not list(results.glob("*.json")):
        assert started.poll() is None
        time.sleep(0.05)
    started.kill()
    started.wait()
    time.sleep(1.0)  # until the grading process has noticed
    kept = times(results.parent)
    assert 1 <= len(kept) < 3
    first = grade(*places, tmp_path / "out")
    assert f"{3 - len(kept)} to grade" in first.said
    assert kept.items() <= times(first.folder).items()
    before = contents(first.folder)
    second = grade(*places, tmp_path / "out")
    assert "0 to grade" in second.said
    assert contents(second.folder) == before
    assert [first.rows[id]["automatic"] for id in texts] == ["7", "7", "4", ""]


@needs_sandbox
def test_only_what_changed_is_graded_again_and_marks_stay(tmp_path):
    submissions, roster = hand_in(tmp_path, {"ann": right("ann"), "bob": BROKEN})
    first = grade(submissions, roster, tmp_path / "out")
    path = first.folder / "manual.csv"
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(marks="2", comment="Good.")
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (submissions / "bob.ipynb").write_text(right("bob").replace("it is so", "I changed it"))
    before = times(first.folder)
    second = grade(submissions, roster, tmp_path / "out")
    after = times(second.folder)
    assert after["ann.json"] == before["ann.json"]
    assert (second.rows["ann"]["status"], second.rows["ann"]["total"]) == ("graded", "9")
    assert second.rows["bob"]["status"] == "needs manual"
    assert second.rows["bob"]["automatic"] == "7"
    assert "changed after it was marked" in second.rows["bob"]["reason"]
    assert path.read_text().count(",2,3,Good.,") == 2
    assert "Good." in (second.folder / "feedback" / "ann.html").read_text()


@needs_sandbox
def test_student_is_taken_from_the_file_and_a_wrong_name_inside_is_told(tmp_path):
    copied = {"ann": right("ann"), "bob": right("ann"), "cat": right("your id")}
    outcome = grade(*hand_in(tmp_path, copied), tmp_path / "out")
    assert [outcome.rows[id]["q3"] for id in copied] == ["2", "0", "0"]
    assert outcome.rows["ann"]["notes"] == ""
    assert "STUDENT is 'ann', which is not the id of this file's owner" in outcome.rows["bob"]["notes"]
    assert "STUDENT was left as it was" in outcome.rows["cat"]["notes"]


@needs_sandbox
def test_code_that_goes_too_far_is_given_up_with_the_reason_and_no_zero(tmp_path):
    hook = "get_ipython().events.register('pre_run_cell', lambda *a: __import__('time').sleep(99))"
    texts = {
        "ann": notebook(*["import os\nos._exit(1)"] * 6, SHRINK),
        "bob": notebook(hook, *[SHRINK] * 20),
        "cat": right("cat"),
    }
    outcome = grade(*hand_in(tmp_path, texts), tmp_path / "out", "--cell-seconds", "3", "--seconds", "12", "-j", "2")
    assert [outcome.rows[id]["automatic"] for id in texts] == ["", "", "7"]
    assert outcome.rows["ann"]["reason"].startswith("more than 5 of its cells end Python")
    assert outcome.rows["bob"]["reason"] == "it took longer than 12 seconds in all"


@needs_sandbox
def test_unknown_and_second_files_are_told(tmp_path):
    submissions, roster = hand_in(tmp_path, {"ann": right("ann"), "bob": None})
    shutil.copy(submissions / "ann.ipynb", submissions / "ann-1.ipynb")
    os.utime(submissions / "ann-1.ipynb", (1e9, 1e9))
    (submissions / "stranger.ipynb").write_text(right())
    (submissions / "bob.pdf").write_bytes(b"%PDF")
    outcome = grade(submissions, roster, tmp_path / "out")
    assert "2 notebooks: took ann.ipynb" in outcome.rows["ann"]["notes"]
    assert "left ann-1.ipynb" in outcome.rows["ann"]["notes"]
    assert outcome.rows["bob"]["reason"] == "no notebook, but bob.pdf"
    assert "not graded: stranger.ipynb belongs to nobody on the roster" in outcome.said
    assert "stranger.ipynb" in (outcome.folder / "unknown.csv").read_text()


def test_without_a_sandbox_crashes_and_loops_are_survived_all_the_same(tmp_path):
    texts = {
        "ann": right("ann"),
        "bob": notebook("import os\ndef double(x): os._exit(1)", SHRINK, TOTAL, student="bob"),
        "cat": notebook("while True: pass", "def double(x): return 2 * x", SHRINK, TOTAL, student="cat"),
        "dan": notebook("import os\nos.kill(os.getppid(), 9)", SHRINK, student="dan"),
        "eve": notebook(
            "import subprocess as s\ns.Popen(['sleep', '987'], start_new_session=True)", TOTAL, student="eve"
        ),
        "fay": right("fay"),
    }
    outcome = grade(*hand_in(tmp_path, texts), tmp_path / "out", *PLAIN, "--cell-seconds", "2", "-j", "2")
    assert outcome.status == 0, outcome.said
    assert "no sandbox: student code can read and change what you can" in outcome.said
    assert [outcome.rows[id]["automatic"] for id in texts if id != "dan"] == ["7", "4", "7", "2", "7"]
    killed = "the grading process ended with -9" in outcome.rows["dan"]["reason"]
    assert killed or outcome.rows["dan"]["automatic"] == "2"  # it may not, where root's children are somebody else
    assert not running("sleep 987")


@pytest.mark.skipif(os.geteuid() != 0, reason="asks what root is told")
def test_root_is_refused_without_the_flag_that_names_the_risk(tmp_path):
    outcome = grade(*hand_in(tmp_path, {"ann": right()}), tmp_path / "out", as_root=[])
    assert outcome.status == 2
    assert "you are root" in outcome.said
    assert "--as-root-at-my-own-risk" in outcome.said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "bubblewrap is not installed: `sudo apt-get install bubblewrap`"),
        (
            "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "kernel.unprivileged_userns_clone=1"),
        ("echo 'bwrap: Creating new namespace failed: Operation not permitted' >&2; exit 1", "seccomp=unconfined"),
        ("echo 'bwrap: Unknown option --perms' >&2; exit 1", "bubblewrap 0.8"),
        ("exit 7", "it ended with status 7"),
    ],
)
def test_missing_or_blocked_sandbox_is_told_with_what_mends_it(tmp_path, monkeypatch, script, said):
    if script is not None:
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if script else str(tmp_path))
    with pytest.raises(SandboxError, match=r".*") as error:
        sandbox.require_sandbox(Place())
    assert said in str(error.value)


def test_grader_does_not_go_on_without_a_sandbox_of_its_own_accord(tmp_path):
    places = hand_in(tmp_path, {"ann": right()})
    environment = os.environ | {"PATH": str(tmp_path)}
    asked = command(*places, tmp_path / "out", *AS_ROOT)
    outcome = subprocess.run(asked, capture_output=True, text=True, env=environment)
    assert outcome.returncode == 2
    assert "--no-sandbox" in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_seed_is_made_for_the_owner_alone_and_kept(tmp_path):
    path = tmp_path / "a" / "course.seed"
    seed, said = seeds.seed_in(path)
    assert len(bytes.fromhex(seed)) >= 16
    assert "made" in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert seeds.seed_in(path) == (seed, "")
    path.chmod(0o644)
    assert "chmod 600" in seeds.seed_in(path)[1]


@pytest.mark.parametrize("text", [b"", b"short\n", b"two words of some length\n", b"\xff" * 20])
def test_file_that_holds_no_seed_is_refused(tmp_path, text):
    path = tmp_path / "course.seed"
    path.write_bytes(text)
    with pytest.raises(ValueError, match=r"course\.seed"):
        seeds.seed_in(path)
    assert path.read_bytes() == text


def test_two_runs_do_not_write_into_one_folder(tmp_path):
    with locked(tmp_path), pytest.raises(BusyError), locked(tmp_path):
        pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda where: (where / "roster.csv").write_text("id\nann\nann\n"), "line 3"),
        (lambda where: (where / "roster.csv").unlink(), "roster.csv"),
        (lambda where: shutil.rmtree(where / "submissions"), "neither a folder nor a zip file"),
    ],
)
def test_what_is_wrong_from_the_start_is_told_in_one_line(tmp_path, change, said):
    places = hand_in(tmp_path, {"ann": right()})
    change(tmp_path)
    outcome = grade(*places, tmp_path / "out", *PLAIN)
    assert outcome.status == 2
    assert said in outcome.said
    assert "Traceback" not in outcome.said


@needs_sandbox
def test_check_command_says_what_the_visible_checks_say(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text(right("ann"))
    asked = [sys.executable, "-m", "gradlab.homework", "check", "hw90", str(path), "--checks", str(TINY), *AS_ROOT]
    outcome = subprocess.run(asked, capture_output=True, text=True)
    assert outcome.stdout.count("✓") == 3
    assert "hidden" not in outcome.stdout


@needs_sandbox
def test_interrupt_ends_the_grader_and_what_it_started(tmp_path):
    places = hand_in(tmp_path, {"ann": notebook("import time\ntime.sleep(25)", SHRINK)})
    started = subprocess.Popen(
        command(*places, tmp_path / "out", *AS_ROOT),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    while not list(tmp_path.rglob(".lock")):
        time.sleep(0.1)
    time.sleep(4.0)
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=20)
    assert started.returncode == 130
    assert "the same command goes on" in said
    time.sleep(0.5)
    assert not running(str(tmp_path))
