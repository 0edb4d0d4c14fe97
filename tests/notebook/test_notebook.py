"""What a learner meets in a notebook: check, hint, solution, yours_or_reference, progress, widgets."""

import linecache
import os

import matplotlib
import pytest
import torch

from kd_solutions import soft_targets as reference
from kd_solutions.support import language
from kd_study import notebook
from kd_study.exercises.catalog import exercise
from kd_study.exercises.stubs import stub_source
from kd_study.grading import sandbox
from kd_study.lessons.kit.assistant import Reading
from kd_study.notebook import desk, views, widgets
from kd_study.records import store
from kd_study.records.store import Records

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def fresh_desk(tmp_path, monkeypatch):
    """A fresh home and a fresh kernel's memory, in English."""
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    monkeypatch.setattr(language, "_current", "en")
    monkeypatch.setattr(desk, "_graded", {})


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr(views, "_display", bundles.append)
    return bundles


def stub():
    def soft_targets(logits, temperature=1.0):
        raise NotImplementedError

    return soft_targets


def right():
    def soft_targets(logits, temperature=1.0):
        if temperature <= 0:
            raise ValueError("temperature must be positive")
        return torch.softmax(logits / temperature, -1)

    return soft_targets


def multiplies():
    def soft_targets(logits, temperature=1.0):
        if temperature <= 0:
            raise ValueError("temperature must be positive")
        return torch.softmax(logits * temperature, -1)

    return soft_targets


def test_check_of_a_stub_says_todo_and_records_nothing(shown):
    notebook.check(stub())
    assert shown[0]["text/plain"].startswith("soft_targets: todo\n")
    assert "todo" in shown[0]["text/html"]
    assert Records().attempts() == []


def test_check_shows_the_misconception_before_the_checks(shown):
    notebook.check(multiplies())
    html = shown[0]["text/html"]
    assert html.index("What this looks like") < html.index("<ul>")
    assert "✗" in html and "✓" in html
    (attempt,) = Records().attempts()
    assert attempt.status == "failed" and attempt.diagnosis and attempt.language == "en"


def test_check_of_a_right_answer_says_what_comes_next(shown):
    notebook.check(right())
    assert "✗" not in shown[0]["text/html"]
    assert shown[0]["text/plain"].endswith("Next: soft_cross_entropy.")  # of the same lesson
    link = '<a href="01_soft_labels.ipynb#cell-id=soft_cross_entropy-statement">'
    assert link in shown[0]["text/html"]
    assert [attempt.status for attempt in Records().attempts()] == ["passed"]


def test_check_speaks_the_language_in_use(shown):
    language.use_language("zh")
    notebook.check(multiplies())
    assert "这很像：" in shown[0]["text/html"]
    assert Records().attempts()[0].language == "zh"


def test_check_of_the_reference_is_no_attempt(shown, capsys):
    notebook.check(reference)
    assert "This is the reference soft_targets" in capsys.readouterr().out
    assert shown == [] and Records().attempts() == []


@pytest.mark.parametrize("what", ["soft_targets", None, 3, int, lambda logits: logits])
def test_check_of_anything_else_is_one_sentence(shown, capsys, what):
    notebook.check(what)
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert shown == [] and Records().attempts() == []


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("agreement",), "as in `check(agreement)`; this is of type str"),
        ((3, "kd_loss"), "as in `check(kd_loss)`; this is of type int"),
        ((lambda logits: logits, "soft_target"), '`check(fn, "soft_targets")`'),
    ],
)
def test_what_can_not_be_checked_is_told_in_terms_of_check(shown, capsys, call, said):
    notebook.check(*call)
    told = capsys.readouterr().out
    assert said in told and "grade" not in told


def test_a_renamed_function_is_asked_for_its_exercise(shown, capsys):
    def agreement_rate(student_logits, teacher_logits):
        return 1.0

    notebook.check(agreement_rate)
    told = capsys.readouterr().out
    assert "No exercise is called 'agreement_rate'" in told and '`check(agreement_rate, "agreement")`' in told


def test_a_failed_report_says_how_to_contradict_it(shown):
    notebook.check(multiplies())
    assert "python -m kd_study dispute NOTEBOOK soft_targets" in shown[0]["text/plain"]


def test_interrupted_check_records_nothing(monkeypatch):
    def interrupted(fn, name):
        raise KeyboardInterrupt

    monkeypatch.setattr(desk, "grade", interrupted)
    with pytest.raises(KeyboardInterrupt):
        notebook.check(right())
    assert Records().attempts() == []


def test_what_a_report_quotes_is_escaped(shown):
    def soft_targets(logits, temperature=1.0):
        raise RuntimeError("<script>alert(1)</script>")

    notebook.check(soft_targets)
    assert "<script>" not in shown[0]["text/html"]
    assert "&lt;script&gt;" in shown[0]["text/html"]


def test_an_error_that_every_check_runs_into_is_told_once(shown):
    def soft_targets(logits, temperature=1.0):
        return logit / temperature  # noqa: F821

    notebook.check(soft_targets)
    for kind in ("text/plain", "text/html"):
        assert shown[0][kind].count("at the line") == 1 and "the same" in shown[0][kind]


def test_checking_the_same_function_again_asks_whether_its_cell_ran(shown):
    wrong = multiplies()
    for _ in range(2):
        notebook.check(wrong)
    assert "has its cell run since?" not in shown[0]["text/plain"]
    assert "has its cell run since?" in shown[1]["text/plain"]
    assert len(Records().attempts()) == 1


def test_faulty_code_as_it_was_given_is_no_attempt(shown):
    task = exercise("repair_the_loop")
    for change in ("", "    student_model.eval()\n"):
        source = stub_source(task).replace(
            "    student_model.train()\n", f"    student_model.train()\n{change}"
        )
        name, space = f"cell{len(change)}", {}
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), space)
        notebook.check(space["repair_the_loop"])
        assert len(Records().attempts()) == bool(change)


def titles(bundle):
    return [line for line in bundle["text/markdown"].splitlines() if line.startswith(("**Hint", "**提示"))]


def test_hints_climb_and_are_remembered_with_the_earlier_ones_above(shown):
    for _ in range(2):
        notebook.hint("soft_targets")
    store._records_at.cache_clear()  # another kernel, another day
    notebook.hint(stub())
    notebook.hint("soft_targets")
    assert [len(titles(bundle)) for bundle in shown] == [1, 2, 3, 3]
    assert titles(shown[2]) == [f"**Hint {rung} of 3** for `soft_targets`" for rung in (1, 2, 3)]
    assert 'solution("soft_targets")' in shown[2]["text/markdown"]


def test_the_first_hint_after_a_failed_check_fits_the_mistake_and_the_ladder_stays(shown, monkeypatch):
    notebook.check(multiplies())
    notebook.hint("soft_targets")
    notebook.hint("soft_targets", 2)
    text = shown[1]["text/markdown"]
    assert text.startswith("**Your last answer** looks like this: ") and "divide" in text.split("\n\n")[0]
    assert titles(shown[1]) == ["**Hint 1 of 3** for `soft_targets`"]
    assert shown[2]["text/markdown"].startswith("**Hint 2 of 3**")  # asked for by its number
    monkeypatch.setattr(language, "_current", "zh")
    notebook.hint("soft_targets")
    assert shown[3]["text/markdown"].startswith("**你上一次的答案**很像：") and len(titles(shown[3])) == 3
    notebook.hint("kd_loss")
    assert shown[4]["text/markdown"].startswith("**提示1/3**")


@pytest.mark.parametrize(
    ("status", "diagnosis"),
    [("passed", None), ("failed", None), ("failed", "a_name_of_another_version")],
)
def test_where_the_last_answer_has_no_name_the_ladder_comes_alone(shown, status, diagnosis):
    Records().add_attempt("soft_targets", "failed", "multiplies_by_the_temperature", "en")
    Records().add_attempt("soft_targets", status, diagnosis, "en")
    notebook.hint("soft_targets")
    assert shown[0]["text/markdown"].startswith("**Hint 1 of 3**")


def test_the_ladder_is_one_for_both_languages(shown, monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    for _ in range(2):
        notebook.hint("soft_targets")
    monkeypatch.setattr(language, "_current", "en")
    notebook.hint("soft_targets")  # the third, and the two that were read in Chinese
    assert titles(shown[1])[-1] == "**提示2/3**：`soft_targets`" and len(titles(shown[2])) == 3


def test_a_hint_can_be_read_again(shown, capsys):
    notebook.hint("soft_targets", 2)
    notebook.hint("soft_targets", 1)
    assert [titles(bundle) for bundle in shown] == [
        [f"**Hint {rung} of 3** for `soft_targets`"] for rung in (2, 1)
    ]
    assert Records().hints() == {"soft_targets": 2}
    notebook.hint("soft_targets", 4)
    assert "There are 3 hints" in capsys.readouterr().out and len(shown) == 2


def test_solution_shows_source_and_discussion_and_is_recorded(shown):
    notebook.solution("soft_targets")
    assert "def soft_targets(" in shown[0]["text/markdown"]
    assert "Sources: " in shown[0]["text/markdown"]
    assert Records().solutions() == {"soft_targets"}


@pytest.mark.parametrize("call", [notebook.hint, notebook.solution])
def test_a_mistyped_name_is_answered_with_its_neighbours(call, capsys):
    call("soft_target")
    said = capsys.readouterr().out
    assert said.startswith("No exercise is called 'soft_target'. The nearest: soft_targets")


def test_yours_is_used_once_it_passes(capsys):
    yours = right()
    assert notebook.yours_or_reference(yours) is yours
    assert capsys.readouterr().out == "From here on your own soft_targets is used.\n"


@pytest.mark.parametrize("answer", [stub(), multiplies(), reference])
def test_the_reference_is_used_until_then(answer, capsys):
    assert notebook.yours_or_reference(answer) is reference
    assert capsys.readouterr().out == "From here on the reference soft_targets is used, until yours passes.\n"


def test_an_earlier_pass_does_not_vouch_for_a_changed_function(shown):
    notebook.check(right())
    assert notebook.yours_or_reference(multiplies()) is reference


def test_yours_or_reference_leaves_other_functions_alone(capsys):
    assert notebook.yours_or_reference(print) is print
    assert "No exercise is called 'print'" in capsys.readouterr().out


def test_progress_counts_attempts_hints_and_misconceptions(shown):
    notebook.check(multiplies())
    notebook.hint("soft_targets")
    notebook.check(right())
    notebook.progress()
    plain, html = shown[-1]["text/plain"], shown[-1]["text/html"]
    assert plain.startswith("1 of ") and "0 % of those tried at the first attempt" in plain
    assert (
        plain.splitlines()[1] == "Next for you:" and "  exercise agreement, 5 min" in plain.splitlines()[2:5]
    )
    assert "✓ soft_targets" in plain and "rkd_distance" not in plain
    assert "<td>✓</td><td>soft_targets</td><td>Response</td><td>2</td><td>1</td><td></td>" in html
    assert "<details><summary>What was tried" in html and html.count("<tr>") == 2
    assert '<a href="00_start.ipynb#cell-id=agreement-statement">' in html


def test_without_a_notebook_the_text_is_printed(capsys):
    notebook.check(stub())
    assert capsys.readouterr().out.startswith("soft_targets: todo\n")


def test_show_answers_is_the_static_twin(shown):
    widgets.show_answers(lambda command: {"intent": command.upper()}, ["licht an", "lumière"])
    assert shown[0]["text/plain"] == "licht an\n    intent: LICHT AN\nlumière\n    intent: LUMIÈRE"
    assert "<tr><td>lumière</td><td>LUMIÈRE</td></tr>" in shown[0]["text/html"]


def test_show_answers_marks_what_is_right(shown):
    lessons = {"licht an": "TurnOn", "lumière": "TurnOff"}
    widgets.show_answers(lambda command: {"student": Reading("TurnOn", 0.87)}, lessons)
    assert "<tr><td>licht an</td><td>TurnOn</td><td>✓ TurnOn (87 %)</td></tr>" in shown[0]["text/html"]
    assert "<tr><td>lumière</td><td>TurnOff</td><td>✗ TurnOn (87 %)</td></tr>" in shown[0]["text/html"]


def test_a_table_is_shown_as_text_too(shown):
    views.show_table(["language", "%"], [["hu", "67"]])
    assert shown[0]["text/plain"] == "language | %\nhu | 67"
    assert "<tr><td>hu</td><td>67</td></tr>" in shown[0]["text/html"]


def test_where_a_function_that_never_ends_would_stop_the_kernel_that_is_said_once(monkeypatch, shown, capsys):
    monkeypatch.delattr(os, "fork")
    for cached in (sandbox.held, desk._tell_where_nothing_is_held):
        cached.cache_clear()
    notebook.check(stub())
    notebook.check(stub())
    assert capsys.readouterr().out.count("WSL") == 1
    for cached in (sandbox.held, desk._tell_where_nothing_is_held):
        cached.cache_clear()


def test_an_answer_that_is_the_references_own_counts_as_none(shown):
    def soft_targets(logits, temperature=1.0):
        return reference(logits, temperature)

    notebook.check(soft_targets)
    assert "not counted" in shown[0]["text/plain"] and "Solved" not in shown[0]["text/plain"]
    assert Records().attempts() == []
