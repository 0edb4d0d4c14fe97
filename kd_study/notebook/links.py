"""Where an exercise stands among the notebooks, as links that JupyterLab follows."""

from urllib.parse import quote

from kd_solutions.support.language import say
from kd_study.lessons.outline import LESSON_OF

ALL_EXERCISES = "exercises"  # the page that holds every one


def exercise_address(name: str, page: str | None = None) -> str:
    """The heading of an exercise: in `page`, else in the lesson that sets it, else among all exercises."""
    lesson = LESSON_OF.get(name)
    page = page or (lesson.name if lesson else ALL_EXERCISES)
    return f"{page}.ipynb#{quote(heading(name).replace(' ', '-'))}"


def heading(name: str) -> str:
    """The text of its heading, as the builder writes it."""
    return say(f"Exercise: {name}", f"练习：{name}")


def exercise_link(name: str, page: str | None = None) -> str:
    """A link in Markdown."""
    return f"[`{name}`]({exercise_address(name, page)})"
