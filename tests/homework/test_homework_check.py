"""What a student sees: `check` says how each property fared and never the solution; it ends, whatever the code does."""

import signal
import threading
import time
import warnings

import pytest
import tiny
import torch

from gradlab.homework import catalog, check, numbers, student
from gradlab.homework.answers.local import LocalAnswer
from gradlab.homework.answers.timeouts import TimeUp, alarm, limited
from gradlab.homework.checks.expectations import require
from gradlab.homework.checks.judging import judge
from gradlab.homework.checks.questions import Homework, StudentError

SLOW = "took longer than 2 seconds"


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.setattr(student, "homework_of", lambda id: tiny.homework if id == "hw90" else catalog.homework_of(id))


def checked(capsys, source, question="q1"):
    namespace = {}
    exec(source, namespace)
    check("hw90", question, namespace)
    return capsys.readouterr().out


def test_right_answer_is_told_so_and_what_else_will_be_tried(capsys):
    told = checked(capsys, "def double(x): return 2 * x")
    assert "✓ doubles three numbers (1 point)" in told
    assert "1 of 1 point; 2 points more for what is tried only when it is graded." in told


def test_wrong_answer_is_told_what_was_tried_what_came_out_and_what_was_expected(capsys):
    told = checked(capsys, "def double(x): return x[:2]")
    assert "✗ not yet: doubles three numbers" in told
    assert "tried     double on 3 numbers" in told
    assert "got       a float64 tensor of shape (2,)" in told
    assert "expected  a tensor of floats of shape (3,)" in told


def test_truth_is_not_told(capsys):
    told = checked(
        capsys, "import torch\ndef double(x):\n    global seen\n    seen = x\n    return torch.zeros(3, dtype=x.dtype)"
    )
    assert "each number, twice" in told
    assert not any(character.isdigit() for character in told.partition("expected")[2].partition("\n")[0])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "`double` is not defined"),
        ("double = ...", "`double` is still `...`"),
        ("def double(x): ...", "got       None"),
        ("def double(x): raise ValueError('no')", "your code raised ValueError: no"),
        ("def double(x): exit()", "your code raised SystemExit"),
        ("def double(): return 1", "your code raised TypeError"),
        ("double = 3", "your code raised TypeError"),
        ("def double(x): return double(x)", "your code raised RecursionError"),
        ("def double(x):\n    while True: pass", f"your code {SLOW}"),
        ("def double(x):\n    while True:\n        try: x + 1\n        except Exception: pass", f"your code {SLOW}"),
        ("import time\ndef double(x): time.sleep(60)", f"your code {SLOW}"),
        ("def double(x): return [x] * 10**6", "cannot read: too many parts"),
        ("def double(x): return 2j * x", "cannot read: a tensor of complex128"),
        ("class E(Exception):\n    def __str__(self): 1 / 0\ndef double(x): raise E", "your code raised E"),
        ("class E(BaseException): pass\ndef double(x): raise E('out')", "your code raised E: out"),
    ],
)
def test_answer_that_does_not_answer_is_told_in_words(capsys, source, said):
    assert said in checked(capsys, source)


def test_call_that_failed_is_told_with_its_line(capsys):
    told = checked(capsys, "def double(x):\n    y = 2 * x\n    return y + helper(x)\n\ndef helper(x):\n    return x[9]")
    assert "your code raised IndexError" in told
    assert ", in line 6 of your cell" in told
    assert "tried     double(a float64 tensor of shape (3,): " in told


def test_loop_without_end_is_told_with_its_line_and_costs_one_time_out(capsys):
    homework = Homework("hw91", "Slow")
    question = homework.question("q1", "Slow", asks_for="f", seconds=0.2)
    for number in range(3):
        question.requires(f"{number}", points=1)(lambda answer, draw: answer(1))
    namespace = {}
    exec("def f(x):\n    while True:\n        x += 1", namespace)
    told = "\n".join(student.verdicts(question, namespace))
    assert told.count("took longer than 0.2 seconds, in line") == 1
    assert told.count("not tried: the one before it took too long") == 2


def test_line_is_left_out_if_the_error_is_not_in_a_cell(capsys):
    told = checked(capsys, "import math\ndouble = math.sqrt")
    assert "your code raised" in told
    assert "of your cell" not in told


def test_written_question_says_that_a_person_reads_it(capsys):
    assert "A person reads this answer, and gives up to 3 points." in checked(capsys, "", "q4")


def test_own_numbers_are_those_of_the_student(capsys):
    first, second = numbers("hw90", "q3", "ann"), numbers("hw90", "q3", "bob")
    assert first == numbers("hw90", "q3", " ANN ") != second
    source = f"STUDENT = 'bob'\ntotal = {second['a'] + second['b']}"
    assert "2 of 2 points" in checked(capsys, source, "q3")
    assert "0 of 2 points" in checked(capsys, source.replace("bob", "ann"), "q3")


def test_numbers_say_so_while_student_is_as_it_was(capsys):
    numbers("hw90", "q3", "your id")
    assert "nobody's numbers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: check("hw77", "q1", {}), ValueError, "no homework 'hw77'"),
        (lambda: check("../hw01", "q1", {}), ValueError, "no homework"),
        (lambda: check("hw90", "q9", {}), ValueError, "no question 'q9'; it has q1, q2, q3, q4"),
        (lambda: check("hw90", "q1", globals), TypeError, "must be globals()"),
        (lambda: numbers("hw90", "q1", "ann"), ValueError, "no numbers of one's own"),
        (lambda: numbers("hw90", "q3", 7), TypeError, "must be text, got 7"),
        (lambda: numbers("hw90", "q3", " "), ValueError, "must be your id"),
    ],
)
def test_wrong_argument_is_refused_in_words(call, error, said):
    with pytest.raises(error, match=said.replace("(", r"\(").replace(")", r"\)")):
        call()


def test_own_hand_stops_a_check(capsys):
    assert "interrupted" in checked(capsys, "def double(x): raise KeyboardInterrupt")


def test_check_leaves_the_stream_of_random_numbers_and_the_warnings_alone(capsys):
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    filters = list(warnings.filters)
    checked(
        capsys, "import torch, warnings\ndef double(x):\n    torch.rand(9)\n    warnings.warn('w')\n    return 2 * x"
    )
    assert torch.equal(torch.rand(3), wanted)
    assert warnings.filters == filters


def test_arguments_are_copies():
    kept = torch.ones(3)
    LocalAnswer({"f": lambda x: x.zero_()}, "f")(kept)
    assert kept.tolist() == [1, 1, 1]


def test_object_is_reached_by_a_handle_and_its_methods():
    class Counter:
        def __init__(self, start):
            self.count = start

        def add(self, other):
            return self.count + other.count

        def __call__(self, x):
            return x + self.count

    make = LocalAnswer({"make": Counter}, "make")
    first, second = make(1), make(5)
    assert first.method("add", second) == 6
    assert first(2) == 3
    assert "Counter" in repr(first)
    with pytest.raises(StudentError, match="AttributeError"):
        first.method("subtract")


def test_parameter_comes_back_as_the_call_left_it():
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.full((2,), 4.0)

    def step(parameters, rate):
        for one in parameters:
            one.data -= rate * one.grad
            one.grad = None

    _, (left, _) = LocalAnswer({"step": step}, "step").after([weight], 0.25)
    assert left[0].tolist() == [0, 0]
    assert left[0].grad is None
    assert weight.tolist() == [1, 1]


def test_check_that_stops_on_an_answer_counts_as_not_met_and_says_so():
    homework = Homework("hw91", "Faulty")
    question = homework.question("q1", "Faulty", asks_for="f")
    question.requires("is faulty", points=1)(
        lambda answer, draw: require(answer()["a"], tried="f", got=1, expected="a")
    )
    (outcome,) = judge(question, LocalAnswer({"f": lambda: {}}, "f"), seed="s")
    assert (outcome.earned, outcome.fault) == (0, "KeyError: 'a'")


def test_after_three_time_outs_the_rest_is_not_tried():
    homework = Homework("hw91", "Slow")
    question = homework.question("q1", "Slow", asks_for="f", seconds=0.1)
    for number in range(5):
        question.requires(f"{number}", points=1)(lambda answer, draw: answer())
    outcomes = judge(question, LocalAnswer({"f": lambda: time.sleep(9)}, "f", 0.1), seed="s")
    assert [outcome.raised[:11] for outcome in outcomes] == ["took longer"] * 3 + ["not tried: "] * 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarms on this system")
def test_alarm_leaves_handler_and_timer_as_they_were():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        handler = signal.getsignal(signal.SIGALRM)
        with pytest.raises(TimeUp), alarm(0.05):
            time.sleep(5)
        assert signal.getsignal(signal.SIGALRM) is handler
        assert rung == []
        time.sleep(0.5)
        assert rung == [1]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_time_out_works_away_from_the_main_thread():
    outcome = []

    def run():
        try:
            limited(lambda: [0 for _ in iter(int, 1)], 0.2)
        except TimeUp:
            outcome.append("time is up")

    thread = threading.Thread(target=run)
    started = time.monotonic()
    thread.start()
    thread.join()
    assert outcome == ["time is up"]
    assert time.monotonic() - started < 5
    time.sleep(0.3)
    assert threading.active_count() < 50
