"""How long does it take to mark a class? `python -m benchmarks.marking` builds two of 60 and marks them.

In the first nobody harms anything; in the second 20 notebooks are damaged and 6 files hostile. Each has five
answers. Told are wall time and the processor's, all that the command does but for its start of some 3 s.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.classes import build
from kd_study.classroom import mark_class, mark_files
from kd_study.classroom.folder import MarksFolder
from kd_study.grading.marking import files_of

STUDENTS, DAMAGED, HOSTILE = 60, 20, 6


def processor_seconds() -> float:
    """Of this process and of all that it has started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def mark(folder: Path, out: Path) -> str:
    """Marks a class as the command does; one line on what it cost and what came out."""
    start, used = time.monotonic(), processor_seconds()
    files = list(mark_files(folder, files_of(folder)))
    marks = mark_class(files)
    MarksFolder(out, folder).write(marks)
    solved, answers = sum(one.solved for one in marks), sum(len(one.answers) for one in marks)
    wall, busy = time.monotonic() - start, processor_seconds() - used
    problems = sum(bool(file.problems) for file in files)
    return (
        f"{wall:.0f} s, {busy:.0f} s of the processor; {len(marks)} students, {solved} of {answers} answers "
        f"solved, {problems} files with a problem"
    )


def main() -> None:
    students = int(sys.argv[1]) if len(sys.argv) > 1 else STUDENTS
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it begins")
    for name, damaged, hostile in (("whole", 0, 0), ("damaged and hostile", DAMAGED, HOSTILE)):
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            build(here / "class", students, damaged, hostile)
            print(f"{students} submissions, {name}: {mark(here / 'class', here / 'marks')}", flush=True)


if __name__ == "__main__":
    main()
