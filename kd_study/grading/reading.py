"""Reads the Python code of a submitted file, also of one that was damaged on its way.

A notebook is read cell by cell, and neither its metadata nor its form has to be right: what was retyped,
split, saved half or left with the markers of a merge is put right where that can be done without guessing
what was meant, and said.
"""

import ast
import json
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kd_solutions.support.language import Text, language_of
from kd_study.exercises.catalog import NAMES

LARGEST_BYTES = 50_000_000
JOINED = 30  # top-level lines at most that are read as one statement, where a file isn't Python as a whole
UNPARSABLE = (SyntaxError, ValueError, MemoryError, RecursionError, SystemError)  # what parsing may raise
_RUNS_ITS_CELL = re.compile(r"\s*%%(time|capture|prun)\b.*\n")  # magics around a cell that is Python itself
_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: .*)?")
_STARTS_A_CELL = re.compile(r'\{\s*"(?:attachments|cell_type|execution_count|id|metadata|outputs|source)"')
_GOES_ON = re.compile(r"\s|#|$|(?:else|elif|except|finally|case)\b|[)\]}]")  # no new top-level statement
_DEFINES = re.compile(rf"^(?:async )?(?:def|class) +({'|'.join(NAMES)})\b", re.MULTILINE)
_IDEOGRAPH, _WORD = re.compile("[\u4e00-\u9fff]"), re.compile("[A-Za-z]{2,}")
_SAID = re.compile(r'#.*|"""[^"]*"""')  # where people speak in code


class Unreadable(Exception):
    """No code can be read. text: one sentence without the path, in both languages."""

    def __init__(self, en: str, zh: str):
        super().__init__(en)
        self.text = Text(en, zh)


@dataclass(frozen=True)
class Cell:
    """Some code. number: of its cell in a notebook of several, from 1, else 0; above: lines of the cell before it."""

    code: str
    number: int = 0
    above: int = 0

    def place(self, line: int) -> Text:
        """Where a line of it, counted from 1, stands, as a person would look for it."""
        line += self.above
        if not self.number:
            return Text(f"line {line}", f"第{line}行")
        return Text(f"line {line} of code cell {self.number}", f"第{self.number}个代码单元格第{line}行")


@dataclass
class Contents:
    """What a file holds: code with magics made harmless, what was put right, the language ("" if unknown)."""

    cells: list[Cell]
    repairs: list[Text] = field(default_factory=list)
    language: str = ""


def read(path: Path) -> Contents:
    """The code of a Python file as one cell, or of each code cell of a notebook. Raises: Unreadable."""
    try:
        if not path.is_file():
            path.stat()  # tells a missing file from a folder or a device
            raise Unreadable("no file that can be read", "不是可以读取的文件")
        if path.stat().st_size > LARGEST_BYTES:
            size = path.stat().st_size / 1e6
            raise Unreadable(
                f"{size:.0f} MB are too much for code: clear the outputs and save it again",
                f"{size:.0f} MB，代码不该这么大：请清除输出后重新保存",
            )
        if path.suffix == ".ipynb":
            return _notebook(path.read_text("utf-8-sig"))
        with tokenize.open(path) as file:  # as Python reads it: BOM, `# coding: …`
            text = file.read()
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "msg", None)
        if reason:
            raise Unreadable(f"can't be read: {reason}", f"无法读取：{reason}") from error
        raise Unreadable(
            f"can't be read: not text in {error.encoding}", f"无法读取：不是{error.encoding}编码的文本"
        ) from error
    versions = sides(text)
    repairs = [_MERGED] if len(versions) > 1 else []
    return Contents([Cell(version) for version in versions], repairs, language_in(_SAID.findall(text)))


def pieces(cell: Cell) -> list[Cell]:
    """The cell; where it isn't Python as a whole, its top-level statements, so that one fault costs but one."""
    if parses(cell.code):
        return [cell]
    lines = cell.code.split("\n")
    starts = [number for number, line in enumerate(lines) if not _GOES_ON.match(line)]
    starts = [0, *[start for start in starts if start], len(lines)]
    found, first = [], 0
    while first < len(starts) - 1:
        last = first + 1
        for end in range(first + 1, min(first + JOINED, len(starts))):
            if parses("\n".join(lines[starts[first] : starts[end]])):
                last = end
                break
        code = "\n".join(lines[starts[first] : starts[last]])
        found.append(Cell(code, cell.number, cell.above + starts[first]))
        first = last
    return found


def answers_named(code: str) -> list[str]:
    """The exercises that some text, be it Python or not, seems to define at its top level."""
    return _DEFINES.findall(code)


def parses(code: str) -> bool:
    """Whether it is Python."""
    try:
        ast.parse(code)
    except UNPARSABLE:
        return False
    return True


def language_in(texts: Iterable[str]) -> str:
    """The language that people speak in these texts: "en", "zh", or "" where there is too little."""
    text = "\n".join(texts)
    ideographs, words = len(_IDEOGRAPH.findall(text)), len(_WORD.findall(text))
    if max(ideographs, words) < 5:
        return ""
    return "zh" if 2 * ideographs > words else "en"


def _notebook(text: str) -> Contents:
    if not text.strip():
        raise Unreadable("it is empty", "文件是空的")
    repairs: list[Text] = []
    versions = sides(text)
    if len(versions) > 1:
        repairs.append(_MERGED)
    read_versions = [_cells_and_language(version, repairs) for version in versions]
    *theirs, (own, language) = read_versions
    added = [cell for cells, _ in theirs for cell in cells if cell not in own]
    kinds = [_code_of(cell) for cell in (*added, *own)]
    retyped = [number for number, (code, is_code) in enumerate(kinds, 1) if code and not is_code]
    if retyped:
        repairs.append(
            Text(
                f"code in cells of another kind (cell {_listed(retyped)}) is read all the same",
                f"代码写在了其他类型的单元格里（第{_listed(retyped)}个），仍按代码读取",
            )
        )
    codes = [code for code, _ in kinds if code is not None]
    numbered = [(number, side) for number, code in enumerate(codes, 1) for side in sides(code)]
    if len(numbered) > len(codes):
        repairs.append(_MERGED)
    rejoined = list(_rejoined(numbered))
    if len(rejoined) < len(numbered):
        repairs.append(
            Text("cells that are split inside a function are joined", "函数中间被拆开的单元格已重新合并")
        )
    single = len(codes) == 1
    cells = [Cell(code, 0 if single else number) for number, code in rejoined]
    if not language:
        prose = [_source(cell) for cell in own if cell.get("cell_type") == "markdown"]
        language = language_in([*prose, *(said for code in codes for said in _SAID.findall(code))])
    return Contents(cells, list(dict.fromkeys(repairs)), language)


def _cells_and_language(text: str, repairs: list[Text]) -> tuple[list[dict], str]:
    """The cells of a notebook's text, whole or not, and the language that its metadata name."""
    try:
        whole = json.loads(text, strict=False)  # a line may end inside a string
    except RecursionError as error:
        raise Unreadable("no notebook: it is nested too deeply", "不是notebook：嵌套太深") from error
    except ValueError as error:
        if not (cells := list(_whole_cells(text))):
            raise Unreadable(f"no notebook: {error}", f"不是notebook：{error}") from error
        repairs.append(
            Text(
                f"the file is damaged or saved half: the {len(cells)} cells that are whole are read",
                f"文件已损坏或只保存了一半：读取了其中完整的{len(cells)}个单元格",
            )
        )
        return cells, ""
    content = whole if isinstance(whole, dict) else {}
    sheets = content.get("worksheets")
    if isinstance(sheets, list):  # before 2015
        content["cells"] = [
            cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells", [])
        ]
    if not isinstance(content.get("cells"), list):
        raise Unreadable("no notebook: it has no cells", "不是notebook：里面没有单元格")
    return [cell for cell in content["cells"] if isinstance(cell, dict)], _named_language(
        content.get("metadata")
    )


def _whole_cells(text: str) -> Iterator[dict]:
    """The cells that can be read from what is left of a notebook."""
    decoder, position = json.JSONDecoder(strict=False), 0
    while start := _STARTS_A_CELL.search(text, position):
        position = start.start() + 1
        try:
            cell, end = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if "cell_type" in cell or "source" in cell:
            yield cell
            position = end


def _named_language(metadata) -> str:
    """The language that a notebook's metadata name: `lang`, `language`, or below `kd_study`."""
    if not isinstance(metadata, dict):
        return ""
    ours = metadata.get("kd_study")
    named = [
        metadata.get("lang"),
        metadata.get("language"),
        ours.get("language") if isinstance(ours, dict) else None,
    ]
    return next((code for name in named if isinstance(name, str) and (code := language_of(name))), "")


def _code_of(cell: dict) -> tuple[str | None, bool]:
    """(a cell's code with magics made harmless, None where it has none; whether it is a code cell)."""
    kind, source = cell.get("cell_type"), _source(cell)
    is_code = kind == "code" or (kind is None and not cell.keys().isdisjoint({"outputs", "execution_count"}))
    if is_code or (answers_named(source) and parses(source)):
        return source, is_code
    return None, False


def _source(cell: dict) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        lines = [line for line in source if isinstance(line, str)]
        return ("" if any(line.endswith("\n") for line in lines) else "\n").join(lines)
    return source if isinstance(source, str) else ""


def _rejoined(numbered: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """(number, code) of each (number, source); cells that are Python only together are one."""
    from IPython.core.inputtransformer2 import TransformerManager

    transform = TransformerManager().transform_cell

    def python(source: str) -> str:
        return transform(_RUNS_ITS_CELL.sub("\n", source, count=1))

    found: list[tuple[int, str, str]] = []  # number, source, code
    for number, source in numbered:
        code = python(source)
        if found:
            first, before, code_before = found[-1]
            if not (_compiles(code) and _compiles(code_before)):
                together = python(f"{before}\n{source}")
                if _compiles(together):
                    found[-1] = first, f"{before}\n{source}", together
                    continue
        found.append((number, source, code))
    return ((number, code) for number, _, code in found)


def _compiles(code: str) -> bool:
    """Whether it is Python that could run by itself: `return` outside a function parses, but couldn't."""
    try:
        compile(code, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except UNPARSABLE:
        return False
    return True


_MERGED = Text(
    "it holds the markers of a merge: both sides are read, and where both define an answer the upper one counts",
    "文件里留有合并冲突的标记：两边都读取；两边都有的答案以上面一边为准",
)


def sides(text: str) -> list[str]:
    """A text with markers of a merge as it is below and above the lines of =, each line in its place; else itself."""
    if not re.search(r"^<{7}(?: |$)", text, re.MULTILINE):
        return [text]
    upper, lower, side = [], [], "<>"
    for line in text.split("\n"):
        if (marker := _MARKER.fullmatch(line)) and (marker[1][0] != "=" or side != "<>"):
            side = {"<": "<", "|": "", "=": ">", ">": "<>"}[marker[1][0]]
            line = ""
        upper.append(line if "<" in side else "")
        lower.append(line if ">" in side else "")
    return ["\n".join(lower), "\n".join(upper)]


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
