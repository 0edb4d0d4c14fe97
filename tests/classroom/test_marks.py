"""Files become students, and of several answers to an exercise the best one counts."""

from pathlib import Path

import pytest

from kd_solutions.support.language import use_language
from kd_study.classroom.marks import mark_class, spoken_in, student_of
from tests.classroom.made import report, submission


@pytest.mark.parametrize(
    ("path", "student", "language"),
    [
        ("ann.py", "ann", ""),
        ("ann/01.ipynb", "ann", ""),
        ("ann/zh/01.ipynb", "ann", "zh"),
        ("zh/李雷.ipynb", "李雷", "zh"),
        ("zh/李雷/01.ipynb", "李雷", "zh"),
        ("ann/01_soft_labels.zh.ipynb", "ann", "zh"),
        ("ann.en.py", "ann.en", "en"),
        ("zhang/benzene.py", "zhang", ""),
        ("Eva_EN/01.ipynb", "Eva_EN", "en"),
    ],
)
def test_a_path_says_whose_it_is_and_perhaps_in_which_language(path, student, language):
    assert (student_of(Path(path)), spoken_in(Path(path))) == (student, language)


def test_the_best_of_several_answers_counts_and_the_last_of_equal_ones():
    files = [
        submission("ann/1.py", report("kd_loss"), report("soft_targets", "passed"), report("csls", "todo")),
        submission("ann/2.py", report("kd_loss", "passed"), report("soft_targets"), report("agreement")),
        submission(
            "ann/3.py", report("agreement", mistake="counts_rows"), problems=[("lost", ["csls", "nonsense"])]
        ),
        submission("ben.py", report("kd_loss", "passed", calls_reference=True)),
    ]
    ann, ben = mark_class(files)
    assert {name: answer.status for name, answer in ann.answers.items()} == {
        "soft_targets": "solved",
        "kd_loss": "solved",
        "csls": "unread",
        "agreement": "failed",
    }
    assert ann.solved == 2 and ann.answers["agreement"].path == Path("ann/3.py")
    assert [wrong.name for wrong in ann.answers["agreement"].mistakes] == ["counts_rows"]
    assert ben.answers["kd_loss"].status == "borrowed" and ben.solved == 0


def test_only_mistakes_that_we_know_are_believed():
    (ann,) = mark_class([submission("ann.py", report("kd_loss", mistake="no_such_mistake"))])
    assert ann.answers["kd_loss"].mistakes == []


def test_a_students_language_is_that_of_most_files_else_the_readers():
    use_language("zh")
    files = [submission(f"ann/{n}.py", language=code) for n, code in enumerate(["zh", "en", "en"])]
    ann, ben = mark_class([*files, submission("ben.py", language="")])
    assert (ann.language, ben.language) == ("en", "zh")
