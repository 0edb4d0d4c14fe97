"""Lesson 07: one task, three languages without a label, and small students that get there in several ways."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from kd_solutions.data.commands import ENGLISH, Commands, load_commands
from kd_solutions.data.parallel import load_parallel
from kd_solutions.data.translations import PLACEHOLDER
from kd_solutions.flagship import lexicon
from kd_solutions.flagship.corpus import rewritten_commands, training_commands
from kd_solutions.flagship.recipe import FULL
from kd_solutions.losses.numerics import UNLABELLED, unit
from kd_solutions.models.student import StudentModel
from kd_solutions.models.subwords import Features, WordBags, tokenize
from kd_solutions.support.language import say
from kd_study.lessons.kit.experiments import ADAM, few_commands, train_head
from kd_study.lessons.kit.pictures import MARKERS

LANGUAGES = ("de", "zh", "hu")
EACH = 60  # English commands of an intent at most, so that no intent drowns the others
PAIRS = 4_000  # translations of a language
LONGEST = 8  # English words of a translated string
DROPOUT = 0.15  # of words
SURE = 0.3  # chance of a translation below which a stretch of characters counts for nothing
WINDOW = 4  # characters of a Chinese word at most
STRINGS = (16_000, 8_000)  # for a lexicon; of Chinese, where each has many more candidates, half as many
LOOKS = (("o", "black"), ("s", "white"), ("^", "grey"), ("X", "lightgrey"))
Pairs = list[tuple[list[str], list[str]]]  # (foreign words, English words)
Table = Mapping[tuple[str, str], float]  # (foreign word, English word) → t(English | foreign)


def commands_in(language: str, count: int = 400, tuning: bool = False) -> Commands:
    """A fixed sample of labelled commands, none of whose templates a student was trained on.

    Of English from the test half, of other languages from every second template of the development half, so
    that their test half stays closed; tuning: from the other templates, on which something may be chosen.
    """
    every = load_commands(language, "test" if language == ENGLISH else "dev")
    templates = every.templates.unique()[int(tuning) :: 2]
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(0))
    return _rows(every, order[torch.isin(every.templates[order], templates)][:count])


def english_commands() -> Commands:
    """The labelled English commands of this lesson, at most `EACH` of an intent."""
    every = load_commands(ENGLISH, "train")
    return _rows(every, few_commands(every.labels, EACH, seed=0))


def _rows(commands: Commands, rows: Tensor) -> Commands:
    return replace(
        commands,
        texts=[commands.texts[row] for row in rows.tolist()],
        labels=commands.labels[rows],
        templates=commands.templates[rows],
    )


def translations(language: str, count: int = PAIRS, seed: int = 0) -> list[tuple[str, str]]:
    """(English, translation) of a sample of a user interface's short strings."""
    return random.Random(seed).sample(_translations(language), count)


@cache
def _translations(language: str) -> list[tuple[str, str]]:
    pairs = load_parallel([language]).training_pairs(language)
    return [pair for pair in pairs if 2 < len(pair[0].split()) <= LONGEST]


def held_out_translations(count: int) -> dict[str, list[str]]:
    """Language → the same strings of a user interface in each, English too; nothing is trained on them."""
    parallel = load_parallel(LANGUAGES)
    tables = {language: dict(parallel.held_out_pairs(language, 1500)) for language in LANGUAGES}
    shared = [text for text in tables[LANGUAGES[0]] if all(text in table for table in tables.values())]
    shared = [text for text in shared if len(text.split()) > 2][:count]
    return {ENGLISH: shared} | {name: [table[text] for text in shared] for name, table in tables.items()}


def word_pairs(language: str, longest: int = 3) -> Pairs:
    """The words of a sample of a user interface's shortest strings, foreign and English, for `ibm1_step`.

    Chinese marks no words, so every stretch of up to four characters that occurs twice is a candidate.
    """
    split = _stretches if language == "zh" else tokenize
    short = [
        (words, translation)
        for english, translation in load_parallel([language]).training_pairs(language)
        if 0 < len(words := lexicon.english_tokens(english)) <= longest
        and PLACEHOLDER not in english + translation
    ]
    found = [
        (split(text), words) for words, text in random.Random(0).sample(short, STRINGS[language == "zh"])
    ]
    times = Counter(word for foreign, _ in found for word in set(foreign))
    return [([word for word in foreign if times[word] > 1], english) for foreign, english in found]


def _stretches(text: str) -> list[str]:
    return lexicon.windows(text) if len(text) <= 3 * WINDOW else []


def even_table(pairs: Pairs) -> dict[tuple[str, str], float]:
    """Where nothing is known yet: any English word may translate any foreign one beside it."""
    return {(foreign, english): 1.0 for theirs, ours in pairs for foreign in theirs for english in ours}


def dictionary(table: Table) -> dict[str, str]:
    """Foreign word → its likeliest English word; of stretches of characters only those that are sure."""
    best: dict[str, tuple[float, str]] = {}
    for (foreign, english), chance in table.items():
        best[foreign] = max(best.get(foreign, (0.0, "")), (chance, english))
    sure = {word: found for word, found in best.items() if not is_stretch(word) or found[0] > SURE}
    return {word: english.replace("_", " ") for word, (_, english) in sure.items()}


def is_stretch(word: str) -> bool:
    """True for more than one character of a script that puts no space between words."""
    return len(word) > 1 and lexicon.is_unspaced([word])


def word_by_word(text: str, words: Mapping[str, str], language: str) -> str:
    """A foreign command in English; a word without a translation stays as it is, for it may be a name."""
    cut = _longest_known(text.lower(), words) if language == "zh" else tokenize(text)
    return " ".join(words.get(word, word) for word in cut)


def _longest_known(text: str, words: Mapping[str, str]) -> list[str]:
    found = []
    while text:
        length = next((n for n in range(WINDOW, 0, -1) if text[:n] in words), 1)
        found.append(text[:length])
        text = text[length:]
    return [word for word in found if word in words]


@dataclass(frozen=True, eq=False)
class Reading:
    """All that this lesson's students may read, each text with the number of its English original.

    texts: T of them. originals: (T,) rows of `english`. labels: (E,) intents, `UNLABELLED` where an English
    text is no command. itself: (E,) the number of the English text. groups: name → numbers of texts.
    """

    texts: list[str]
    originals: np.ndarray
    english: list[str]
    labels: Tensor
    itself: np.ndarray
    groups: dict[str, np.ndarray]
    bags: WordBags
    intents: tuple[str, ...]


def gather_reading() -> Reading:
    """Labelled English commands, their rewritings, translations of a user interface and their originals."""
    commands = english_commands()
    label_of = dict(zip(commands.texts, commands.labels.tolist(), strict=True))
    rows: dict[str, list[tuple[str, str]]] = {"commands": [(text, text) for text in commands.texts]}
    every = training_commands().texts
    rows["rewritten"] = [
        (text, english)
        for rewritten in rewritten_commands(LANGUAGES, FULL, progress=False)
        for text, english in zip(rewritten, every * FULL.versions, strict=True)
        if english in label_of
    ]
    rows["translations"] = [(text, english) for name in LANGUAGES for english, text in translations(name)]
    sides = dict.fromkeys(english for _, english in rows["translations"])
    rows["english"] = [(text, text) for text in sides if text not in label_of]
    return _reading(rows, label_of, commands.intents)


def _reading(
    rows: dict[str, list[tuple[str, str]]], label_of: dict[str, int], intents: tuple[str, ...]
) -> Reading:
    number: dict[str, int] = {}
    texts, originals, groups = [], [], {}
    for group, pairs in rows.items():
        groups[group] = np.arange(len(texts), len(texts) + len(pairs))
        texts += [text for text, _ in pairs]
        originals += [number.setdefault(english, len(number)) for _, english in pairs]
    originals = np.array(originals)
    itself = np.zeros(len(number), dtype=np.int64)
    for group in ("commands", "english"):
        itself[originals[groups[group]]] = groups[group]
    return Reading(
        texts,
        originals,
        list(number),
        torch.tensor([label_of.get(english, UNLABELLED) for english in number]),
        itself,
        groups,
        WordBags(new_student(intents, 0).features, texts),
        intents,
    )


def new_student(intents: Sequence[str], seed: int) -> StudentModel:
    """The flagship's student with a sixteenth of its table: a second of training shows a difference."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        student = StudentModel(intents, rows=8192, width=64, hidden=128)
    student.table.sparse = False  # so few rows are faster whole
    return student


def train(
    reading: Reading,
    counts: dict[str, int],
    loss_function: Callable[[StudentModel, Features, Tensor], Tensor],
    seed: int,
    both_sides: bool = False,
    steps: int = 150,
    rates: tuple[float, float] = (0.06, 0.006),
) -> StudentModel:
    """A student after `steps` batches; every way to teach one in this lesson goes through here.

    counts: group → texts of a batch. loss_function: (student, features, numbers of the English originals) →
    a scalar. both_sides: their originals stand behind the texts, in the same order. rates: of the table and
    of the layers, falling to nothing.
    """
    student = new_student(reading.intents, seed)
    table, rest = student.table.parameters(), [*student.body.parameters(), *student.head.parameters()]
    optimizer = ADAM([{"params": table, "lr": rates[0]}, {"params": rest, "lr": rates[1]}])
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        rows = np.concatenate([rng.choice(reading.groups[name], count) for name, count in counts.items()])
        if both_sides:
            rows = np.concatenate([rows, reading.itself[reading.originals[rows]]])
        features = reading.bags.batch(rows, DROPOUT, rng)
        loss = loss_function(student, features, torch.from_numpy(reading.originals[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return student.eval()


def percent(logits: Tensor, labels: Tensor) -> float:
    """Share of right answers in percent."""
    return 100 * (logits.argmax(-1) == labels).float().mean().item()


def pieces_of(folder: Path, texts: Sequence[str]) -> list[list[str]]:
    """What the tokenizer in a teacher's folder cuts texts into."""
    from transformers import AutoTokenizer

    encoded = AutoTokenizer.from_pretrained(folder)(list(texts), add_special_tokens=False)
    return [encoded.tokens(row) for row in range(len(texts))]


def nearest_in_pool(vectors: Mapping[str, Tensor]) -> tuple[float, float]:
    """Of all texts of all languages together: percent whose nearest other is in their own language, and
    percent whose nearest is a translation of them."""
    together = unit(torch.cat(list(vectors.values())))
    size = len(next(iter(vectors.values())))
    nearest = (together @ together.T).fill_diagonal_(-torch.inf).argmax(1)
    place = torch.arange(len(together))
    own, translation = place // size == nearest // size, place % size == nearest % size
    return 100 * own.float().mean().item(), 100 * translation.float().mean().item()


def by_language(
    clean: Callable[[Tensor, Tensor], Tensor], vectors: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The vectors of each language after `clean(all of them, number of the language of each)`."""
    sizes = [len(those) for those in vectors.values()]
    numbers = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    cleaned = clean(torch.cat(list(vectors.values())), numbers)
    return dict(zip(vectors, cleaned.split(sizes), strict=True))


def wins(scores: Tensor) -> Tensor:
    """(M,): how many of the N searches each target wins, from (N, M) scores."""
    return scores.argmax(1).bincount(minlength=scores.shape[1])


def draw_plane(ax: Axes, vectors: Mapping[str, Tensor], joined: int, count: int = 60) -> None:
    """The first `count` texts of each language in the plane in which all vectors differ most; a line joins
    text `joined` with its translations."""
    together = torch.cat(list(vectors.values()))
    middle = together.mean(0)
    directions = torch.linalg.svd(together - middle, full_matrices=False).Vh[:2]
    directions = directions * directions.sum(1, keepdim=True).sign()  # a machine's choice otherwise
    points = {language: (those - middle) @ directions.T for language, those in vectors.items()}
    for (language, those), (marker, colour) in zip(points.items(), LOOKS, strict=False):
        style = {"marker": marker, "markerfacecolor": colour, "markeredgecolor": "black"}
        ax.plot(
            *those[:count].T, linestyle="none", markersize=4, label=language, markeredgewidth=0.6, **style
        )
    ax.plot(*torch.stack([those[joined] for those in points.values()]).T, color="black", linewidth=2)
    ax.set(xticks=[], yticks=[], xlabel="direction of most spread", ylabel="next direction")


def draw_against_pairs(ax: Axes, counts: Sequence[int], curves: Mapping[str, Sequence[float]]) -> None:
    """Percent read against the number of sentence pairs, a line a name."""
    for (name, scores), marker in zip(curves.items(), MARKERS, strict=False):
        ax.plot(counts, scores, marker=marker, color="black", markerfacecolor="white", label=name)
    ax.set(xlabel="pairs that the rotation is learned from", ylabel="commands read, %", ylim=(0, 100))
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def likeliest(table: Table, foreign: str, count: int) -> str:
    """The likeliest English words of a foreign one, each with its chance in percent."""
    chances = sorted((chance, english) for (word, english), chance in table.items() if word == foreign)
    return percents({english: 100 * chance for chance, english in chances[: -count - 1 : -1]})


def percents(scores: Mapping[str, float]) -> str:
    """Names with their percentages on one line."""
    shown = [say(f"{name} {score:.0f} %", f"{name} {score:.0f}%") for name, score in scores.items()]
    return say(", ", "、").join(shown)


@torch.no_grad()
def own_head(reading: Reading, student: StudentModel) -> StudentModel:
    """The student with a head fitted on its vectors of the labelled English commands."""
    rows = reading.groups["commands"]
    vectors = student.encode([reading.texts[row] for row in rows])
    labels = reading.labels[reading.originals[rows]]
    with torch.enable_grad():
        student.head = train_head(vectors, labels, len(reading.intents))
    return student


@torch.no_grad()
def with_few_labels(
    encode: Callable[[Sequence[str]], Tensor],
    english: Commands,
    commands: Mapping[str, Commands],
    seed: int,
    each: int = 5,
) -> list[float]:
    """Percent that one head reads in each foreign language, fitted on English and a few labels of each.

    each: labels of an intent and language, drawn from the other templates of the development half.
    """
    vectors, labels = [encode(english.texts)], [english.labels]
    for language in LANGUAGES:
        labelled = commands_in(language, 10_000, tuning=True)
        drawn = _rows(labelled, few_commands(labelled.labels, each, seed))
        vectors.append(encode(drawn.texts))
        labels.append(drawn.labels)
    with torch.enable_grad():
        head = train_head(torch.cat(vectors), torch.cat(labels), len(english.intents))
    foreign = [commands[language] for language in LANGUAGES]
    return [percent(head(encode(sample.texts)), sample.labels) for sample in foreign]
