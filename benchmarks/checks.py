"""How long does a learner wait for `check`? `python -m benchmarks.checks` grades right and wrong answers.

For each exercise the reference, which passes, and every wrong answer, which is diagnosed as well.
"""

import time
from statistics import median

from rich.console import Console
from rich.progress import track
from rich.table import Table

from kd_study.exercises.catalog import all_exercises
from kd_study.grading.grade import grade


def seconds_of(function, name: str) -> float:
    start = time.perf_counter()
    grade(function, name)
    return time.perf_counter() - start


def main() -> None:
    table = Table("exercise", "right, s", "wrong, median s", "wrong, slowest s")
    waits = []
    for task in track(all_exercises(), "Grading", console=Console(stderr=True), transient=True):
        right = seconds_of(task.reference, task.name)
        wrong = [seconds_of(answer.function, task.name) for answer in task.wrong_answers]
        waits += [right, *wrong]
        table.add_row(task.name, f"{right:.2f}", f"{median(wrong):.2f}", f"{max(wrong):.2f}")
    Console().print(table)
    print(f"All {len(waits)} answers: median {median(waits):.2f} s, slowest {max(waits):.2f} s")


if __name__ == "__main__":
    main()
