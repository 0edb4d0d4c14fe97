"""The families of distillation as a map to point at, as a table, and as a table with choices above it."""

from collections.abc import Iterable
from html import escape

from kd_solutions.support.language import current_language, say
from kd_study.lessons.families import (
    GROUPS,
    INPUTS,
    PASSES,
    SIGNS,
    TEACHERS,
    Family,
    address,
    all_families,
    find_family,
    short_links,
)
from kd_study.notebook.views import show

WIDE, HIGH, GAP = 150, 28, 8  # of a box, and between boxes
LEFT, TOP, NAMED = 84, 44, 22  # for the rows' titles, the columns' titles, a region's name
TALLEST = {"given": 8, "made": 1, "own": 2}  # boxes, one above the other
DASHES = {"response": "", "feature": "8 3", "relation": "2 3", "data": "12 3 2 3", "on_policy": "5 2"}
_FIRST = {"texts": 0, "labels": 1, "logits": 2, "features": 4, "relations": 5}  # logits take two columns
_COLUMNS = 6
_UNSEEN = 'style="list-style:none;margin:0;padding:0"'  # a list whose items lie elsewhere


class FamilyFinder:
    """Choices and a box for words; below them the table of the families that fit."""

    def __init__(self):
        import ipywidgets

        def choice(title: str, names: dict) -> ipywidgets.Dropdown:
            options = [(say("any", "不限"), ""), *((str(text), name) for name, text in names.items())]
            return ipywidgets.Dropdown(description=title, options=options, value="")

        self._choices = {
            "group": choice(say("family", "类别"), GROUPS),
            "passes": choice(say("passes on", "传递"), PASSES),
            "inputs": choice(say("reads", "输入"), INPUTS),
            "teachers": choice(say("teachers", "教师"), TEACHERS),
        }
        self._words = ipywidgets.Text(
            description=say("words", "搜索"), placeholder=say("in either language", "中英文都可以")
        )
        self._below = ipywidgets.Output()
        parts = [*self._choices.values(), self._words]
        for part in parts:
            part.observe(self._update, "value")
        row = ipywidgets.Layout(flex_flow="row wrap")
        self._box = ipywidgets.VBox([ipywidgets.HBox(parts, layout=row), self._below])
        self._update()

    def found(self) -> list[Family]:
        """The families that fit what is chosen and typed."""
        return find_family(self._words.value, **{name: part.value for name, part in self._choices.items()})

    def _update(self, _=None) -> None:
        text = table_of(self.found())
        data = {"text/markdown": text, "text/plain": text}
        self._below.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)

    def _repr_mimebundle_(self, **options) -> dict:
        plain = say(
            "Choices of group, what passes on, inputs and teachers, and a box for words",
            "类别、传递内容、输入、教师的选择框，以及搜索框",
        )
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}


def table_of(families: Iterable[Family]) -> str:
    """Families as a table in Markdown, each with a link to its entry."""
    titles = [
        say("family", "名称"), say("needs", "需要"), say("costs", "代价"), say("reported", "文献报告"),
        say("here", "在本课程"),
    ]  # fmt: skip
    rows = [
        [
            f"{SIGNS[each.teachers]} [{each.name}]({address(each)})",
            str(each.needs),
            str(each.costs),
            say(f"{each.reported} ({each.source})", f"{each.reported}（{each.source}）"),
            " ".join(short_links(each)),
        ]
        for each in families
    ]
    if not rows:
        return say("No family is like that.", "没有符合条件的类别。")
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def show_map() -> None:
    """Shows all families on a map; each is a link to its entry. Where styles are stripped, a list remains."""
    boxes = place(all_families().values())
    width, height = LEFT + _COLUMNS * (WIDE + GAP) + GAP, _bottom("own") + GAP
    style = f"position:relative;width:{width}px;height:{height}px;font-size:12px;line-height:{HIGH - 4}px"
    picture = f'<div style="overflow-x:auto"><div style="{style}">{_frame(width, height)}{_list(boxes)}</div>'
    legend = say("● one teacher · ●● several · ↻ itself", "● 一个教师 · ●● 多个 · ↻ 自己")
    plain = "\n".join(f"{GROUPS[group]}: {', '.join(names)}" for group, names in _names().items())
    show(f"{plain}\n{legend}", f"{picture}<p>{legend}</p></div>")


def place(families: Iterable[Family]) -> dict[str, tuple[int, int]]:
    """Family's id → (left, top) of its box. In the wide column one teacher stands left, all others right."""
    filled: dict[tuple[int, str], int] = {}
    boxes = {}
    for family in families:
        column = _FIRST[family.passes] + (family.passes == "logits" and family.teachers != "one")
        number = filled.setdefault((column, family.inputs), 0)
        filled[column, family.inputs] += 1
        boxes[family.id] = (
            LEFT + GAP + column * (WIDE + GAP),
            _top(family.inputs) + NAMED + number * (HIGH + 4),
        )
    return boxes


def _top(inputs: str) -> int:
    rows = list(INPUTS)
    above = rows[: rows.index(inputs)]
    return TOP + sum(_tall(row) + GAP for row in above)


def _tall(inputs: str) -> int:
    return NAMED + TALLEST[inputs] * (HIGH + 4) + 4


def _bottom(inputs: str) -> int:
    return _top(inputs) + _tall(inputs)


def _names() -> dict[str, list[str]]:
    names: dict[str, list[str]] = {group: [] for group in GROUPS}
    for family in all_families().values():
        names[family.group].append(f"{SIGNS[family.teachers]} {family.name}")
    return names


def _list(boxes: dict[str, tuple[int, int]]) -> str:
    """The links, group by group; each lies on its place of the map."""
    parts = []
    for group, title in GROUPS.items():
        left, top = _corner(group)
        links = "".join(
            f"<li>{_link(family, *boxes[family.id])}</li>"
            for family in all_families().values()
            if family.group == group
        )
        named = f'<b style="position:absolute;left:{left}px;top:{top}px">{escape(str(title))}</b>'
        parts.append(f"<li>{named}<ul {_UNSEEN}>{links}</ul></li>")
    return f"<ul {_UNSEEN}>{''.join(parts)}</ul>"


def _link(family: Family, left: int, top: int) -> str:
    style = (
        f"position:absolute;left:{left}px;top:{top}px;width:{WIDE - 6}px;height:{HIGH - 2}px;padding:0 4px;"
        "box-sizing:border-box;border:1px solid;border-radius:4px;white-space:nowrap;overflow:hidden"
    )
    name = f"{SIGNS[family.teachers]} {family.name}"
    return (
        f'<a href="{address(family)}" title="{escape(str(family.does))}" style="{style}">{escape(name)}</a>'
    )


def _corner(group: str) -> tuple[int, int]:
    column = {"response": 1, "feature": 4, "relation": 5}.get(group, 0)
    row = "own" if group == "on_policy" else "given"
    return LEFT + GAP + 4 + column * (WIDE + GAP), _top(row) - 1


def _frame(width: int, height: int) -> str:
    """Regions, and the titles of columns and rows, in the text's own colour, so that they suit any theme."""
    told = say(
        "A map of the families. Columns, from left to right: texts, labels, logits, features, relations; "
        "that is, how far one must see into the teacher. Rows: given inputs, inputs that a model made, "
        "the student's own texts.",
        "各类蒸馏的地图。列从左到右：文本、标签、logits、特征、关系，也就是要看到教师内部多深。行："
        "现成的输入、模型生成的输入、学生自己写的文本。",
    )
    texts = [_text(LEFT + GAP, 14, say("how far one must see into the teacher →", "要看到教师内部多深 →"))]
    for name, title in PASSES.items():
        texts.append(_text(LEFT + GAP + 4 + _FIRST[name] * (WIDE + GAP), TOP - 8, str(title), bold=True))
    for name, lines in _row_titles().items():
        texts += [_text(2, _top(name) + 24 + 15 * number, line) for number, line in enumerate(lines)]
    paths = "".join(
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-dasharray="{DASHES[group]}"/>'
        for group, path in _regions().items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(told)}" style="position:absolute;left:0;top:0" lang="{current_language()}">'
        f"<title>{escape(told)}</title>{paths}{''.join(texts)}</svg>"
    )


def _row_titles() -> dict[str, tuple[str, ...]]:
    en = {
        "given": ("inputs", "as given"),
        "made": ("made by", "a model"),
        "own": ("written by", "the student"),
    }
    zh = {"given": ("现成的", "输入"), "made": ("模型", "生成"), "own": ("学生", "自己写")}
    return {"en": en, "zh": zh}[current_language()]


def _text(x: int, y: int, text: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" fill="currentColor" font-size="12"{weight}>{escape(text)}</text>'


def _regions() -> dict[str, str]:
    """Group → path around its part of the map; the data's has two arms."""

    def left(column: int) -> int:
        return LEFT + 4 + column * (WIDE + GAP)

    def box(first: int, last: int, row: str) -> str:
        return f"M{left(first)} {_top(row)}H{left(last + 1) - 4}V{_bottom(row)}H{left(first)}Z"

    end = left(_COLUMNS) - 4
    data = f"M{left(0)} {_top('given')}H{left(1) - 4}V{_top('made')}H{end}V{_bottom('made')}H{left(0)}Z"
    return {
        "data": data,
        "response": box(1, 3, "given"),
        "feature": box(4, 4, "given"),
        "relation": box(5, 5, "given"),
        "on_policy": box(0, 5, "own"),
    }
