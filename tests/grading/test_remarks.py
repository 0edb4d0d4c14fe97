"""What is found beside the checks: a remark on an answer that passes, what a failing one printed."""

import pytest
import torch
import torch.nn.functional as F

from kd_solutions.support.language import use_language
from kd_study import grade
from kd_study.exercises.catalog import exercise
from kd_study.grading.guard import PRINTED_LINES
from kd_study.notebook.views import report_html
from tests.small_models import loop


def in_a_loop(student_logits, teacher_logits, temperature=1.0):
    rows = [
        F.kl_div(
            (s / temperature).log_softmax(0),
            (t / temperature).log_softmax(0),
            reduction="sum",
            log_target=True,
        )
        for s, t in zip(student_logits, teacher_logits.detach(), strict=True)
    ]
    return temperature**2 * sum(rows) / len(rows)


def twice(student_logits, teacher_logits, temperature=1.0):
    teacher_logits = teacher_logits.detach() / temperature
    log_q = (student_logits / temperature).log_softmax(-1)
    p = teacher_logits.log_softmax(-1).exp()
    return temperature**2 * (p * (teacher_logits.log_softmax(-1) - log_q)).sum(-1).mean()


def twice_in_a_loop(student_logits, teacher_logits, temperature=1.0):
    rows = zip(student_logits.split(1), teacher_logits.split(1), strict=True)
    return sum(twice(s, t, temperature) for s, t in rows) / len(student_logits)


def asks_twice(teacher, data):
    with torch.no_grad():
        teacher(data)
        return teacher(data)


REMARKS = [
    (in_a_loop, "distillation_kl", "a Python loop goes over the rows", "逐行计算"),
    (twice_in_a_loop, "distillation_kl", "a Python loop goes over the rows", "逐行计算"),
    (
        twice,
        "distillation_kl",
        "log_softmax is computed 2 times of the same values",
        "log_softmax对同样的数值算了2次",
    ),
    (
        loop(lambda teacher, data: teacher(data).detach()),
        "train_student_model",
        "builds a graph",
        "先建了计算图",
    ),
    (loop(asks_twice), "train_student_model", "asked 6 times about 3 batches", "3批数据问了教师6次"),
]


@pytest.mark.parametrize(("function", "name", "en", "zh"), REMARKS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_right_answer_that_wastes_work_passes_with_one_remark(function, name, en, zh, language):
    use_language(language)
    report = grade(function, name)
    assert report.status == "passed" and all(result.passed for result in report.results), report
    assert (en if language == "en" else zh) in report.remark and "\n" not in report.remark
    intro = "A remark:" if language == "en" else "附注："
    for shown in (str(report), report_html(report, "")):
        assert shown.count(intro) == 1 and shown.count(en if language == "en" else zh) == 1


def test_an_answer_without_waste_has_no_remark():
    for name in ("distillation_kl", "train_student_model", "layer_map"):
        report = grade(exercise(name).reference, name)
        assert report.status == "passed" and report.remark == "", report


def test_a_failing_answer_has_no_remark():
    report = grade(lambda s, t, temperature=1.0: 2 * in_a_loop(s, t, temperature), "distillation_kl")
    assert report.status == "failed" and report.remark == ""


def test_where_looking_for_a_remark_fails_the_answer_passes_without_one(monkeypatch):
    task = exercise("distillation_kl")

    def broken(function):
        raise RuntimeError

    monkeypatch.setattr(task, "remark", broken)
    report = grade(twice, "distillation_kl")
    assert report.status == "passed" and report.remark == ""


def test_what_a_failing_answer_printed_is_shown_with_its_report():
    def soft_targets(logits, temperature=1.0):
        print("<the logits>", logits.shape)
        return logits

    report = grade(soft_targets)
    assert report.printed.startswith("<the logits> torch.Size([1, 2])")
    assert "Your function printed:\n<the logits> torch.Size" in str(report)
    assert "<pre>&lt;the logits&gt; torch.Size" in report_html(report, "")
    use_language("zh")
    assert "你的函数打印了：" in str(report) and "你的函数打印了：" in report_html(report, "")


def test_of_a_long_output_the_first_lines_of_the_first_failed_check_are_kept():
    calls = []

    def soft_targets(logits, temperature=1.0):
        calls.append(1)
        print(*[f"call {len(calls)}, line {line}" for line in range(100)], sep="\n")
        return logits.softmax(-1) if len(calls) == 1 else logits

    lines = grade(soft_targets).printed.splitlines()
    assert len(lines) == PRINTED_LINES + 1 and lines[-1] == "…"
    assert lines[0] == "call 1, line 0" and lines[-2] == f"call 1, line {PRINTED_LINES - 1}"


def test_what_a_passing_answer_prints_is_not_shown():
    def soft_targets(logits, temperature=1.0):
        print("logits", logits)
        if temperature <= 0:
            raise ValueError
        return torch.softmax(logits / temperature, -1)

    report = grade(soft_targets)
    assert report.status == "passed" and report.printed == ""
