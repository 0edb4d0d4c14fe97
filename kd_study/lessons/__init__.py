"""The lessons: their outline, and how a source becomes two notebooks."""

from kd_study.lessons.outline import LESSON_OF, LESSONS, Lesson

__all__ = ["LESSONS", "LESSON_OF", "Lesson"]
