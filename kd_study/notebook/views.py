"""How things look in a notebook: HTML beside plain text. Every mark can be read without colour."""

import re
from html import escape

from kd_solutions.support.language import say


def report_html(report, next_step: str) -> str:
    """A `Report`, the misconceptions first, then check by check, what else was found, and what to do next."""
    passed = sum(result.passed for result in report.results)
    title = {
        "todo": "todo",
        "passed": say(f"✓ all {passed} checks passed", f"✓ {passed}项检查全部通过"),
        "failed": say(
            f"✗ {passed} of {len(report.results)} checks passed",
            f"✗ {len(report.results)}项检查通过了{passed}项",
        ),
    }[report.status]
    parts = [f"<p><b><code>{escape(report.exercise)}</code>: {escape(title)}</b></p>"]
    for intro, found in report.diagnoses():
        text = f"<b>{intro.strip()}</b> {inline(found.explanation)}"
        if found.reference:
            text += f"<br><i>{say('Seen in:', '出处：')} {inline(found.reference)}</i>"
        parts.append(f"<blockquote><p>{text}</p></blockquote>")
    if report.results:
        parts.append(f"<ul>{''.join(map(_result_html, report.results, report.messages()))}</ul>")
    if report.printed:
        intro = say("Your function printed:", "你的函数打印了：")
        parts.append(f"<p>{intro}</p><pre>{escape(report.printed)}</pre>")
    if report.remark:
        parts.append(f"<p><b>{say('A remark:', '附注：')}</b> {inline(report.remark)}</p>")
    if report.calls_reference:
        parts.append(f"<p>{inline(report.on_the_reference())}</p>")
    parts.append(f"<p>{inline(next_step)}</p>")
    return "".join(parts)


def _result_html(result, message: str) -> str:
    title = escape(result.title or result.name)
    if result.passed:
        return f"<li>✓ {title}</li>"
    return f"<li><b>✗ {title}</b><br>{inline(message)}</li>"


def inline(text: str) -> str:
    """Text as HTML, with what stands between backticks as code, and links to notebooks as links."""
    with_code = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\[([^\[\]]+)\]\((\w+\.ipynb[\w#=-]*)\)", r'<a href="\2">\1</a>', with_code)


def table(titles: list[str], rows: list[list[str]]) -> str:
    """An HTML table."""
    return f"<table>{_row('th', titles)}{''.join(_row('td', row) for row in rows)}</table>"


def _row(tag: str, texts: list[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{inline(text)}</{tag}>' for text in texts)}</tr>"


def show_table(titles: list[str], rows: list[list[str]]) -> None:
    """Shows a table."""
    show("\n".join(" | ".join(row) for row in [titles, *rows]), table(titles, rows))


def show(plain: str, html: str) -> None:
    """Shows HTML in a notebook, and plain text anywhere else."""
    _display({"text/plain": plain, "text/html": html})


def show_markdown(text: str) -> None:
    """Shows Markdown, rendered in a notebook."""
    _display({"text/plain": text, "text/markdown": text})


def _display(bundle: dict[str, str]) -> None:
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython():
        display(bundle, raw=True)
    else:
        print(bundle["text/plain"])
