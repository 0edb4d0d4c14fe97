"""Links among the notebooks, each to a cell by its id: JupyterLab finds no heading with Chinese signs."""

from kd_study.lessons.outline import LESSON_OF

ALL_EXERCISES = "exercises"  # the page that holds every one


def cell_address(page: str, cell: str) -> str:
    """A cell of a page that lies beside this one, by the cell's id."""
    return f"{page}.ipynb#cell-id={cell}"


def exercise_address(name: str, page: str | None = None) -> str:
    """An exercise's statement: in `page`, else in the lesson that sets it, else among all."""
    lesson = LESSON_OF.get(name)
    return cell_address(page or (lesson.name if lesson else ALL_EXERCISES), f"{name}-statement")


def exercise_link(name: str, page: str | None = None) -> str:
    """A link in Markdown."""
    return f"[`{name}`]({exercise_address(name, page)})"
