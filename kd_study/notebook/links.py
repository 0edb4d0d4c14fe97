"""Where an exercise stands among the notebooks, as links that JupyterLab follows."""

from kd_study.lessons.outline import LESSON_OF

ALL_EXERCISES = "exercises"  # the page that holds every one


def exercise_address(name: str, page: str | None = None) -> str:
    """The cell of an exercise's statement: in `page`, else in the lesson that sets it, else among all.

    By the cell's id, which the builder makes of the name: JupyterLab finds no heading with Chinese signs.
    """
    lesson = LESSON_OF.get(name)
    page = page or (lesson.name if lesson else ALL_EXERCISES)
    return f"{page}.ipynb#cell-id={name}-statement"


def exercise_link(name: str, page: str | None = None) -> str:
    """A link in Markdown."""
    return f"[`{name}`]({exercise_address(name, page)})"
