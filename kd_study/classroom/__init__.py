"""A class's marks: who solved what, a page for each student, and what to say to all of them."""

from kd_study.classroom.folder import MarksFolder
from kd_study.classroom.marks import Answer, Marks, mark_class, mark_files
from kd_study.classroom.watching import Watch

__all__ = ["Answer", "Marks", "MarksFolder", "Watch", "mark_class", "mark_files"]
