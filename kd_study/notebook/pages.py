"""Pages that show where one stands: the lessons, the exercises, what is solved."""

from kd_solutions.support.language import say
from kd_study.exercises.catalog import LEVELS, TOPIC_TITLES, sheet
from kd_study.lessons.outline import LESSONS
from kd_study.notebook.views import show, show_markdown, table
from kd_study.records.store import records
from kd_study.records.summary import bars, cells, columns, headline, summarise


def progress() -> None:
    """Shows what is solved, topic by topic and exercise by exercise."""
    rows = summarise(records())
    pictures = "\n".join(bars(rows))
    marks = "\n".join(f"{row.mark} {row.exercise}" for row in rows)
    details = table(columns(), [cells(row) for row in rows])
    show(
        f"{headline(rows)}\n{pictures}\n{marks}",
        f"<p><b>{headline(rows)}</b></p><pre>{pictures}</pre>{details}",
    )


def lesson_map() -> None:
    """Shows the lessons as links, with the question that each answers and what of it is solved."""
    titles = [say("lesson", "课程"), say("question", "问题"), say("exercises solved", "已完成的练习")]
    lines = [f"| {' | '.join(titles)} |", "|---|---|---|"]
    solved = {row.exercise for row in summarise(records()) if row.passed}
    for lesson in LESSONS:
        done = f"{len(solved & set(lesson.exercises))}/{len(lesson.exercises)}" if lesson.exercises else ""
        lines.append(f"| [{lesson.title}]({lesson.name}.ipynb) | {lesson.question} | {done} |")
    show_markdown("\n".join(lines))


def exercise_table() -> None:
    """Shows every exercise with its topic, difficulty, time and lesson, and whether it is solved."""
    titles = [
        "", say("exercise", "练习"), say("topic", "主题"), say("level", "难度"), say("minutes", "分钟"),
        say("lesson", "课程"),
    ]  # fmt: skip
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    links = {lesson.name: f"[{lesson.title}]({lesson.name}.ipynb)" for lesson in LESSONS}
    for row in summarise(records()):
        task = sheet(row.exercise)
        cells = [row.mark, f"`{task.name}`", str(TOPIC_TITLES[task.topic]), str(LEVELS[task.level])]
        lines.append(f"| {' | '.join([*cells, str(task.minutes), links.get(task.lesson, '')])} |")
    show_markdown("\n".join(lines))
