"""Labelled commands: sentences sampled from the templates of Home Assistant's voice intents.

Source: the package home-assistant-intents (Apache-2.0); its templates are parsed by hassil.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from kd_solutions.data.translations import ENGLISH

PER_TEMPLATE = 20  # sentences at most, or the hundred templates of three timer intents swamp the rest
PER_CLASS = 80  # sentences at most of a class in one half of a target language
DRAWS = 60  # tries to find so many different sentences of one template
TEST_SHARE = {ENGLISH: 3}  # every third English template is for testing, elsewhere every second

MERGED = {
    "HassShoppingListAddItem": "HassListAddItem",
    "HassShoppingListCompleteItem": "HassListCompleteItem",
}
LEFT_OUT = {"HassRespond", "HassBroadcast", "HassNevermind"}  # small talk and dictation, not commands
INTENT_LANGUAGES = {"zh": "zh-CN", "zh-Hant": "zh-TW"}  # code here → code in the package

AREAS = ("Living Room", "Kitchen", "Bedroom", "Office", "Hallway", "Study", "Garage")
SWITCHES = ("Switch", "Heater", "Oven", "Dishwasher", "Washing machine", "Humidifier")
COVERS = ("Curtain", "Blind", "Garage door", "Gate", "Shutter", "Awning")
PLAYERS = ("TV", "Speaker", "Media player")
NAMES = {  # what a thing of a domain may be called; the templates say which domains fit
    "light": ("Light", "Lamp", "Nightlight", "Candle"),
    "switch": SWITCHES,
    "input_boolean": SWITCHES,
    "fan": ("Fan",),
    "climate": ("Thermostat", "Heater"),
    "media_player": PLAYERS,
    "cover": COVERS,
    "valve": ("Valve",),
    "lock": ("Lock", "Door"),
    "binary_sensor": ("Door", "Window", "Garage door"),
    "sensor": ("Temperature", "Humidity", "Battery"),
    "vacuum": ("Vacuum",),
    "lawn_mower": ("Lawn mower",),
    "button": ("Doorbell", "Restart"),
    "input_button": ("Doorbell", "Restart"),
    "scene": ("Movie", "Sleep", "Reading", "Party"),
    "script": ("Movie", "Sleep", "Reading", "Party"),
    "person": ("Anna", "Alex", "Maria", "Peter"),
    "weather": ("Home", "School", "Work"),
    "todo": ("Car", "School", "Work", "Party"),
}
SLOT_WORDS = {
    "area": AREAS,
    "floor": ("Upstairs", "First floor", "Ground floor"),
    "zone": ("Home", "Work", "School", "Office"),
    "timer_name": ("Coffee", "Oven", "Eggs", "Chicken", "Fish", "Washing machine", "Pizza"),
    "shopping_list_item": ("Coffee", "Eggs", "Battery", "Fish", "Chicken", "Vegetables", "Candle", "Pizza"),
    "todo_list_item": ("Car", "Vacuum", "Window", "Battery", "Meter reading", "Dishwasher", "Yoga"),
    "search_query": ("Queen", "Beethoven", "ABBA", "Jazz", "Madonna", "Adele", "The Beatles", "Metallica"),
}
SAME_EVERYWHERE = {"Pizza", "Yoga", *NAMES["person"], *SLOT_WORDS["search_query"]}
TIMER_COMMANDS = {
    "Turn off {}": "light",
    "Turn on {}": "switch",
    "Open {}": "cover",
    "Close {}": "cover",
    "Lock {}": "lock",
}


Slots = Mapping[str, list[str]]  # slot → what may stand there


@dataclass(frozen=True)
class Template:
    """One sentence template and up to `PER_TEMPLATE` sentences sampled from it."""

    intent: str
    text: str
    sentences: tuple[str, ...]


class Grammar:
    """The templates of one language, parsed.

    `slot_values` maps an open slot such as `area`, or the `name` of a thing of a domain such as `name:light`,
    to what may stand there; slots that the language defines itself (colours, numbers) need no entry. A
    template with an unknown slot is left out.
    """

    def __init__(self, language: str, slot_values: Slots):
        from hassil.intents import Intents
        from home_assistant_intents import get_intents

        raw = get_intents(INTENT_LANGUAGES.get(language, language))
        self.language, self.slot_values, self._raw = language, slot_values, raw
        self._parsed = Intents.from_dict(raw)
        self._rules, self._lists = self._parsed.expansion_rules, self._parsed.slot_lists

    @cached_property
    def templates(self) -> list[Template]:
        """Every usable template once an intent, sorted by intent and text."""
        return self._sampled(lambda intent: intent not in LEFT_OUT)

    @cached_property
    def left_out(self) -> list[Template]:
        """Templates that ask for nothing: greetings, thanks, something to be announced."""
        return self._sampled(LEFT_OUT.__contains__)

    def _sampled(self, wanted_intent: Callable[[str], bool]) -> list[Template]:
        domains: dict[tuple[str, str], set[str]] = defaultdict(set)
        for intent, body in self._raw["intents"].items():
            if wanted_intent(intent):
                for block in body["data"]:
                    wanted = block.get("requires_context", {}).get("domain", ())
                    for text in block["sentences"]:
                        domains[MERGED.get(intent, intent), text].update(
                            [wanted] if isinstance(wanted, str) else wanted
                        )
        sampled = (
            Template(intent, text, self._sample_template(intent, text, sorted(domains[intent, text])))
            for intent, text in sorted(domains)
        )
        return [template for template in sampled if template.sentences]

    def _sample_template(self, intent: str, text: str, domains: list[str]) -> tuple[str, ...]:
        from hassil.parse_expression import parse_sentence

        rng = seeded(self.language, intent, text)
        expression = parse_sentence(text).expression
        names = {name: None for domain in domains for name in self.slot_values.get(f"name:{domain}", ())}
        slots = {**self.slot_values, "name": list(names)}
        try:
            draws = (" ".join(self._draw(expression, slots, rng).split()) for _ in range(DRAWS))
            return tuple(sorted(dict.fromkeys(filter(None, draws)), key=lambda s: hashed(text, s)))[
                :PER_TEMPLATE
            ]
        except LookupError:
            return ()

    def _draw(self, node, slots: Slots, rng: random.Random) -> str:
        """A random sentence of an expression tree (hassil itself can only list all of them)."""
        from hassil import expression as tree

        match node:
            case tree.TextChunk():
                return node.original_text
            case tree.Alternative():
                return self._draw(rng.choice(node.items), slots, rng)
            case tree.Permutation():
                return " ".join(
                    self._draw(item, slots, rng) for item in rng.sample(node.items, len(node.items))
                )
            case tree.Sequence():
                return "".join(self._draw(item, slots, rng) for item in node.items)
            case tree.RuleReference():
                return self._draw(self._rules[node.rule_name].expression, slots, rng)
            case tree.ListReference():
                return self._draw_slot(node.list_name, slots, rng)
            case _:
                raise TypeError(f"hassil's {type(node).__name__} is new to this sampler")

    def _draw_slot(self, name: str, slots: Slots, rng: random.Random) -> str:
        from hassil.intents import RangeSlotList, TextSlotList

        match self._lists.get(name):
            case RangeSlotList() as numbers:
                return str(rng.choice(list(numbers.get_numbers())))
            case TextSlotList() as texts:
                return self._draw(rng.choice(texts.values).text_in, slots, rng)
            case _:
                if not (values := slots.get(name)):
                    raise LookupError(name)
                return rng.choice(values)


def slot_values(translate: Callable[[str], str | None]) -> dict[str, list[str]]:
    """Slot → its values in a language, given a dictionary; words without a translation are left out."""

    def known(words: tuple[str, ...]) -> list[str]:
        found = (word if word in SAME_EVERYWHERE else translate(word) for word in words)
        return [word for word in found if word]

    values = {slot: known(words) for slot, words in SLOT_WORDS.items()}
    values |= {f"name:{domain}": known(words) for domain, words in NAMES.items()}
    values["timer_command"] = [
        command.replace("{}", device)
        for command, domain in TIMER_COMMANDS.items()
        for command in known((command,))
        for device in values[f"name:{domain}"]
    ]
    return values


def hashed(*parts: str) -> bytes:
    """The same bytes for the same texts on every machine."""
    return hashlib.sha256("\n".join(parts).encode()).digest()


def seeded(*parts: str) -> random.Random:
    return random.Random(int.from_bytes(hashed(*parts)[:8], "big"))


def split_templates(templates: list[Template], language: str) -> tuple[list[Template], list[Template]]:
    """(train or dev, test): whole templates, within each intent, in an order given by a hash.

    A split by sentence would let the test see the training templates.
    """
    every = TEST_SHARE.get(language, 2)
    first, test = [], []
    by_intent: dict[str, list[Template]] = defaultdict(list)
    for template in templates:
        by_intent[template.intent].append(template)
    for intent in sorted(by_intent):
        ordered = sorted(by_intent[intent], key=lambda template: hashed(intent, template.text))
        test += ordered[every - 1 :: every]
        first += [template for i, template in enumerate(ordered) if i % every != every - 1]
    return first, test


def ambiguous_texts(templates: list[Template]) -> set[str]:
    """Texts (case folded) that carry two intents in one language: no one could label them."""
    intents: dict[str, set[str]] = defaultdict(set)
    for template in templates:
        for sentence in template.sentences:
            intents[sentence.casefold()].add(template.intent)
    return {text for text, of_text in intents.items() if len(of_text) > 1}


def label(
    templates: list[Template], skip: set[str], per_class: int | None = None
) -> list[tuple[str, str, int]]:
    """(sentence, intent, number of its template), each sentence once and none whose folded text is in `skip`.

    With `per_class`, the templates of a class take turns until the class has so many sentences.
    """
    rounds = [
        (turn, number, sentence)
        for number, template in enumerate(templates)
        for turn, sentence in enumerate(template.sentences)
    ]
    seen, taken, rows = set(skip), defaultdict(int), []
    for _, number, sentence in sorted(rounds, key=lambda row: row[:2]):
        intent = templates[number].intent
        if sentence.casefold() not in seen and (per_class is None or taken[intent] < per_class):
            seen.add(sentence.casefold())
            taken[intent] += 1
            rows.append((sentence, intent, number))
    return sorted(rows, key=lambda row: (row[2], row[0]))
