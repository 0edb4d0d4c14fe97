"""The teacher's report and the table: the class's misconceptions, counted, and safe to open."""

import csv
import re
from io import StringIO

from kd_solutions.support.language import use_language
from kd_study.classroom.marks import mark_class
from kd_study.classroom.report import report_page, status_line, summarise
from kd_study.classroom.table import csv_table
from tests.classroom.made import FOUL, report, submission

PAGES = {"en": "report.html", "zh": "report.zh.html"}


def a_class(count: int = 15):
    swapped = [
        submission(f"s{n:02d}.py", report("kd_loss", mistake="swaps_the_weights")) for n in range(count)
    ]
    return mark_class(
        [
            *swapped,
            submission(
                "ann.py", report("kd_loss", mistake="forgets_the_square"), report("soft_targets", "passed")
            ),
            submission("ben.py", report("kd_loss"), report("soft_targets", "todo"), language="zh"),
            submission("eve.py", problems=[("line 1 is no Python", ["kd_loss"])], reaches=True),
            submission("joe.py"),
        ]
    )


def shown_in(language, marks):
    return report_page(marks, language, {one.student: f"feedback/{one.student}.html" for one in marks}, PAGES)


def test_misconceptions_are_counted_the_commonest_first_with_what_to_say():
    for language, words in {
        "en": [
            "19 students",
            "Begin with",
            "alpha and 1 − alpha are swapped",
            "and 3 more",
            "No known mistake",
        ],
        "zh": ["19名学生", "最常见的误区", "alpha与1 − alpha互换了", "等15人", "不属于已知的误区"],
    }.items():
        shown = shown_in(language, a_class())
        for word in words:
            assert word in shown, word
    section = shown.partition('id="kd_loss"')[2]
    assert section.index("互换了") < section.index("T²") < section.index("不属于")
    assert f'href="{PAGES["en"]}"' in shown and "<strong>中文</strong>" in shown


def test_the_picture_says_in_words_what_it_shows():
    shown = shown_in("en", a_class())
    told = re.search(r'<desc id="picture-text">(.*?)</desc>', shown)[1]
    assert told == "soft_targets: solved 1, to do 1; kd_loss: failed 17, not graded 1"
    assert 'role="img" aria-labelledby="picture-title picture-text"' in shown
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="20"', shown)]
    assert max(widths) < 900 and len(widths) == 4


def test_students_are_listed_with_what_is_to_be_looked_at():
    shown = shown_in("en", a_class(2))
    assert '<a href="feedback/ann.html">ann</a>' in shown
    assert "eve.py: line 1 is no Python; not graded: kd_loss" in shown
    assert "looks at the grader itself" in shown and "joe.py: no solution" in shown


def test_an_empty_class_has_a_report_all_the_same():
    assert "<svg" not in shown_in("en", mark_class([submission("ann.py")]))


def test_the_table_opens_in_a_spreadsheet_and_calculates_nothing():
    marks = mark_class(
        [
            submission("=HYPERLINK(1)/1.py", report("kd_loss", mistake="swaps_the_weights")),
            submission("李雷.py", report("soft_targets", "passed"), problems=[("a\nb", [])]),
        ]
    )
    content = csv_table(marks)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == [
        "student",
        "solved",
        "soft_targets",
        "soft_targets mistake",
        "kd_loss",
        "kd_loss mistake",
        "remarks",
    ]
    assert rows[1] == ["'=HYPERLINK(1)", "0", "", "", "failed", "swaps_the_weights", ""]
    assert rows[2] == ["李雷", "1", "solved", "", "", "", "李雷.py: a b"]
    use_language("zh")
    assert csv_table(marks).decode("utf-8-sig").startswith("学生,通过,soft_targets,soft_targets 误区")


def test_a_foul_name_is_text_in_the_report_too():
    marks = mark_class(
        [submission(f"{FOUL.replace('/', '')}/1.py", report("kd_loss"), problems=[(FOUL, [])])]
    )
    assert not re.search(r"<(script|img)", shown_in("en", marks))


def test_one_line_counts_the_class():
    assert status_line(a_class(2)).startswith(
        "6 students, 1 of 6 answers solved; most often: swaps_the_weights"
    )
    assert status_line(mark_class([submission("ann.py")])) == "1 student, 0 of 0 answers solved"
    assert len(summarise(a_class(1))) == 2
