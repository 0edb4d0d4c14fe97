"""The teacher's report: which misconceptions the class shows, and what to say about each."""

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote

from kd_solutions.support.language import LANGUAGES, current_language, say, speaking
from kd_study.classroom.html import SIGNS, ours, ours_inline, page, theirs
from kd_study.classroom.marks import STATUSES, Answer, Marks
from kd_study.exercises.base import WrongAnswer
from kd_study.exercises.catalog import NAMES

TITLES = {"en": "English", "zh": "中文"}
ROW, LABELS, WIDTH = 26, 240, 900  # of the picture, in its own units
NAMES_SHOWN = 12  # students that are named beside a mistake


@dataclass
class Summary:
    """How a class did on one exercise. shown: the mistakes, the commonest first, with who made each."""

    exercise: str
    counts: Counter = field(default_factory=Counter)
    shown: list[tuple[WrongAnswer, list[str]]] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)

    @property
    def handed_in(self) -> int:
        """How many answered it, or have its stub."""
        return self.counts.total()


def summarise(marks: list[Marks]) -> list[Summary]:
    """The exercises that somebody has, in the order of study."""
    found = []
    for name in NAMES:
        answers = [(one.student, one.answers[name]) for one in marks if name in one.answers]
        if answers:
            found.append(_summary(name, answers))
    return found


def _summary(name: str, answers: list[tuple[str, Answer]]) -> Summary:
    summary = Summary(name, Counter(answer.status for _, answer in answers))
    made: dict[str, tuple[WrongAnswer, list[str]]] = {}
    for student, answer in answers:
        for wrong in answer.mistakes:
            made.setdefault(wrong.name, (wrong, []))[1].append(student)
        if answer.status == "failed" and not answer.mistakes:
            summary.unnamed.append(student)
    summary.shown = sorted(made.values(), key=lambda each: -len(each[1]))
    return summary


def report_page(marks: list[Marks], language: str, pages: dict[str, str], others: dict[str, str]) -> str:
    """The report as HTML. pages: student → their page; others: language → the report in it."""
    with speaking(language):
        title = say("What the class shows", "全班情况")
        summaries = summarise(marks)
        links = " · ".join(
            f"<strong>{TITLES[code]}</strong>"
            if code == language
            else f'<a href="{others[code]}">{TITLES[code]}</a>'
            for code in LANGUAGES
        )
        body = [
            f'<p class="soft">{links}</p><h1>{title}</h1><p>{_headline(marks, summaries)}</p>',
            picture(summaries),
            f"<h2>{say('Exercise by exercise', '逐题情况')}</h2>",
            *map(_section, summaries),
            f"<h2>{say('Student by student', '逐人情况')}</h2>",
            _students(marks, pages),
        ]
        return page(title, "".join(body))


def _headline(marks: list[Marks], summaries: list[Summary]) -> str:
    answers = sum(summary.handed_in for summary in summaries)
    solved = sum(one.solved for one in marks)
    return say(
        f"{_students_in(marks)}, {solved} of {answers} answers solved.",
        f"{len(marks)}名学生，{answers}份答案中通过{solved}份。",
    ) + _commonest(summaries)


def _commonest(summaries: list[Summary]) -> str:
    every = [(len(who), summary.exercise, wrong) for summary in summaries for wrong, who in summary.shown]
    if not every:
        return ""
    count, name, wrong = max(every, key=lambda each: each[0])
    return say(
        f" Begin with the commonest misconception, {count} × in <code>{name}</code>: ",
        f"可以先讲最常见的误区，<code>{name}</code>中出现{count}次：",
    ) + ours_inline(str(wrong.explanation))


def picture(summaries: list[Summary]) -> str:
    """A bar an exercise, in parts by status, as SVG with a text that says the same."""
    if not summaries:
        return ""
    most = max(summary.handed_in for summary in summaries)
    rows, height = [], 40 + ROW * len(summaries)
    for number, summary in enumerate(summaries):
        rows.append(_bar(summary, 40 + ROW * number, (WIDTH - LABELS - 60) / most))
    told = say("; ", "；").join(
        f"{summary.exercise}{say(': ', '：')}{_counted(summary)}" for summary in summaries
    )
    title = say("Answers by exercise and status", "各练习的答案情况")
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="picture-title picture-text">'
        f'<title id="picture-title">{title}</title><desc id="picture-text">{escape(told)}</desc>'
        f"{_legend(summaries)}{''.join(rows)}</svg>"
    )


def _legend(summaries: list[Summary]) -> str:
    parts, x = [], LABELS
    for name in SIGNS:
        if any(summary.counts[name] for summary in summaries):
            words = str(STATUSES[name])
            parts.append(f'<rect x="{x}" y="8" width="14" height="14" rx="2" class="bar-{name}"/>')
            parts.append(f'<text x="{x + 20}" y="20" font-size="14">{SIGNS[name]} {escape(words)}</text>')
            x += 56 + sum(15 if ord(sign) > 0x2E80 else 8 for sign in words)
    return "".join(parts)


def _bar(summary: Summary, y: int, unit: float) -> str:
    parts = [
        f'<text x="{LABELS - 10}" y="{y + 15}" font-size="13" text-anchor="end">{summary.exercise}</text>'
    ]
    x = float(LABELS)
    for name in SIGNS:
        if count := summary.counts[name]:
            width = unit * count
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="20" class="bar-{name}">'
                f"<title>{escape(str(STATUSES[name]))}{say(': ', '：')}{count}</title></rect>"
            )
            x += width
    solved = summary.counts["solved"]
    parts.append(f'<text x="{x + 8:.1f}" y="{y + 15}" font-size="13">{solved}/{summary.handed_in}</text>')
    return "".join(parts)


def _counted(summary: Summary) -> str:
    counts = [(str(STATUSES[name]), summary.counts[name]) for name in SIGNS if summary.counts[name]]
    return say(", ", "，").join(say(f"{words} {count}", f"{words}{count}") for words, count in counts)


def _section(summary: Summary) -> str:
    head = (
        f'<section id="{summary.exercise}"><h2><code>{summary.exercise}</code></h2><p>{_counted(summary)}</p>'
    )
    rows = [
        _row(len(who), ours(str(wrong.explanation)) + _source(wrong), who) for wrong, who in summary.shown
    ]
    if summary.unnamed:
        what = say(
            "No known mistake: look at what the checks say on their pages.",
            "不属于已知的误区：请看各人反馈页上检查的说明。",
        )
        rows.append(_row(len(summary.unnamed), f"<p>{what}</p>", summary.unnamed))
    if not rows:
        return f"{head}</section>"
    header = (
        f'<tr><th class="number">{say("Times", "次数")}</th>'
        f"<th>{say('What it is, and what to say', '是什么，怎么讲')}</th>"
        f'<th class="who">{say("Who", "谁")}</th></tr>'
    )
    return f"{head}<table>{header}{''.join(rows)}</table></section>"


def _row(count: int, what: str, who: list[str]) -> str:
    names = say(", ", "、").join(theirs(name) for name in who[:NAMES_SHOWN])
    if len(who) > NAMES_SHOWN:
        names += say(f" and {len(who) - NAMES_SHOWN} more", f"等{len(who)}人")
    return f'<tr><td class="number">{count}</td><td>{what}</td><td>{names}</td></tr>'


def _source(wrong: WrongAnswer) -> str:
    if not wrong.reference:
        return ""
    return f'<p class="soft">{say("Seen in: ", "出处：")}{ours_inline(wrong.reference)}</p>'


def _students(marks: list[Marks], pages: dict[str, str]) -> str:
    rows = "".join(_student(one, pages[one.student]) for one in marks)
    header = (
        f'<tr><th class="who">{say("Student", "学生")}</th><th class="number">{say("Solved", "通过")}</th>'
        f'<th class="short">{say("Language", "语言")}</th>'
        f"<th>{say('To be looked at', '需要留意')}</th></tr>"
    )
    return f"<table>{header}{rows}</table>"


def _student(one: Marks, where: str) -> str:
    return (
        f'<tr><td><a href="{quote(where)}">{theirs(one.student)}</a></td>'
        f'<td class="number">{one.solved}/{len(one.answers)}</td>'
        f'<td class="short">{TITLES[one.language]}</td>'
        f"<td>{'<br>'.join(map(theirs, remarks(one)))}</td></tr>"
    )


def remarks(one: Marks) -> list[str]:
    """What a teacher should know of a student's files, a sentence each, in the language in use."""
    found = []
    for file in one.files:
        told = [*map(str, file.problems), *map(str, file.remarks)]
        if file.reaches:
            told.append(
                say(
                    "it looks at the grader itself; read it before you count it",
                    "它触及了批改程序本身；计分之前请先读一遍",
                )
            )
        if not (file.reports or told):
            told.append(say("no solution", "没有答案"))
        found += [f"{file.path}{say(': ', '：')}{text}" for text in told]
    return found


def _students_in(marks: list[Marks]) -> str:
    return "1 student" if len(marks) == 1 else f"{len(marks)} students"


def status_line(marks: list[Marks]) -> str:
    """The class in one line: students, answers solved, the commonest mistake."""
    summaries = summarise(marks)
    answers = sum(summary.handed_in - summary.counts["todo"] for summary in summaries)
    solved = sum(one.solved for one in marks)
    line = say(
        f"{_students_in(marks)}, {solved} of {answers} answers solved",
        f"{len(marks)}名学生，{answers}份答案中通过{solved}份",
    )
    every = [
        (len(who), summary.exercise, wrong.name) for summary in summaries for wrong, who in summary.shown
    ]
    if not every:
        return line
    count, name, mistake = max(every, key=lambda each: each[0])
    return line + say(
        f"; most often: {mistake} in {name}, {count} ×", f"；最常见：{name}的{mistake}，{count}次"
    )


def other_reports() -> dict[str, str]:
    """Language → the file of the report in it; the reader's own is `report.html`."""
    return {
        code: "report.html" if code == current_language() else f"report.{code}.html" for code in LANGUAGES
    }
