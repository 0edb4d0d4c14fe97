"""Does a search understand what is asked? `python -m benchmarks.search` asks 100 questions in 11 languages.

`paraphrases.yaml` holds them, each with the question of the bank that is meant. How often that one comes
first, and how often among the first five, is counted for plain keywords, for pieces of words, for the student
that was distilled last, for pieces and student together, and for what `questions --search` does. Writes
benchmarks/search.md.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from math import log
from pathlib import Path

import torch
import yaml

from kd_solutions.data.translations import ENGLISH
from kd_solutions.evaluation.intervals import paired_bootstrap, share_interval
from kd_solutions.flagship.store import CARD, load_student, students_folder
from kd_solutions.models.student import StudentModel
from kd_solutions.support.files import write_whole
from kd_study.questions import Question, all_questions
from kd_study.questions.own_words import search
from kd_study.questions.ranking import Encode, Meanings, Pieces, rank

FOLDER = Path(__file__).parent
RECORD = FOLDER / "search.md"
BEST = 5
COMPARED = (
    ("pieces and student", "pieces of words"),
    ("student", "plain keywords"),
    ("student", "untrained student"),
)
Search = Callable[[str], Sequence[Question]]  # what is asked → questions, the best first
Measured = dict[str, dict[str, list[int | None]]]  # search → language → places


class Words:
    """A plain keyword search: whole words, weighted by how rare they are, in question and short answer."""

    def __init__(self, questions: Iterable[Question]):
        self._words = [Counter(words(" ".join([*each.title, *each.answer_short]))) for each in questions]
        holding = Counter(word for counts in self._words for word in counts)
        self._rarity = {word: log(len(self._words) / number) for word, number in holding.items()}

    def __call__(self, text: str) -> list[float]:
        asked = set(words(text))
        return [sum(self._rarity[word] for word in sorted(asked) if word in counts) for counts in self._words]


def words(text: str) -> list[str]:
    """Words in lower case; of Chinese every pair of signs."""
    found = []
    for run in re.findall("[\u4e00-\u9fff]+|[^\\W_\u4e00-\u9fff]+", text.casefold()):
        chinese = "\u4e00" <= run[0] <= "\u9fff"
        found += [run[place : place + 2] for place in range(len(run) - 1)] if chinese else [run]
    return found


def paraphrases(part: str = "measured_on") -> dict[str, list[dict[str, str]]]:
    """Language → what is asked, each with the id of the question that is meant."""
    return yaml.safe_load((FOLDER / "paraphrases.yaml").read_text("utf-8"))[part]


def places(asked: list[dict[str, str]], search: Search) -> list[int | None]:
    """For each paraphrase the place of the question that is meant, from 1; None where it isn't found."""
    found = []
    for each in asked:
        order = [question.id for question in search(each["ask"])]
        found.append(order.index(each["id"]) + 1 if each["id"] in order else None)
    return found


def hits(found: Iterable[int | None], best: int) -> int:
    """How many are among the `best` first."""
    return sum(place is not None and place <= best for place in found)


def untrained() -> Encode:
    """The control: the vectors of a student that learned nothing, so that only its hashed pieces count."""
    torch.manual_seed(0)
    return torch.no_grad()(StudentModel(["none"]).eval().encode)


def searches(encode: Encode) -> dict[str, Search]:
    """Name → search; encode: the student's."""
    bank = all_questions().values()
    words, pieces, student = Words(bank), Pieces(bank), Meanings(bank, encode)
    control = Meanings(bank, untrained())
    return {
        "plain keywords": lambda text: rank(bank, text, words),
        "pieces of words": lambda text: rank(bank, text, pieces),
        "student": lambda text: rank(bank, text, student),
        "untrained student": lambda text: rank(bank, text, control),
        "pieces and student": lambda text: rank(bank, text, pieces, student),
        "as `--search` does": lambda text: search(text, lambda: student).questions,
    }


def measure(encode: Encode, part: str = "measured_on") -> Measured:
    """Search → language → places."""
    return {
        name: {language: places(asked, each) for language, asked in paraphrases(part).items()}
        for name, each in searches(encode).items()
    }


def totals(measured: Measured) -> str:
    """A row a search: shares with their 95 % intervals."""
    lines = ["| search | right one first | among the first five |", "|---|---|---|"]
    for name, by_language in measured.items():
        every = [place for found in by_language.values() for place in found]
        lines.append(f"| {name} | {_share(every, 1)} | {_share(every, BEST)} |")
    return "\n".join(lines)


def by_language(measured: Measured) -> str:
    """A row a search, a column a language: how often first / among the first five."""
    asked = next(iter(measured.values()))
    lines = [f"| first / of five | {' | '.join(asked)} |", "|---" * (len(asked) + 1) + "|"]
    lines.append(f"| asked | {' | '.join(str(len(found)) for found in asked.values())} |")
    for name, languages in measured.items():
        cells = [f"{hits(found, 1)} / {hits(found, BEST)}" for found in languages.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def gains(measured: Measured) -> str:
    """What the student adds among the first five, in points with the 95 % interval over paired questions."""

    def hit(name: str) -> list[float]:
        return [100.0 * hits([place], BEST) for found in measured[name].values() for place in found]

    lines = []
    for name, rival in COMPARED:
        mean, low, high = paired_bootstrap(hit(name), hit(rival))
        lines.append(f"- {name} against {rival}: {mean:+.0f} points ({low:+.0f} to {high:+.0f})")
    return "\n".join(lines)


def _share(found: list[int | None], best: int) -> str:
    share, low, high = share_interval(hits(found, best), len(found))
    return f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def newest_distilled() -> str:
    """The command that made the student that is measured, by its card."""
    (folder,) = students_folder().glob("student-*")
    card = json.loads((folder / CARD).read_bytes())
    languages = " ".join(name for name in card["languages"] if name != ENGLISH)
    return f"`python -m kd_study distill --languages {languages} --seed {card['seed']}`"


def main() -> None:
    encode = torch.no_grad()(load_student()[0].encode)
    measured = measure(encode)
    parts = [
        "# Asking in one's own words",
        f"`python -m benchmarks.search` on {date.today()}, {len(all_questions())} questions in the bank; the "
        f"student of {newest_distilled()}. Shares with their 95 % interval.",
        totals(measured),
        by_language(measured),
        "Among the first five, question by question:",
        gains(measured),
        "The same on the 33 questions on which the way to search was chosen:",
        totals(measure(encode, "chosen_on")),
        READING,
    ]
    write_whole(RECORD, ("\n\n".join(parts) + "\n").encode())
    print(RECORD.read_text("utf-8"))


READING = """## How to read it

- A search for whole words, which is what one would write first, hardly ever finds a question asked in
  another language. The cheap rival that counts is one for pieces of words: without any model it finds as
  much as the student does, by names and by what languages have in common (*temperatura*, *Vokabular*).
- The two err in different places, and together they find more than either: that is what
  `questions --search` and the page of all questions use. The student was distilled on a home's user
  interface and on short commands, where this field's words hardly occur; half of the questions still
  don't come up, in Russian and Hungarian most of them.
- It isn't the seed: a second student (seed 1) finds 40 % alone and 48 % together with the pieces, 11 points
  more than those (4 to 19).
- In English the student adds next to nothing. In Chinese, in which the bank is written too, it harms: there
  `--search` leaves it out. That exception was made after this table had been seen (the 33 questions
  allow it and don't prove it), so the last row flatters it a little at the first place.
- An untrained student, which has the same hashed pieces of words and random vectors, finds next to
  nothing: what the student finds, it learned.
- 9 or 10 questions a language tell languages apart only where the difference is large. They were
  written by one author, who knew the bank; whoever doesn't will ask further off."""

if __name__ == "__main__":
    main()
