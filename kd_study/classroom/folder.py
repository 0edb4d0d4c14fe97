"""The folder into which a class's marks go: a table, the report, a page a student."""

import errno
import re
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.files import write_whole
from kd_solutions.support.language import current_language, say
from kd_study.classroom.feedback import feedback_page
from kd_study.classroom.marks import Marks
from kd_study.classroom.report import other_reports, report_page
from kd_study.classroom.table import csv_table

TABLE, PAGES = "marks.csv", "feedback"
_NAME = 60  # characters of a student's name in a file's


class MarksFolder:
    """A new or empty folder for the marks of the class in `of`. Raises: StudyError where it can't be had."""

    def __init__(self, path: Path, of: Path):
        self.path = path
        self._written: dict[str, bytes] = {}
        if path.resolve().is_relative_to(of.resolve()):
            raise StudyError(
                say(
                    f"{path} lies in the class's folder, which is only read: name another place with "
                    "--out FOLDER.",
                    f"{path}在全班的文件夹里，而那里只读不写：请用--out 文件夹另选地方。",
                )
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise FileExistsError(errno.EEXIST, "", str(path))
        except OSError as error:
            raise StudyError(_why_not(path, error)) from error

    def write(self, marks: list[Marks]) -> None:
        """Writes table, report and pages where they have changed since the last time. Raises: StudyError."""
        pages = _page_names([one.student for one in marks])
        files = {TABLE: csv_table(marks)}
        for language, name in other_reports().items():
            files[name] = _bytes(report_page(marks, language, pages, other_reports()))
        for one in marks:
            files[pages[one.student]] = _bytes(feedback_page(one))
        try:
            (self.path / PAGES).mkdir(exist_ok=True)
            for name in self._written.keys() - files.keys():  # a student whose files are gone
                (self.path / name).unlink(missing_ok=True)
            for name, content in files.items():
                if self._written.get(name) != content:
                    write_whole(self.path / name, content)
        except OSError as error:
            raise StudyError(_why_not(self.path, error)) from error
        self._written = files

    def __str__(self) -> str:
        """What was written, in a sentence."""
        other = next(name for code, name in other_reports().items() if code != current_language())
        return say(
            f"{self.path}: report.html for you (in Chinese {other}), {TABLE} for a spreadsheet, and in "
            f"{PAGES}/ a page for each student.",
            f"{self.path}：report.html给你看（英文版{other}），{TABLE}供电子表格使用，{PAGES}/里是每名学生的反馈页。",
        )


def beside(folder: Path) -> Path:
    """`FOLDER-marks` beside the class's folder."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name or 'class'}-marks")


def _why_not(path: Path, error: OSError) -> str:
    if error.errno == errno.EEXIST:
        return say(
            f"{path} is there already, and marks are never overwritten: move it away, or name another place "
            "with --out FOLDER.",
            f"{path}已经存在，而评分从不覆盖：请先把它移走，或用--out 文件夹另选地方。",
        )
    reason = error.strerror or error
    return say(
        f"{path} can't be written ({reason}): name another place with --out FOLDER.",
        f"无法写入{path}（{reason}）：请用--out 文件夹另选地方。",
    )


def _page_names(students: list[str]) -> dict[str, str]:
    """Student → the path of their page; no two are the same on any file system."""
    taken: set[str] = set()
    found = {}
    for student in students:
        stem = re.sub(r"[^\w\-]+", "_", student)[:_NAME].strip("_") or "student"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        found[student] = f"{PAGES}/{name}.html"
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
