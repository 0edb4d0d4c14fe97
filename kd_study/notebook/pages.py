"""Pages that show where one stands: the lessons, the exercises, what is solved."""

from collections.abc import Iterable
from itertools import groupby

from kd_solutions.support.language import say
from kd_study.exercises.catalog import LEVELS, NAMES, TOPIC_TITLES, TOPICS, sheet
from kd_study.lessons.links import ALL_EXERCISES, exercise_address, exercise_link
from kd_study.lessons.outline import LESSON_OF, LESSONS
from kd_study.notebook.views import inline, show, show_markdown, table
from kd_study.records.store import records
from kd_study.records.summary import bars, cells, columns, headline, summarise


def progress() -> None:
    """Shows the next three things, weak spots and the time left; then topic by topic; then what was tried."""
    from kd_study.interview.plan import make_plan
    from kd_study.interview.words import standing
    from kd_study.notebook.planning import task_link

    rows = summarise(records())
    pictures = "\n".join(bars(rows))
    tried = [row for row in rows if row.attempts or row.hints or row.solution_seen]
    plain, html = [headline(rows)], [f"<p><b>{headline(rows)}</b></p>"]
    made = make_plan(records())
    for title, lines in standing(records(), made, rows):
        plain.append("\n".join([f"{title}:", *(f"  {line}" for line in lines)]))
    for title, lines in standing(records(), made, rows, task_link):
        html.append(f"<p>{title}</p><ul>{''.join(f'<li>{inline(line)}</li>' for line in lines)}</ul>")
    plain.append(pictures)
    html.append(f"<pre>{pictures}</pre>")
    if tried:
        plain.append("\n".join(f"{row.mark} {row.exercise}" for row in tried))
        details = table(columns(), [cells(row) for row in tried])
        html.append(f"<details><summary>{say('What was tried', '做过的练习')}</summary>{details}</details>")
    show("\n".join(plain), "".join(html))


def lesson_map() -> None:
    """Shows what comes next, then the lessons as links: what each answers, its minutes, what is solved."""
    from kd_study.interview.plan import make_plan
    from kd_study.interview.words import next_lines
    from kd_study.notebook.planning import task_link

    titles = [
        say("lesson", "课程"), say("question", "问题"), say("minutes", "分钟"), say("exercises", "练习"),
        say("solved", "已完成"),
    ]  # fmt: skip
    lines = [_row(titles), "|---" * len(titles) + "|"]
    solved = {row.exercise for row in summarise(records()) if row.passed}
    for lesson in LESSONS:
        link = f"[{lesson.title}]({lesson.name}.ipynb)"
        exercises = say(f"+ {_minutes(lesson.exercises)} min", f"另加{_minutes(lesson.exercises)}分钟")
        done = f"{len(solved & set(lesson.exercises))}/{len(lesson.exercises)}"
        lines.append(_row([link, str(lesson.question), f"{lesson.minutes}", exercises, done]))
    lines += ["", _hours()]
    if gaps := _missing_numbers():
        lines += ["", gaps]
    coming = [f"1. {line}" for line in next_lines(make_plan(records()), task_link)]
    if coming:
        lines = [say("**Next for you**", "**接下来**"), "", *coming, "", *lines]
    show_markdown("\n".join(lines))


def _hours() -> str:
    """What all lessons take, and what all exercises."""
    lessons = sum(lesson.minutes + _minutes(lesson.exercises) for lesson in LESSONS) / 60
    exercises = _minutes(NAMES) / 60
    return say(
        f"Together {lessons:.0f} hours with their exercises; all {len(NAMES)} exercises take "
        f"{exercises:.0f} hours.",
        f"连同课里的练习，一共约{lessons:.0f}小时；全部{len(NAMES)}道练习约{exercises:.0f}小时。",
    )


def _missing_numbers() -> str:
    """What to say of numbers that no lesson has yet; "" where there is no gap."""
    numbers = [int(lesson.name[:2]) for lesson in LESSONS]
    missing = [number for number in range(max(numbers)) if number not in numbers]
    if not missing:
        return ""
    runs = [list(run) for _, run in groupby(missing, key=lambda number: number - missing.index(number))]
    spans = [f"{run[0]:02d}" + (f"–{run[-1]:02d}" if len(run) > 1 else "") for run in runs]
    span = say(", ", "、").join(spans)
    page = f"{ALL_EXERCISES}.ipynb"
    return say(
        f"{span} are still being written; their exercises are on [the page of all]({page}) already.",
        f"{span}还在编写中；相关练习已经在[全部练习]({page})那一页。",
    )


def exercise_table() -> None:
    """Shows every exercise as a link, by topic: difficulty, time, lesson, and whether it is solved."""
    titles = [
        "", say("exercise", "练习"), say("level", "难度"), say("minutes", "分钟"), say("lesson", "课程"),
    ]  # fmt: skip
    lines = [_row(titles), "|---" * len(titles) + "|"]
    rows = {row.exercise: row for row in summarise(records())}
    for topic, names in TOPICS.items():
        lines.append(_row(["", f"**{TOPIC_TITLES[topic]}**", "", f"**{_minutes(names)}**", ""]))
        for task in map(sheet, names):
            lesson = LESSON_OF.get(task.name)
            place = f"[{lesson.title}]({exercise_address(task.name)})" if lesson else ""
            name = exercise_link(task.name, ALL_EXERCISES)
            lines.append(
                _row([rows[task.name].mark, name, str(LEVELS[task.level]), f"{task.minutes}", place])
            )
    show_markdown("\n".join(lines))


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _minutes(names: Iterable[str]) -> int:
    return sum(sheet(name).minutes for name in names)
