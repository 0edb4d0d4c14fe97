"""Reads the Python code of a submitted file: a module as Python decodes it, a notebook cell by cell."""

import re
import tokenize
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say

LARGEST_BYTES = 50_000_000
_RUNS_ITS_CELL = re.compile(r"\s*%%(time|capture|prun)\b.*\n")  # magics around a cell that is Python itself


def cells_in(path: Path) -> list[str]:
    """The code of a Python file as one cell, or of each code cell of a notebook, with magics made harmless.

    Raises: StudyError, one sentence without the path, where the file can't be read.
    """
    try:
        if not path.is_file():
            path.stat()  # tells a missing file from a folder or a device
            raise StudyError(say("no file that can be read", "不是可以读取的文件"))
        if path.stat().st_size > LARGEST_BYTES:
            size = path.stat().st_size / 1e6
            raise StudyError(
                say(
                    f"{size:.0f} MB are too much for code: clear the outputs and save it again",
                    f"{size:.0f} MB，代码不该这么大：请清除输出后重新保存",
                )
            )
        if path.suffix == ".ipynb":
            return _notebook_cells(path.read_text("utf-8-sig"))
        with tokenize.open(path) as file:  # as Python reads it: BOM, `# coding: …`
            return [file.read()]
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "msg", None)
        reason = reason or say(f"not text in {error.encoding}", f"不是{error.encoding}编码的文本")
        raise StudyError(say(f"can't be read: {reason}", f"无法读取：{reason}")) from error


def _notebook_cells(text: str) -> list[str]:
    import nbformat
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        cells = nbformat.reads(text, as_version=4).cells
        sources = [cell.source for cell in cells if cell.cell_type == "code"]
    except Exception as error:  # nbformat raises many kinds for what is no notebook
        raise StudyError(say(f"no notebook: {error}", f"不是notebook：{error}")) from error
    transform = TransformerManager().transform_cell
    return [transform(_RUNS_ITS_CELL.sub("\n", source, count=1)) for source in sources]


def place_of(cells: list[str], cell: int, line: int) -> str:
    """Where a line of a cell stands, as a person would look for it. cell: counted from 0."""
    if len(cells) == 1:
        return say(f"line {line}", f"第{line}行")
    return say(f"line {line} of code cell {cell + 1}", f"第{cell + 1}个代码单元格第{line}行")
