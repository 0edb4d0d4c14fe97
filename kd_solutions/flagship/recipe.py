"""How the flagship is trained: the numbers, and shorter ways for lessons."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """How a student is trained; the values are those of `python -m kd_study distill`.

    steps of `batch` texts. shares: of rewritten commands, translations and English in a batch. short_share:
    of dictionary-like strings among translations and English strings. dropout: of words. table_rate,
    body_rate: learning rates of the table and of the layers, which decay linearly. versions: rewritings of
    each command a language. label_weight: of the English labels beside the teacher's vectors. limit: English
    commands at most, and as many other English strings; None: all. translated: share of the other English
    strings whose translations are known. wrong_words: share of the lexicon's words with another one's
    translations.
    """

    steps: int = 9_000
    batch: int = 256
    shares: tuple[float, float, float] = (0.5, 0.3, 0.2)
    short_share: float = 0.5
    dropout: float = 0.15
    table_rate: float = 0.03
    body_rate: float = 0.002
    versions: int = 2
    label_weight: float = 0.1
    limit: int | None = None
    translated: float = 1.0
    wrong_words: float = 0.0

    @property
    def counts(self) -> dict[str, int]:
        """Group → texts of a batch; the rewritten commands take what rounding leaves."""
        _, translations, english = (round(self.batch * share) for share in self.shares)
        short, commands = round(translations * self.short_share), english // 2
        short_english = round((english - commands) * self.short_share)
        return {
            "rewritten": self.batch - translations - english,
            "translations": translations - short,
            "translations short": short,
            "commands": commands,
            "english": english - commands - short_english,
            "english short": short_english,
        }


FULL = Recipe()
SHORTER = replace(FULL, steps=1_500)  # some 20 s
QUICK = replace(FULL, steps=600, versions=1, limit=2_000)  # some 10 s, for a first look
LABELS_ONLY = replace(FULL, steps=1_000)
