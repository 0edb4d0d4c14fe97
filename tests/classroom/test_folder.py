"""Marks go into a new folder, whole, and what was there stays."""

import pytest

from kd_solutions.support.errors import StudyError
from kd_study.classroom.folder import MarksFolder, beside
from kd_study.classroom.marks import mark_class
from tests.classroom.made import report, submission


@pytest.fixture
def given(tmp_path):
    (tmp_path / "class").mkdir()
    return tmp_path / "class"


def test_it_holds_the_table_both_reports_and_a_page_a_student(given, tmp_path):
    names = ["ann", "Ann", "a/b.py", "李雷", "..", "x" * 300]
    out = MarksFolder(tmp_path / "new" / "marks", given)
    out.write(mark_class(submission(f"{name}/1.py", report("kd_loss")) for name in names))
    files = {str(path.relative_to(out.path)) for path in out.path.rglob("*.*") if path.is_file()}
    assert files >= {
        "marks.csv",
        "report.html",
        "report.zh.html",
        "feedback/李雷.html",
        "feedback/student.html",
    }
    assert {"feedback/ann.html", "feedback/Ann-2.html"} <= files or {
        "feedback/Ann.html",
        "feedback/ann-2.html",
    } <= files
    assert all(len(name) < 100 for name in files)
    assert "report.html" in str(out) and str(out.path) in str(out)


def test_an_old_one_is_never_overwritten(given, tmp_path):
    out = beside(given)
    assert out == tmp_path / "class-marks"
    MarksFolder(out, given)
    MarksFolder(out, given)  # an empty one, as an interrupted run leaves it
    (out / "marks.csv").write_text("old")
    with pytest.raises(StudyError, match="never overwritten: move it away.*--out"):
        MarksFolder(out, given)
    assert (out / "marks.csv").read_text() == "old"


def test_the_class_is_only_read(given):
    with pytest.raises(StudyError, match="only read"):
        MarksFolder(given / "marks", given)
    assert list(given.iterdir()) == []


def test_a_place_that_is_none_is_one_sentence(given, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="--out"):
        MarksFolder(tmp_path / "file" / "marks", given)


def test_while_the_class_works_only_what_changed_is_written_anew(given, tmp_path):
    out = MarksFolder(tmp_path / "marks", given)
    out.write(mark_class([submission("ann.py", report("kd_loss")), submission("ben.py", report("kd_loss"))]))
    ann, ben = out.path / "feedback/ann.html", out.path / "feedback/ben.html"
    before = ann.stat().st_ino, ben.stat().st_ino
    out.write(
        mark_class(
            [submission("ann.py", report("kd_loss", "passed")), submission("ben.py", report("kd_loss"))]
        )
    )
    assert ann.stat().st_ino != before[0] and ben.stat().st_ino == before[1]
    out.write(mark_class([submission("ann.py", report("kd_loss", "passed"))]))
    assert ann.exists() and not ben.exists()
