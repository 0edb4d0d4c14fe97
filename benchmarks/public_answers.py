"""Does the grader help with real code? `python -m benchmarks.public_answers` grades public wrong answers.

Counts those refused, of these those of which a mistake is named, and those named wrongly: some name is not
true of the answer. A name is that of a diagnosis, or of what is found out beside the checks.
"""

from rich.console import Console
from rich.progress import track

from benchmarks.answers import ANSWERS, Answer
from kd_study.grading.grade import Report, grade
from kd_study.grading.guard import CONDUCT


def told(report: Report) -> set[str]:
    """Every name that a report gives to something that is wrong."""
    found = {diagnosis.name for _, diagnosis in report.diagnoses()}
    return found | {result.name for result in report.results if result.name in CONDUCT and not result.passed}


def judged(answer: Answer) -> tuple[bool, set[str], set[str]]:
    """(whether it was refused, the true names given, the others)."""
    report = grade(answer.function, answer.exercise)
    names = told(report)
    return report.status == "failed", names & answer.names, names - answer.names


def main() -> None:
    console, errors = Console(width=200), Console(stderr=True)
    refused = named = wrongly = 0
    for answer in track(ANSWERS, "Grading", console=errors, transient=True):
        is_refused, right, wrong = judged(answer)
        name = f"{answer.exercise}: {getattr(answer.function, '__name__', type(answer.function).__name__)}"
        refused += is_refused
        named += is_refused and bool(right) and not wrong
        wrongly += bool(wrong)
        if not is_refused:
            console.print(f"accepted  {name}")
        elif wrong:
            console.print(f"wrongly   {name}: {', '.join(sorted(wrong))}")
        elif not right:
            console.print(f"unnamed   {name}")
    share = f"{named / max(refused, 1):.0%}"
    print(f"{len(ANSWERS)} answers: {refused} refused, {named} of them named ({share}), {wrongly} wrongly")


if __name__ == "__main__":
    main()
