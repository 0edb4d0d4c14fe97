"""Submissions as they come from the grading, made by hand: quick, and as foul as one likes."""

from pathlib import Path

from kd_solutions.support.language import Text
from kd_study.exercises.catalog import exercise
from kd_study.grading.grade import Diagnosis, Report, Result
from kd_study.grading.loading import Problem
from kd_study.grading.marking import Submission

FOUL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`</code>"


def report(name: str, status: str = "failed", mistake: str = "", message: str = "", **more) -> Report:
    """A report with a result a check: of those of one that failed every second is right."""
    checks = list(exercise(name).checks())
    results = [
        Result(check, status == "passed" or number % 2 == 1, "" if number % 2 else message, "a forged title")
        for number, check in enumerate(checks)
    ]
    found = Diagnosis(mistake, "a forged explanation", None) if mistake else None
    return Report(name, status, results if status != "todo" else [], found, **more)


def submission(
    path: str, *reports: Report, problems=(), remarks=(), language="en", reaches=False
) -> Submission:
    """One file of a class. problems: (sentence, names) each."""
    said = [Problem(text, f"{text}（中文）", list(names)) for text, names in problems]
    texts = [Text(text, f"{text}（中文）") for text in remarks]
    return Submission(Path(path), list(reports), said, texts, reaches, language)
