"""Grades a folder of submitted files and notebooks, and shows where the class fails."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.exercises.catalog import NAMES, all_exercises
from kd_study.grading.grade import Report
from kd_study.grading.sandbox import held
from kd_study.grading.submissions import grade_files

AT_ONCE = 4  # files at most; each may take 2 GiB
SUFFIXES = (".py", ".ipynb")
NOT_THEIRS = ("site-packages", "node_modules", "__MACOSX")  # what comes along when a whole folder is packed


class Submission(NamedTuple):
    """One file of the folder: the reports on what was worked on, and what kept more from being graded."""

    path: Path
    reports: list[Report]
    problems: list[str]


def submissions(folder: Path) -> Iterator[Submission]:
    """Every Python file and notebook below the folder, by name, each as soon as it is graded.

    Left out are hidden ones and those of installed packages.

    Raises: StudyError where this system can't keep a submission from ending the run.
    """
    if not hasattr(os, "fork"):
        raise StudyError(str(held()))
    for task in all_exercises():
        _ = task.reference  # imported here, once, and not anew in every copy
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*"))]
    names = [name for name in names if _is_theirs(name)]
    at_once = min(os.cpu_count() or 1, AT_ONCE)
    for name, graded in zip(names, grade_files([folder / name for name in names], at_once), strict=True):
        yield Submission(name, [one for one in graded.reports if not one.untouched], graded.problems)


def _is_theirs(path: Path) -> bool:
    hidden = any(part.startswith(".") or part in NOT_THEIRS for part in path.parts)
    return path.suffix in SUFFIXES and not hidden


def submission_lines(submission: Submission) -> list[str]:
    """What one file solved, `ann.ipynb: 3 passed, 1 failed (kd_loss), 0 todo`, and each of its problems.

    Answers that call the reference are counted by themselves, where there are any.
    """
    lines = [
        say(f"{submission.path}: {problem}", f"{submission.path}：{problem}")
        for problem in submission.problems
    ]
    if submission.reports:
        lines.insert(0, _counts(submission))
    return lines or [say(f"{submission.path}: no solution", f"{submission.path}：没有答案")]


def _counts(submission: Submission) -> str:
    reports = submission.reports
    failed = [report.exercise for report in reports if report.status == "failed"]
    todo = sum(report.status == "todo" for report in reports)
    passed = sum(report.solved for report in reports)
    names = f" ({', '.join(failed)})" if failed else ""
    line = say(
        f"{submission.path}: {passed} passed, {len(failed)} failed{names}, {todo} todo",
        f"{submission.path}：通过{passed}，未通过{len(failed)}{names}，未做{todo}",
    )
    borrowed = [report.exercise for report in reports if report.status == "passed" and not report.solved]
    if not borrowed:
        return line
    return line + say(
        f", {len(borrowed)} by the reference ({', '.join(borrowed)})",
        f"，调用参考答案{len(borrowed)}（{'、'.join(borrowed)}）",
    )


def class_lines(graded: list[Submission]) -> list[str]:
    """One line an exercise, in the order of study: how many passed, and the commonest misconceptions."""
    lines = []
    for name in NAMES:
        reports = [report for one in graded for report in one.reports if report.exercise == name]
        if not any(report.status != "todo" for report in reports):
            continue
        passed = sum(report.solved for report in reports)
        lines.append(
            say(f"{name}: {passed} of {len(reports)} passed", f"{name}：{len(reports)}份中通过{passed}份")
        )
        found = Counter(report.diagnosis.explanation for report in reports if report.diagnosis)
        lines += [f"  {count} × {explanation}" for explanation, count in found.most_common(3)]
    return lines
