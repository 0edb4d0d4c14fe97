"""The map of the field as a notebook calls it; what reads and checks the families is imported when used."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kd_study.notebook.families import FamilyFinder


def family_map() -> None:
    """Shows all families on a map; each is a link to its entry."""
    from kd_study.notebook.families import show_map

    show_map()


def family_table(words: str = "", **wanted: str) -> None:
    """Shows the families that hold every word and fit `group`, `passes`, `inputs` and `teachers`."""
    from kd_study.lessons.families import find_family
    from kd_study.notebook.families import table_of
    from kd_study.notebook.views import show_markdown

    show_markdown(table_of(find_family(words, **wanted)))


def find_families() -> "FamilyFinder":
    """Choices of group, what passes on, inputs and teachers, and a box for words; `family_table` where no
    widget is shown."""
    from kd_study.notebook.families import FamilyFinder

    return FamilyFinder()
