"""A question's Markdown as HTML, for places outside a notebook."""

from functools import cache
from html import escape

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin


def to_html(markdown: str) -> str:
    r"""Markdown as HTML; a formula stands between \( and \), or \[ and \], where MathJax finds it."""
    return _converter().render(markdown)


@cache
def _converter() -> MarkdownIt:
    return MarkdownIt("js-default").use(dollarmath_plugin, renderer=_formula)


def _formula(tex: str, options: dict) -> str:
    left, right = (r"\[", r"\]") if options["display_mode"] else (r"\(", r"\)")
    return f"{left}{escape(tex.strip(), quote=False)}{right}"
