"""Where an exercise stands among the notebooks, as links that JupyterLab follows."""

from kd_study.lessons.outline import LESSON_OF

ALL_EXERCISES = "exercises"  # the page that holds every one


def exercise_address(name: str, page: str | None = None) -> str:
    """An exercise's heading: in `page`, else in the lesson that sets it, else among all exercises.

    The builder gives the heading the exercise's name for an id: JupyterLab finds no heading in Chinese by its
    text from another page. GitHub shows the page from its top.
    """
    lesson = LESSON_OF.get(name)
    page = page or (lesson.name if lesson else ALL_EXERCISES)
    return f"{page}.ipynb#{name}"


def exercise_link(name: str, page: str | None = None) -> str:
    """A link in Markdown."""
    return f"[`{name}`]({exercise_address(name, page)})"
