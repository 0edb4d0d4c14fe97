"""What people do to a command that no test set foresaw: small pure functions, text in, text out.

Where chance has a part it comes in as `rng`, so that the same seed makes the same mistakes.
"""

import random
import re
import unicodedata
from collections.abc import Mapping

FORMS = {  # of address: familiar → polite, or for Chinese a polite beginning
    "de": {
        "stell": "stellen Sie", "stelle": "stellen Sie", "schalte": "schalten Sie", "mach": "machen Sie",
        "mache": "machen Sie", "starte": "starten Sie", "stoppe": "stoppen Sie", "setze": "setzen Sie",
        "spiel": "spielen Sie", "spiele": "spielen Sie", "pausiere": "pausieren Sie", "füge": "fügen Sie",
        "verlängere": "verlängern Sie", "verringere": "verringern Sie", "heb": "heben Sie",
        "hebe": "heben Sie", "halt": "halten Sie", "halte": "halten Sie", "lass": "lassen Sie",
        "lasse": "lassen Sie", "öffne": "öffnen Sie", "schließe": "schließen Sie", "beende": "beenden Sie",
        "dein": "Ihr", "deine": "Ihre",
    },
    "fr": {
        "mets": "mettez", "met": "mettez", "passe": "passez", "monte": "montez", "change": "changez",
        "reprends": "reprenez", "annule": "annulez", "règle": "réglez", "remets": "remettez",
        "ajoute": "ajoutez", "ajuste": "ajustez", "ouvre": "ouvrez", "ferme": "fermez", "arrête": "arrêtez",
        "relance": "relancez", "lance": "lancez", "supprime": "supprimez", "dis": "dites",
        "allume": "allumez", "éteins": "éteignez",
    },
    "hu": {
        "növeld": "növelje", "folytasd": "folytassa", "csökkentsd": "csökkentse", "indítsd": "indítsa",
        "szüneteltesd": "szüneteltesse", "vegyél": "vegyen", "játszd": "játssza", "állítsd": "állítsa",
        "kapcsold": "kapcsolja", "némítsd": "némítsa", "állíts": "állítson", "adj": "adjon",
        "menj": "menjen", "ugorj": "ugorjon", "húzd": "húzza", "dokkold": "dokkolja", "oldd": "oldja",
        "mondj": "mondjon", "kapcsolj": "kapcsoljon", "oltsd": "oltsa", "csukd": "csukja",
        "töröld": "törölje", "takaríts": "takarítson",
    },
    "ru": {
        "включи": "включите", "переключи": "переключите", "останови": "остановите",
        "возобнови": "возобновите", "приостанови": "приостановите", "поставь": "поставьте",
        "продолжи": "продолжите", "добавь": "добавьте", "отними": "отнимите", "установи": "установите",
        "прибавь": "прибавьте", "верни": "верните", "убери": "уберите", "уменьши": "уменьшите",
        "вычеркни": "вычеркните", "увеличь": "увеличьте", "запусти": "запустите", "накинь": "накиньте",
        "отключи": "отключите", "выключи": "выключите", "сделай": "сделайте", "помой": "помойте",
        "открой": "откройте", "закрой": "закройте", "подними": "поднимите", "опусти": "опустите",
    },
    "zh": {"": "麻烦您"},
}  # fmt: skip
FILLERS = {"en": "um", "de": "ähm", "fr": "euh", "hu": "öö", "ru": "э", "zh": "那个"}
LATIN = dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziyklmnoprstufye", strict=True)) | {
    "ё": "yo", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "",
    "ю": "yu", "я": "ya",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")


def with_typos(text: str, rng: random.Random, share: float = 0.3) -> str:
    """In this share of the words of four letters and more one slip: two neighbours swapped, or one lost."""

    def slip(found: re.Match) -> str:
        word = found[0]
        if len(word) < 4 or rng.random() >= share:
            return word
        place = rng.randrange(1, len(word) - 1)
        swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        return rng.choice([swapped, word[:place] + word[place + 1 :]])

    return _WORD.sub(slip, text)


def without_accents(text: str) -> str:
    """Letters as on a foreign keyboard: "hőmérséklet" → "homerseklet", "für" → "fur"."""
    return "".join(mark for mark in unicodedata.normalize("NFD", text) if not unicodedata.combining(mark))


def romanised(text: str) -> str:
    """Russian in Latin letters, as typed where there is no other keyboard: "включи" → "vklyuchi"."""
    return "".join(LATIN.get(letter, letter) for letter in text.lower())


def in_two_languages(text: str, english: Mapping[str, str], rng: random.Random, share: float = 0.5) -> str:
    """This share of the words that the dictionary knows in English: "таймер на кухне" → "timer на кухне"."""
    return _WORD.sub(
        lambda found: (
            english[found[0].lower()] if found[0].lower() in english and rng.random() < share else found[0]
        ),
        text,
    )


def in_any_order(text: str, rng: random.Random) -> str:
    """The same words, shuffled; a script without spaces stays as it is."""
    words = text.split()
    return " ".join(rng.sample(words, len(words)))


def politely(text: str, language: str) -> str:
    """The polite form of address: "mach das Licht an" → "machen Sie das Licht an"."""
    forms = FORMS.get(language, {})
    if polite := forms.get(""):
        return polite + text
    return _WORD.sub(lambda found: forms.get(found[0].lower(), found[0]), text)


def as_heard(text: str, language: str, rng: random.Random) -> str:
    """As a speech recogniser writes: lower case, no punctuation, and a filler before some word."""
    words = re.sub(r"[^\w\s%]+", " ", text).lower().split()
    words.insert(rng.randint(0, max(len(words) - 1, 0)), FILLERS[language])
    return ("" if language == "zh" else " ").join(words)
