"""How long a lesson takes its reader: the one rule behind the minutes that lessons and outline state."""

import re
from pathlib import Path

from kd_study.lessons.families import entries
from kd_study.lessons.source import prose, read_cells
from kd_study.lessons.speech import in_language

A_MINUTE = {"en": 200, "zh": 300}  # words of English, characters of Chinese
STUDIED, SKIMMED = 20, 4  # seconds a line of code: in a cell marked study=true, in any other
LOOKED_AT = 15  # seconds a code cell: to run it and to look at what it prints or draws
SPOKEN = 2.4  # minutes a question: said aloud, then compared
_HAN_OR_WORD = r"[\u4e00-\u9fff]|[A-Za-z0-9][A-Za-z0-9'’_.-]*"


def minutes(source: Path, language: str) -> float:
    """Minutes for a lesson's prose, code and questions; its exercises state their own, the computer's come on
    top of both."""
    total, code, studied = 0.0, [], []
    for cell, twin in read_cells(source):
        if twin:
            total += _read(prose(cell, twin, language), language)
        elif "families" in cell.metadata:
            total += sum(_read(text, language) for _, text in entries(language))
        elif "question" in cell.metadata:
            total += SPOKEN
        elif cell.cell_type == "code" and cell.source:
            code.append(cell.source)
            studied.append(bool(cell.metadata.get("study")))
    for text, is_studied in zip(in_language(code, language), studied, strict=True):
        lines = [line for line in text.splitlines() if line.strip()]
        total += (len(lines) * (STUDIED if is_studied else SKIMMED) + LOOKED_AT) / 60
    return total


def _read(text: str, language: str) -> float:
    """Minutes for a text; the address of a link isn't read."""
    return len(re.findall(_HAN_OR_WORD, re.sub(r"\]\([^)]*\)", "]", text))) / A_MINUTE[language]
