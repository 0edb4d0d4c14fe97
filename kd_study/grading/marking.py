"""Grades a folder of submitted files and notebooks, on all cores, and shows where the class fails."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import current_language, say
from kd_study.exercises.catalog import NAMES, all_exercises, exercise
from kd_study.grading.diagnosis import known_mistakes
from kd_study.grading.grade import Report, patience
from kd_study.grading.loading import Problem
from kd_study.grading.sandbox import held
from kd_study.grading.submissions import Clock, Repair, Seen, grade_file
from kd_study.grading.workers import in_workers

AT_ONCE = 4  # files at most; each may take 2 GiB
SECONDS = 10.0  # for a file of five answers, on an idle machine
STEP_SECONDS = 4.0  # for one of its statements or answers
LOST_SECONDS = 60.0  # after which a file is given up whose grading says nothing
SUFFIXES = (".py", ".ipynb")
NOT_THEIRS = ("site-packages", "node_modules", "__MACOSX")  # what comes along when a whole folder is packed


class Submission(NamedTuple):
    """One file of the folder: the reports on what was worked on, and what kept more from being graded.

    remarks: what was put right to read it, and whether a person should look at it. language: of the reports.
    """

    path: Path
    reports: list[Report]
    problems: list[Problem]
    remarks: list[Repair] = []
    reaches: bool = False
    language: str = ""


def submissions(folder: Path) -> Iterator[Submission]:
    """Every Python file and notebook below the folder, by name, each as soon as it is graded.

    Raises: StudyError where this system can't keep a submission from ending the run.
    """
    return graded(folder, files_of(folder), lambda path: current_language())


def files_of(folder: Path) -> list[Path]:
    """The Python files and notebooks below the folder, from there, without hidden ones and installed packages."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*"))]
    return [name for name in names if _is_theirs(name)]


def graded(folder: Path, names: Iterable[Path], language: Callable[[Path], str]) -> Iterator[Submission]:
    """These files of the folder, in their order, each as soon as it is graded; all cores are at work.

    language: of a file's reports; "" for the one that the file speaks. Raises: as `submissions`.
    """
    if not hasattr(os, "fork"):
        raise StudyError(str(held()))
    _import_once()
    factor = patience()  # now: what hostile files keep busy later is no reason to wait for them longer
    names = list(names)
    jobs = [partial(_grade, folder / name, language(name), factor) for name in names]
    at_once = min(os.cpu_count() or 1, AT_ONCE)
    kinds = (Seen, Repair, Problem, Report)
    for name, events in zip(names, in_workers(jobs, at_once, kinds, LOST_SECONDS * factor), strict=True):
        one = _submission(name, events)
        yield one
        for report in one.reports:
            if report.status == "failed":
                known_mistakes(exercise(report.exercise))  # kept, for the copies that are made from now on


def _grade(path: Path, language: str, factor: float) -> Iterator:
    """In a worker: what `_submission` puts together."""
    one = grade_file(path, language, Clock(STEP_SECONDS, SECONDS, factor=factor))
    yield Seen(one.language, one.reaches, one.found)
    yield from [*one.remarks, *one.problems, *one.reports]


def _submission(name: Path, events: list | None) -> Submission:
    if events is None:
        return Submission(
            name, [], [Problem("its grading ended without a word", "批改它的进程没有留下结果", [])]
        )
    seen, *events = events
    of = {kind: [one for one in events if isinstance(one, kind)] for kind in (Report, Problem, Repair)}
    worked_on = [report for report in of[Report] if not report.untouched]
    return Submission(name, worked_on, of[Problem], of[Repair], seen.reaches, seen.language)


def _import_once() -> None:
    """Imports what each worker would else import anew."""
    import IPython.core.inputtransformer2
    import torch

    _ = IPython, torch
    for task in all_exercises():
        _ = task.reference


def _is_theirs(path: Path) -> bool:
    hidden = any(part.startswith(".") or part in NOT_THEIRS for part in path.parts)
    return path.suffix in SUFFIXES and not hidden


def submission_lines(submission: Submission) -> list[str]:
    """What one file solved, `ann.ipynb: 3 passed, 1 failed (kd_loss), 0 todo`, and each of its problems.

    Answers that call the reference are counted by themselves, where there are any.
    """
    lines = [
        say(f"{submission.path}: {problem}", f"{submission.path}：{problem}")
        for problem in (*submission.problems, *submission.remarks)
    ]
    if submission.reaches:
        lines.append(
            say(
                f"{submission.path}: it looks at the grader itself; read it before you count it",
                f"{submission.path}：它触及了批改程序本身；计分之前请先读一遍",
            )
        )
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
        found = Counter(report.diagnosis.name for report in reports if report.diagnosis)
        known = {mistake: exercise(name).mistake(mistake) for mistake in found}
        lines += [
            f"  {found[one]} × {known[one].explanation}" for one, _ in found.most_common(3) if known[one]
        ]
    return lines
