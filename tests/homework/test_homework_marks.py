"""Marks that a person gave are never lost, grades that are missing are blank, and exports hold what is graded."""

import csv
import io
import json

import pytest
import tiny

from gradlab.homework.checks.judging import Outcome
from gradlab.homework.grades.course import Course, renewed, save_course
from gradlab.homework.grades.export import ExportError, export
from gradlab.homework.grades.feedback import feedback_page, reading_page
from gradlab.homework.grades.gradebook import grade_of, save_grades
from gradlab.homework.grades.marks import CHANGED, Marks, MarksError, merged, read_marks, save_marks
from gradlab.homework.grades.records import Part, Record, load, record_path, save
from gradlab.homework.roster import Student
from gradlab.homework.texts import file_name, harmless

SEED = "0123456789abcdef"
HIDDEN = Outcome("doubles many", 2, 0, True, "tried-secret", "got-secret", "expected-secret", "raised-secret")
SEEN = Outcome("doubles three", 1, 0, False, "<b>tried</b>", "got", "expected")


def record(student, written="Because.", reason=""):
    parts = [Part("q1", "Twice", [SEEN, HIDDEN]), Part("q4", "In words", [], 3, written)]
    return Record(student, "key", f"{student}.ipynb", [] if reason else parts, reason)


def marked(tmp_path, **marks):
    """Write `manual.csv` for ann and bob with these marks; return where it is."""
    path = tmp_path / "manual.csv"
    save_marks(merged(read_marks(path), [record("ann"), record("bob")], SEED), path)
    found = read_marks(path)
    for row in found.rows:
        row["marks"] = marks.get(row["student"], "")
    save_marks(found, path)
    return path


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_written_answers_get_a_line_each_and_again_none(tmp_path):
    path = marked(tmp_path)
    before = path.read_bytes()
    save_marks(merged(read_marks(path), [record("ann"), record("bob")], SEED), path)
    assert path.read_bytes() == before
    assert [(row["student"], row["question"], row["marks"]) for row in read_marks(path).rows] == [
        ("ann", "q4", ""),
        ("bob", "q4", ""),
    ]


def test_marks_comments_order_and_foreign_columns_stay(tmp_path):
    path = tmp_path / "manual.csv"
    path.write_bytes("\ufeffquestion;student;marks;mine;comment\r\nq4;BOB;2,5;x;Gut ä\r\nq4;gone;1;;\r\n".encode())
    found = merged(read_marks(path), [record("ann"), record("bob")], SEED)
    save_marks(found, path)
    kept = read_marks(path)
    assert kept.separator == ";"
    assert [(row["student"], row["marks"], row["mine"], row["comment"]) for row in kept.rows] == [
        ("BOB", "2,5", "x", "Gut ä"),
        ("gone", "1", "", ""),
        ("ann", "", "", ""),
    ]
    assert grade_of(Student("bob"), record("bob"), kept.by_key()).total == 2.5


def test_id_that_a_spreadsheet_took_for_a_number_keeps_its_mark(tmp_path):
    path = tmp_path / "manual.csv"
    save_marks(merged(Marks(), [record("007")], SEED), path)
    path.write_text(path.read_text().replace("\n007,q4", "\n7,q4").replace(",,3,", ",3,3,"))
    found = merged(read_marks(path), [record("007")], SEED)
    assert len(found.rows) == 1
    assert grade_of(Student("007"), record("007"), found.by_key()).total == 3


def test_answer_that_changed_after_it_was_marked_says_so_until_a_person_says_otherwise(tmp_path):
    path = marked(tmp_path, ann="3")
    for _ in range(2):
        save_marks(merged(read_marks(path), [record("ann", "Other."), record("bob", "Other.")], SEED), path)
        ann, bob = read_marks(path).rows
        assert (ann["marks"], CHANGED in ann["note"], CHANGED in bob["note"]) == ("3", True, False)
        grade = grade_of(Student("ann"), record("ann", "Other."), read_marks(path).by_key())
        assert (grade.status, grade.total) == ("needs manual", None)
    found = read_marks(path)
    found.rows[0]["note"] = ""
    save_marks(found, path)
    again = merged(read_marks(path), [record("ann", "Other.")], SEED)
    assert grade_of(Student("ann"), record("ann", "Other."), again.by_key()).status == "graded"


@pytest.mark.parametrize("mark", ["", "good", "4", "-1", "nan", "1e9"])
def test_mark_that_is_none_leaves_the_grade_open(tmp_path, mark):
    grade = grade_of(Student("ann"), record("ann"), read_marks(marked(tmp_path, ann=mark)).by_key())
    assert (grade.status, grade.total, grade.questions["q4"]) == ("needs manual", None, None)
    assert "q4" in grade.reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "no column 'student'"),
        ("student,question,marks\nann,q4,1\nANN,Q4,2\n", "line 3: ann q4 is marked in line 2"),
        ("student,question,marks\nann,q4,\0\n", "zero byte"),
    ],
)
def test_marks_that_cannot_be_read_are_refused_and_left_alone(tmp_path, text, said):
    path = tmp_path / "manual.csv"
    path.write_text(text)
    with pytest.raises(MarksError, match=said):
        read_marks(path)
    assert path.read_text() == text


def test_missing_grade_is_blank_and_never_zero(tmp_path):
    students = [Student("ann"), Student("bob"), Student("eve"), Student("dan")]
    records = {"ann": record("ann"), "bob": record("bob"), "eve": record("eve", reason="no notebook")}
    marks = read_marks(marked(tmp_path, ann="0")).by_key()
    grades = [grade_of(student, records.get(student.id), marks) for student in students]
    save_grades(grades, tiny.homework, tmp_path / "grades.csv")
    found = {row["student"]: (row["status"], row["total"]) for row in rows((tmp_path / "grades.csv").read_text())}
    assert found == {
        "ann": ("graded", "0"),
        "bob": ("needs manual", ""),
        "eve": ("could not be graded", ""),
        "dan": ("not submitted", ""),
    }


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "＝1"])
def test_text_is_no_formula_in_any_table(tmp_path, text):
    assert harmless(text).startswith(f"'{text[0]}")
    student = Student(text, text, text)
    save_grades([grade_of(student, record(text), {})], tiny.homework, tmp_path / "grades.csv")
    cells = next(csv.reader(io.StringIO((tmp_path / "grades.csv").read_text().split("\n", 1)[1])))
    assert not any(cell.startswith(text[0]) for cell in cells)
    save_marks(merged(Marks(), [record(text)], SEED), tmp_path / "manual.csv")
    assert read_marks(tmp_path / "manual.csv").rows[0]["student"] == text.strip() or text.startswith("\t")


def test_feedback_tells_nothing_of_hidden_numbers_and_escapes_the_rest():
    page = feedback_page(grade_of(Student("ann", "<i>Ann"), record("ann", "</pre><script>"), {}), tiny.homework)
    assert "secret" not in page
    assert "&lt;b&gt;tried&lt;/b&gt;" in page
    assert "&lt;i&gt;Ann" in page
    assert "<script" not in page
    assert "://" not in page
    assert 'lang="en"' in page


def test_reading_page_has_codes_instead_of_names():
    grades = [
        grade_of(Student(id, "Name of " + id), record(id, f"Text {n}"), {}) for n, id in enumerate(("ann", "bob"))
    ]
    page = reading_page(grades, tiny.homework, "q4", SEED)
    assert "Text 0" in page
    assert "ann" not in page
    assert "Name of" not in page
    codes = [row["code"] for row in merged(Marks(), [record("ann"), record("bob")], SEED).rows]
    assert all(code in page for code in codes)


@pytest.fixture
def folder(tmp_path):
    roster = [
        Student("ann", "Ann Lee", "ann@uni.edu", moodle="Participant 1"),
        Student("bob", "Bob Ng"),
        Student("eve"),
    ]
    for id in ("ann", "bob"):
        save(record(id), record_path(tmp_path, id))
    marked(tmp_path, ann="2.5")
    (tmp_path / "checks.py").write_text("from tiny import homework\n")
    save_course(Course("hw90", tmp_path / "checks.py", roster, ["ann", "bob"]), tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("form", "column", "value"), [("moodle", "Grade", "2.5"), ("nbgrader", "score", "2.5"), ("csv", "total", "2.5")]
)
def test_export_holds_the_marks_as_they_are_now(folder, form, column, value):
    homework, grades = renewed(folder)
    done = export(grades, homework, form, folder / "out.csv")
    found = rows((folder / "out.csv").read_text())
    assert found[0][column] == value
    assert done.count == 1
    assert [line.split(":")[0] for line in done.left_out] == ["bob", "eve"]
    assert [row[column] for row in found[1:]] == (["", ""] if form == "csv" else [])


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,hw89 (1),hw90: Tiny (2),Final Score
    Points Possible,,,,,10,10,
"Lee, Ann",11,S1,ANN,A,7,,55
"Ng, Bob",12,S2,bob,A,7,4,55
"Student, Test",13,,,A,,,
"""


def test_canvas_gets_its_own_gradebook_back_with_one_column_filled(folder):
    gradebook = folder / "canvas.csv"
    gradebook.write_text("\ufeff" + CANVAS)
    homework, grades = renewed(folder)
    export(grades, homework, "canvas", folder / "out.csv", gradebook=gradebook)
    found = rows((folder / "out.csv").read_text())
    assert list(found[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw90: Tiny (2)"]
    assert [row["hw90: Tiny (2)"] for row in found] == ["10", "2.5", "4", ""]
    assert found[0]["Student"].strip() == "Points Possible"


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        (None, "", "needs --gradebook"),
        ("a,b\n", "", "not what Canvas exports"),
        (CANVAS.replace("hw90", "x"), "", "no column names 'hw90'"),
        (CANVAS.replace("hw89", "hw90: Other"), "", "2 columns name 'hw90'"),
        (CANVAS, "hw77", "no column names 'hw77'"),
    ],
)
def test_wrong_gradebook_is_refused(folder, text, column, said):
    gradebook = folder / "canvas.csv"
    gradebook.write_text(text or "")
    homework, grades = renewed(folder)
    with pytest.raises(ExportError, match=said):
        export(
            grades, homework, "canvas", folder / "o.csv", gradebook=None if text is None else gradebook, column=column
        )


def test_gradescope_gets_results_without_hidden_numbers(folder):
    homework, grades = renewed(folder)
    export(grades, homework, "gradescope", folder / "out")
    text = (folder / "out" / "ann" / "results.json").read_text()
    results = json.loads(text)
    assert "secret" not in text
    assert results["score"] == 2.5 == sum(test["score"] for test in results["tests"])
    assert [test["visibility"] for test in results["tests"]] == ["visible", "after_published", "visible"]
    assert not (folder / "out" / "bob").exists()


@pytest.mark.parametrize("id", ["../../x", "a/b", "", ".", "..", "con", "A", "a", "é", "x" * 300, "a\0b", "a\nb"])
def test_no_id_leads_out_of_the_folder(tmp_path, id):
    path = record_path(tmp_path, id)
    save(record(id), path)
    assert path.parent == tmp_path / "results"
    assert load(path) == record(id)


def test_no_two_ids_share_a_file():
    ids = ["a", "A", "a/b", "a_b", "a\\b", "á", "a.", "a ", "x" * 300, "x" * 301]
    assert len({file_name(id).casefold() for id in ids}) == len(ids)


def test_record_that_was_cut_is_none(tmp_path):
    path = record_path(tmp_path, "ann")
    save(record("ann"), path)
    path.write_text(path.read_text()[:100])
    assert load(path) is None
