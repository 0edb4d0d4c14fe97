"""The coding exercises: a folder a topic, two files an exercise."""

from kd_study.exercises.catalog import (
    LEVELS,
    NAMES,
    TOPIC_TITLES,
    TOPICS,
    Sheet,
    all_exercises,
    exercise,
    nearest,
    sheet,
)

__all__ = [
    "LEVELS",
    "NAMES",
    "TOPICS",
    "TOPIC_TITLES",
    "Sheet",
    "all_exercises",
    "exercise",
    "nearest",
    "sheet",
]
