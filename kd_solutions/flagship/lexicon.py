"""Word translations mined from parallel text, and English commands rewritten with them.

The rewritten commands are no good German or Chinese. But the meaning of a bag of words survives, and they are
more like commands than a user interface's own sentences.

Source: IBM model 1 (Brown et al. 1993), in both directions.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from kd_solutions.data.translations import PLACEHOLDER
from kd_solutions.flagship.thesaurus import PARAPHRASES
from kd_solutions.models.subwords import NUMBER, UNSPACED, tokenize

Lexicon = Mapping[str, list[tuple[str, float]]]  # English word or phrase → (translation, weight), best first

PARTICLES = {
    "turn": {"on", "off", "up", "down"},
    "switch": {"on", "off", "up", "down"},
    "bring": {"up", "down"},
    "take": {"off"},
    "go": {"back"},
    "shut": {"off", "down"},
    "check": {"off"},
}
FARTHEST = 6  # words between a verb and its particle, as in "turn the lights in the kitchen on"
PHRASES = (
    "living room", "washing machine", "lawn mower", "garage door", "media player", "color temperature",
    "first floor", "ground floor", "how many", "how much", "how long", "shopping list",
)  # fmt: skip
FUNCTION_WORDS = frozenset(tokenize("the my our a an of to for in on by and at it s"))  # "is" and "any" ask
FUNCTION_WORDS_DROPPED = 0.8  # shares in a rewritten command
UNKNOWN_KEPT = 0.5
FIRST_WORD_LAST = 0.3
PARAPHRASED = 0.5
ROUNDS = 5  # of expectation maximisation
TRANSLATIONS = 4  # kept of one word
UNSURE = 0.5  # added to the counts of an association, so that one occurrence proves little
WEAKEST = 0.15  # of the best translation's score
LONGEST_PHRASE = 3  # English words looked up as a whole
LONGEST_WINDOW = 4  # characters of a Chinese, Japanese or Thai word

_RUN = re.compile(rf"[{UNSPACED}]+|[^\W\d_{UNSPACED}]+|%")


def english_tokens(text: str) -> list[str]:
    """Words, with collocations as one: "turn the light off" → turn_off, the, light."""
    sentence = f" {' '.join(tokenize(text))} "
    for phrase in PHRASES:
        sentence = sentence.replace(f" {phrase} ", f" {phrase.replace(' ', '_')} ")
    words = sentence.split()
    for i, verb in enumerate(words):
        for j in range(i + 1, min(i + 2 + FARTHEST, len(words))) if verb in PARTICLES else ():
            if words[j] in PARTICLES[verb]:
                words[i], words[j] = f"{verb}_{words[j]}", ""
                break
    return [word for word in words if word]


def mine(pairs: Sequence[tuple[str, str]]) -> Lexicon:
    """English word or short phrase → its translations, from (English, translation) pairs of one language.

    Of no pair nothing is learned, and the lexicon is empty.
    """
    if not pairs:
        return {}
    unspaced = is_unspaced(translation for _, translation in pairs)
    split = windows if unspaced else tokenize
    english = [_distinct(english_tokens(text)) for text, _ in pairs]
    other = [_distinct(split(translation)) for _, translation in pairs]
    found = associations(english, other) if unspaced else alignments(english, other)
    return _best(_add_whole_strings(found, pairs), whole_words=not unspaced)


def _distinct(words: Iterable[str]) -> list[str]:
    return [word for word in dict.fromkeys(words) if word != PLACEHOLDER]


def is_unspaced(texts: Iterable[str]) -> bool:
    """True for a language that puts no spaces between words."""
    sample = "".join(text for text, _ in zip(texts, range(1000), strict=False))
    return len(re.findall(f"[{UNSPACED}]", sample)) > 0.3 * len(sample)


def windows(text: str) -> list[str]:
    """Every stretch of up to four characters of unspaced script, and the words of spaced ones."""
    found = []
    for run in _RUN.findall(text.lower()):
        longest = LONGEST_WINDOW if re.match(f"[{UNSPACED}]", run) else 0
        found += [run[i : i + n] for n in range(1, longest + 1) for i in range(len(run) - n + 1)] or [run]
    return found


def alignments(english: Sequence[Sequence[str]], other: Sequence[Sequence[str]]) -> dict[str, Counter]:
    """IBM model 1 in both directions: English word → Counter by P(other | english) · P(english | other)."""
    cells = _Cells(english, other)
    forward, backward = cells.probabilities("english"), cells.probabilities("other")
    found: dict[str, Counter] = defaultdict(Counter)
    score = forward * backward
    for cell in np.flatnonzero(score > 0.005):
        found[cells.english[cells.e[cell]]][cells.other[cells.o[cell]]] = float(score[cell])
    return found


def associations(english: Sequence[Sequence[str]], other: Sequence[Sequence[str]]) -> dict[str, Counter]:
    """English word → Counter of stretches by Dice's coefficient, for scripts where nobody marks the words."""
    cells = _Cells(english, other)
    lengths = np.array([len(words) for words in english])
    weight = 1 / np.maximum(lengths, 1)  # a short string says more about its words
    together = np.bincount(cells.of_pair, weight[cells.sentence])
    e_total = np.bincount(cells.english_flat, np.repeat(weight, lengths))[cells.e]
    o_lengths = np.array([len(words) for words in other])
    o_total = np.bincount(cells.other_flat, np.repeat(weight, o_lengths))[cells.o]
    dice = 2 * together / (e_total + o_total + UNSURE)
    found: dict[str, Counter] = defaultdict(Counter)
    for cell in np.flatnonzero(dice > 0.05):
        stretch = cells.other[cells.o[cell]]
        length = 1.0 if len(stretch) > 1 else 0.7  # a single character is often only a part of the word
        found[cells.english[cells.e[cell]]][stretch] = float(dice[cell]) * length
    return found


class _Cells:
    """Each (English word, other word) of each sentence pair, as arrays; and the distinct pairs among them."""

    def __init__(self, english: Sequence[Sequence[str]], other: Sequence[Sequence[str]]):
        self.english_flat, e_lengths, self.english = _indexed(english)
        self.other_flat, o_lengths, self.other = _indexed(other)
        sizes = e_lengths * o_lengths
        self.sentence = sentence = np.repeat(np.arange(len(sizes)), sizes)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        e_start, o_start = np.cumsum(e_lengths) - e_lengths, np.cumsum(o_lengths) - o_lengths
        self.position = {
            "english": e_start[sentence] + within // o_lengths[sentence],
            "other": o_start[sentence] + within % o_lengths[sentence],
        }
        code = self.english_flat[self.position["english"]] * len(self.other)
        code += self.other_flat[self.position["other"]]
        pairs, self.of_pair = np.unique(code, return_inverse=True)
        self.e, self.o = np.divmod(pairs, len(self.other))

    def probabilities(self, given: str) -> np.ndarray:
        """(pairs,) P(word of the one side | word of the `given` side) by expectation maximisation."""
        given_word = self.e if given == "english" else self.o
        explained = self.position["other" if given == "english" else "english"]
        probability = np.ones(len(self.e))
        for _ in range(ROUNDS):
            share = probability[self.of_pair]
            share /= np.bincount(explained, share)[explained]
            expected = np.bincount(self.of_pair, share)
            probability = expected / np.bincount(given_word, expected)[given_word]
        return probability


def _indexed(lists: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    index: dict[str, int] = {}
    flat = np.array([index.setdefault(word, len(index)) for words in lists for word in words], dtype=np.int64)
    return flat, np.array([len(words) for words in lists]), list(index)


def _add_whole_strings(found: dict[str, Counter], pairs: Sequence[tuple[str, str]]) -> dict[str, Counter]:
    """Strings of one to three words are entries of a dictionary as they stand, and trusted more."""
    for text, translation in pairs:
        words = english_tokens(text)
        short = 0 < len(words) <= LONGEST_PHRASE and len(translation.split()) <= 2 * LONGEST_PHRASE
        if short and PLACEHOLDER not in text + translation:
            found[" ".join(words)][translation.lower()] += 0.5
    return found


def _best(found: Mapping[str, Counter], whole_words: bool) -> Lexicon:
    lexicon = {}
    for word in sorted(found):
        ranked = sorted(found[word].items(), key=lambda entry: (-entry[1], entry[0]))
        strong = [(text, score) for text, score in ranked if score >= WEAKEST * ranked[0][1]]
        lexicon[word] = (strong if whole_words else _without_fragments(strong))[:TRANSLATIONS]
    return lexicon


def _without_fragments(ranked: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Drop the pieces and the extensions of a better translation: 时器 and 计时器的 beside 计时器."""
    kept: list[tuple[str, float]] = []
    for text, score in ranked:
        if not any(text in better or better in text for better, _ in kept):
            kept.append((text, score))
    return kept


def with_wrong_words(lexicon: Lexicon, share: float, rng: random.Random) -> Lexicon:
    """The lexicon, in which a share of the words, drawn at random, have each other's translations."""
    words = rng.sample(sorted(lexicon), round(share * len(lexicon)))
    return {
        **lexicon,
        **{word: lexicon[other] for word, other in zip(words, words[1:] + words[:1], strict=True)},
    }


def rewrite(words: Sequence[str], lexicon: Lexicon, rng: random.Random) -> str:
    """An English command, as `english_tokens` gives it, word by word in another language.

    Some words give way to a paraphrase. Then the longest phrases that the lexicon knows are translated, each
    translation drawn by its weight; most function words are left out, as they rarely have a counterpart. A
    word without a translation often stays: it may be a name. Sometimes the first word goes last, as verbs do
    in many languages.
    """
    written = []
    for phrase in _known_phrases(_paraphrase(words, rng), lexicon):
        if phrase in FUNCTION_WORDS and rng.random() < FUNCTION_WORDS_DROPPED:
            continue
        if phrase != NUMBER and (options := lexicon.get(phrase)):
            translations, weights = zip(*options, strict=True)
            written += rng.choices(translations, weights)
        elif phrase == NUMBER or rng.random() < UNKNOWN_KEPT:
            written.append(phrase.replace("_", " "))
    if len(written) > 1 and rng.random() < FIRST_WORD_LAST:
        written.append(written.pop(0))
    return " ".join(written)


def _paraphrase(words: Sequence[str], rng: random.Random) -> list[str]:
    said = []
    for word in words:
        if word in PARAPHRASES and rng.random() < PARAPHRASED:
            said += rng.choice(PARAPHRASES[word]).split()
        else:
            said.append(word)
    return said


def _known_phrases(words: Sequence[str], lexicon: Lexicon) -> Iterator[str]:
    """The words, joined from the left to the longest phrases of the lexicon; unknown words alone."""
    start = 0
    while start < len(words):
        for length in range(min(LONGEST_PHRASE, len(words) - start), 0, -1):
            phrase = " ".join(words[start : start + length])
            if phrase in lexicon or length == 1:
                yield phrase
                break
        start += length
