"""Does a search understand what is asked? `python -m benchmarks.search` asks 100 questions in eleven languages.

`paraphrases.yaml` holds them, each with the question of the bank that is meant. How often that one comes first,
and how often among the first five, is counted for plain keywords, for pieces of words, for the student that
was distilled last, and for pieces and student together. Writes benchmarks/search.md.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from math import log
from pathlib import Path

import yaml

from kd_solutions.evaluation.intervals import share_interval
from kd_solutions.flagship.store import students_folder
from kd_solutions.support.files import write_whole
from kd_study.questions import Question, all_questions
from kd_study.questions.own_words import newest_student
from kd_study.questions.ranking import Meanings, Pieces, Score, rank

FOLDER = Path(__file__).parent
RECORD = FOLDER / "search.md"
BEST = 5
_WORD = re.compile("[\u4e00-\u9fff]{2}|[^\\W_\u4e00-\u9fff]+")


class Words:
    """What a plain keyword search does: whole words, weighted by how rare they are, in question and answer."""

    def __init__(self, questions: Iterable[Question]):
        self._words = [Counter(words(" ".join([*each.title, *each.answer_short]))) for each in questions]
        holding = Counter(word for counts in self._words for word in counts)
        self._rarity = {word: log(len(self._words) / number) for word, number in holding.items()}

    def __call__(self, text: str) -> list[float]:
        asked = set(words(text))
        return [
            sum(self._rarity[word] for word in sorted(asked) if word in counts) for counts in self._words
        ]


def words(text: str) -> list[str]:
    """Words in lower case; of Chinese every pair of signs."""
    found = []
    for run in re.findall("[\u4e00-\u9fff]+|[^\\W_\u4e00-\u9fff]+", text.casefold()):
        chinese = "\u4e00" <= run[0] <= "\u9fff"
        found += [run[place : place + 2] for place in range(len(run) - 1)] if chinese else [run]
    return found


def paraphrases() -> dict[str, list[dict[str, str]]]:
    """Language → what is asked, each with the id of the question that is meant."""
    return yaml.safe_load((FOLDER / "paraphrases.yaml").read_text("utf-8"))


def places(asked: list[dict[str, str]], scores: tuple[Score, ...]) -> list[int | None]:
    """For each paraphrase the place of the question that is meant, from 1; None where it isn't found."""
    bank = all_questions()
    found = []
    for each in asked:
        order = [question.id for question in rank(bank.values(), each["ask"], *scores)]
        found.append(order.index(each["id"]) + 1 if each["id"] in order else None)
    return found


def hits(found: Iterable[int | None], best: int) -> int:
    return sum(place is not None and place <= best for place in found)


def measure() -> dict[str, dict[str, list[int | None]]]:
    """Search → language → places."""
    bank = all_questions().values()
    pieces, student = Pieces(bank), Meanings(bank, newest_student())
    searches: dict[str, tuple[Score, ...]] = {
        "plain keywords": (Words(bank),),
        "pieces of words": (pieces,),
        "student": (student,),
        "pieces and student": (pieces, student),
    }
    return {
        name: {language: places(asked, scores) for language, asked in paraphrases().items()}
        for name, scores in searches.items()
    }


def tables(measured: dict[str, dict[str, list[int | None]]]) -> str:
    """Both tables of the record, in Markdown."""
    languages = list(next(iter(measured.values())))
    lines = ["| search | right one first | among the first five |", "|---|---|---|"]
    for name, by_language in measured.items():
        every = [place for found in by_language.values() for place in found]
        lines.append(f"| {name} | {_share(every, 1)} | {_share(every, BEST)} |")
    lines += ["", f"| of {BEST} | {' | '.join(languages)} |", "|---" * (len(languages) + 1) + "|"]
    counts = [str(len(found)) for found in next(iter(measured.values())).values()]
    lines.append(f"| asked | {' | '.join(counts)} |")
    for name, by_language in measured.items():
        cells = [f"{hits(found, 1)} / {hits(found, BEST)}" for found in by_language.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _share(found: list[int | None], best: int) -> str:
    share, low, high = share_interval(hits(found, best), len(found))
    return f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


if __name__ == "__main__":
    shown = tables(measure())
    print(shown)
