"""The plan as a table with links, and the links that everything on the desk shares."""

from kd_solutions.support.language import say
from kd_study.interview.plan import Day, Plan
from kd_study.interview.tasks import Task, name_of
from kd_study.interview.words import rows, summary, titles
from kd_study.lessons.links import exercise_link
from kd_study.notebook.views import inline, table


def task_link(task: Task) -> str:
    """A lesson's or an exercise's name as a link."""
    if task.kind == "lesson":
        return f"[{name_of(task)}]({task.name}.ipynb)"
    return exercise_link(task.name)


class PlanView:
    """A plan to be looked at; `days` holds its days with their tasks."""

    def __init__(self, plan: Plan):
        self._plan = plan

    @property
    def days(self) -> tuple[Day, ...]:
        return self._plan.days

    def __repr__(self) -> str:
        lines = ["  ".join(filter(None, row)) for row in rows(self._plan)]
        return "\n".join([summary(self._plan), *lines, _how()])

    def _repr_html_(self) -> str:
        shown = table(titles(), rows(self._plan, task_link))
        return f"<p>{inline(summary(self._plan))}</p>{shown}<p>{inline(_how())}</p>"


def _how() -> str:
    return say(
        "`review()` asks what comes back, and new questions. The plan follows what you do: `plan()` again.",
        "`review()`会出该复习的题和新题。计划会随你的进度更新：再运行`plan()`即可查看。",
    )
