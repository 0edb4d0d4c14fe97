"""A student's page: what is right, which misconception is behind a wrong answer, a hint, where to read on.

It never shows a reference solution, and the last hint, a skeleton of one, is left to be asked for.
"""

from html import escape

from kd_solutions.support.language import current_language, say, speaking
from kd_study.classroom.html import ours, ours_inline, page, status, theirs
from kd_study.classroom.marks import STATUSES, Answer, Marks
from kd_study.exercises.catalog import exercise, sheet
from kd_study.grading.grade import Report
from kd_study.lessons.outline import LESSONS

COMMAND = "python -m kd_study"


def feedback_page(marks: Marks) -> str:
    """The whole page as HTML, in the student's language."""
    with speaking(marks.language):
        title = say(f"Feedback for {marks.student}", f"{marks.student}的作业反馈")
        body = [f"<h1>{theirs(title)}</h1>", _summary(marks), *_about_the_files(marks)]
        body += map(_section, marks.answers.values())
        body.append(f'<p class="soft">{_footer()}</p>')
        return page(title, "".join(body))


def _summary(marks: Marks) -> str:
    total = len(marks.answers)
    if not total:
        return f"<p>{_nothing()}</p>"
    solved = say(f"{marks.solved} of {total} solved", f"{total}题中通过{marks.solved}题")
    rows = "".join(
        f'<tr><td><a href="#{name}"><code>{name}</code></a></td>'
        f"<td>{status(answer.status, str(STATUSES[answer.status]))}</td></tr>"
        for name, answer in marks.answers.items()
    )
    return f"<p><strong>{solved}</strong></p><table>{rows}</table>"


def _nothing() -> str:
    return say(
        "No answer was found: a function has to bear the exercise's name, such as <code>kd_loss</code>.",
        "没有找到答案：函数名要与练习同名，例如<code>kd_loss</code>。",
    )


def _about_the_files(marks: Marks) -> list[str]:
    """What was amiss with the files as such, and what was put right to read them."""
    lines = []
    for file in marks.files:
        for text in [*map(str, file.problems), *map(str, file.remarks)]:
            lines.append(f"<li><code>{theirs(str(file.path))}</code>{say(': ', '：')}{theirs(text)}</li>")
    if not lines:
        return []
    return [f'<h2 id="files">{say("About your files", "关于你的文件")}</h2><ul>{"".join(lines)}</ul>']


def _section(answer: Answer) -> str:
    name = answer.exercise
    parts = [
        f'<section id="{name}"><h2><code>{name}</code> '
        f"{status(answer.status, str(STATUSES[answer.status]))}</h2>",
        f"<details><summary>{say('The exercise', '题目')}</summary>",
        f"{ours(str(sheet(name).statement))}</details>",
    ]
    if answer.status == "unread":
        parts.append(f"<p>{_unread()}</p>")
    if answer.report:
        parts += [_checks(name, answer.report), *map(_look, _looks(answer)), *_remark(answer.report)]
    if rung := _rung(answer):
        title = say(f"Hint {rung} of 3", f"提示{rung}/3")
        parts.append(f'<div class="look hint"><h3>{title}</h3>{ours(str(sheet(name).hints[rung - 1]))}</div>')
    if answer.status != "solved":
        parts.append(_read_on(answer))
    return "".join([*parts, "</section>"])


def _unread() -> str:
    here = f'<a href="#files">{say("About your files", "关于你的文件")}</a>'
    return say(
        f"It couldn't be graded: what kept it from that stands above, under {here}.",
        f"这道题无法批改：原因写在上面的{here}里。",
    )


def _checks(name: str, report: Report) -> str:
    """What is right and what isn't, check by check; in the messages a student's own words may stand."""
    from kd_study.grading.guard import CONDUCT

    titles = {check: str(method.title) for check, method in exercise(name).checks().items()}
    titles |= {check: str(title) for check, title in CONDUCT.items()}
    rows = [
        (result.passed, titles[result.name], message)
        for result, message in zip(report.results, report.messages(), strict=True)
        if result.name in titles
    ]
    right = [f"<li>{ours_inline(title)}</li>" for passed, title, _ in rows if passed]
    wrong = [
        f"<li><strong>{ours_inline(title)}</strong>{say(': ', '：')}{theirs(message)}</li>"
        for passed, title, message in rows
        if not passed
    ]
    parts = []
    if right:
        parts.append(f"<h3>{status('solved', say('What is right', '做对的'))}</h3><ul>{''.join(right)}</ul>")
    if wrong:
        parts.append(f"<h3>{status('failed', say('What to mend', '要改的'))}</h3><ul>{''.join(wrong)}</ul>")
    if report.printed:
        parts.append(
            f"<p>{say('Your function printed:', '你的函数打印了：')}</p><pre>{theirs(report.printed)}</pre>"
        )
    return "".join(parts)


def _looks(answer: Answer) -> list[tuple[str, str]]:
    """(title, HTML) of each mistake that the answer shows; of that it is borrowed."""
    if answer.status == "borrowed":
        return [(say("Not counted", "不计分"), f"<p>{escape(Report.on_the_reference())}</p>")]
    titles = [say("What this looks like", "这很像")] + [say("And also", "另外")] * 9
    found = []
    for title, wrong in zip(titles, answer.mistakes, strict=False):
        seen = (
            f'<p class="soft">{say("Seen in: ", "出处：")}{ours_inline(wrong.reference)}</p>'
            if wrong.reference
            else ""
        )
        found.append((title, ours(str(wrong.explanation)) + seen))
    return found


def _look(titled: tuple[str, str]) -> str:
    return f'<div class="look"><h3>{titled[0]}</h3>{titled[1]}</div>'


def _remark(report: Report) -> list[str]:
    if not report.remark:
        return []
    return [f"<p>{say('A remark: ', '附注：')}{theirs(report.remark)}</p>"]


def _rung(answer: Answer) -> int:
    """The hint that fits: the idea, or the formula where a part works or the mistake has a name; else 0.

    Where one check alone fails for a mistake that has a name, its explanation says all that there is to mend.
    """
    if answer.status == "todo":
        return 1
    if answer.status != "failed" or answer.report is None:
        return 0
    own = exercise(answer.exercise).checks()
    passed = [result.passed for result in answer.report.results if result.name in own]
    if answer.mistakes and passed.count(False) == 1:
        return 0
    return 2 if answer.mistakes or any(passed) else 1


def _read_on(answer: Answer) -> str:
    """The lesson that teaches it, or the page of all exercises, and the sources."""
    task, language = sheet(answer.exercise), current_language()
    lesson = next((each for each in LESSONS if each.name == task.lesson), None)
    if lesson:
        place = f"notebooks/{language}/{lesson.name}.ipynb"
        lines = [f"{ours_inline(str(lesson.title))} (<code>{place}</code>)"]
    else:
        place = f"notebooks/{language}/exercises.ipynb"
        lines = [
            say(f"The page of all exercises (<code>{place}</code>)", f"全部练习（<code>{place}</code>）")
        ]
    lines += [ours_inline(source) for source in task.sources]
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f'<div class="look read"><h3>{say("Read on", "接着读")}</h3><ul>{items}</ul></div>'


def _footer() -> str:
    return say(
        f"Graded by the checks of each exercise. <code>{COMMAND} check FILE</code> grades your file again "
        "after you have mended it. Sure that an answer is right? "
        f"<code>{COMMAND} dispute FILE NAME</code> writes down what to report.",
        f"由每道练习自带的检查批改。改完后可用<code>{COMMAND} check 文件</code>重新批改。"
        f"确信自己写对了？<code>{COMMAND} dispute 文件 名称</code>会写好可供反馈的文件。",
    )
