"""Pages that show where one stands: the lessons, the exercises, what is solved."""

from kd_solutions.support.language import say
from kd_study.exercises.catalog import LEVELS, TOPIC_TITLES, sheet
from kd_study.lessons.outline import LESSON_OF, LESSONS
from kd_study.notebook.links import ALL_EXERCISES, exercise_link
from kd_study.notebook.views import inline, show, show_markdown, table
from kd_study.records import agenda
from kd_study.records.store import records
from kd_study.records.summary import bars, cells, columns, headline, summarise


def progress() -> None:
    """Shows what comes next, the weak spots and the time left; then topic by topic; then what was tried."""
    rows = summarise(records())
    pictures = "\n".join(bars(rows))
    tried = [row for row in rows if row.attempts or row.hints or row.solution_seen]
    plain, html = [headline(rows)], [f"<p><b>{headline(rows)}</b></p>"]
    for title, lines in agenda.sections(rows):
        plain.append("\n".join([f"{title}:", *(f"  {line}" for line in lines)]))
    for title, lines in agenda.sections(rows, link=exercise_link):
        html.append(f"<p>{title}</p><ul>{''.join(f'<li>{inline(line)}</li>' for line in lines)}</ul>")
    plain.append(pictures)
    html.append(f"<pre>{pictures}</pre>")
    if tried:
        plain.append("\n".join(f"{row.mark} {row.exercise}" for row in tried))
        details = table(columns(), [cells(row) for row in tried])
        html.append(f"<details><summary>{say('What was tried', '做过的练习')}</summary>{details}</details>")
    show("\n".join(plain), "".join(html))


def lesson_map() -> None:
    """Shows the lessons as links, with the question that each answers and what of it is solved."""
    titles = [say("lesson", "课程"), say("question", "问题"), say("exercises solved", "已完成的练习")]
    lines = [f"| {' | '.join(titles)} |", "|---|---|---|"]
    solved = {row.exercise for row in summarise(records()) if row.passed}
    for lesson in LESSONS:
        done = f"{len(solved & set(lesson.exercises))}/{len(lesson.exercises)}" if lesson.exercises else ""
        lines.append(f"| [{lesson.title}]({lesson.name}.ipynb) | {lesson.question} | {done} |")
    if gaps := _missing_numbers():
        lines += ["", gaps]
    show_markdown("\n".join(lines))


def _missing_numbers() -> str:
    """What to say of numbers that no lesson has yet; "" where there is no gap."""
    numbers = [int(lesson.name[:2]) for lesson in LESSONS]
    missing = [f"{number:02d}" for number in range(max(numbers)) if number not in numbers]
    if not missing:
        return ""
    span = missing[0] if len(missing) == 1 else f"{missing[0]}–{missing[-1]}"
    page = f"{ALL_EXERCISES}.ipynb"
    return say(
        f"{span} are still being written; their exercises are on [the page of all]({page}) already.",
        f"{span}还在编写中；相关练习已经在[全部练习]({page})那一页。",
    )


def exercise_table() -> None:
    """Shows every exercise with its topic, difficulty, time and lesson, and whether it is solved."""
    titles = [
        "", say("exercise", "练习"), say("topic", "主题"), say("level", "难度"), say("minutes", "分钟"),
        say("lesson", "课程"),
    ]  # fmt: skip
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row in summarise(records()):
        task, lesson = sheet(row.exercise), LESSON_OF.get(row.exercise)
        cells = [
            row.mark,
            exercise_link(task.name, ALL_EXERCISES),
            str(TOPIC_TITLES[task.topic]),
            str(LEVELS[task.level]),
            str(task.minutes),
            f"[{lesson.title}]({lesson.name}.ipynb)" if lesson else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    show_markdown("\n".join(lines))
