"""What every page of a class shares: its frame, its look, and how a student's words get in."""

import re
from html import escape
from pathlib import Path

from kd_solutions.support.language import current_language
from kd_study.questions.html import to_html
from kd_study.questions.signs import readable_math, without_gaps

_NOTHING_BUT_STYLE = "default-src 'none'; style-src 'unsafe-inline'"  # no script, nothing from elsewhere
LONGEST = 1_500  # characters of what comes from a student's answer
_SPACES = "\n\t\xa0\u3000"  # that count as not printable, and are harmless
SIGNS = {"solved": "✓", "failed": "✗", "borrowed": "≈", "unread": "?", "todo": "·"}
STYLE = Path(__file__).with_name("page.css").read_text("utf-8")


def page(title: str, body: str) -> str:
    """A whole page in the language in use, which needs nothing else; body: HTML."""
    return (
        f'<!doctype html>\n<html lang="{current_language()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_NOTHING_BUT_STYLE}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def ours(markdown: str) -> str:
    """A text of this project, Markdown with formulas, as HTML."""
    return to_html(without_gaps(readable_math(markdown)))


def ours_inline(markdown: str) -> str:
    """A sentence of this project as HTML without a paragraph around it."""
    return ours(markdown).strip().removeprefix("<p>").removesuffix("</p>")


def theirs(text: str) -> str:
    """A text in which a student's own words may stand, as HTML that shows it and does nothing else."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    shown = "".join(sign if sign.isprintable() or sign in _SPACES else "�" for sign in text)
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escape(shown))


def status(name: str, words: str) -> str:
    """A status as a sign and words; its colour says nothing that they don't."""
    return f'<span class="mark {name}">{SIGNS[name]} {escape(words)}</span>'
