"""The plain format in which a copy reports to the process that graded: reading it runs nothing of the copy's.

A message is its length, then JSON: the name of its kind and its content. A kind is `str` or a dataclass of
texts, numbers, truth values, None, lists and other such dataclasses.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Union, get_args, get_origin, get_type_hints

TEXT_CHARACTERS = 4_000  # longer texts are cut
MESSAGE_BYTES = 1 << 20
MESSAGES = 100_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # a terminal would act on some of them
_PLAIN = (str, int, float, bool, NoneType)


class Garbled(ValueError):
    """The bytes are not what `encode` writes."""


def encode(event) -> bytes:
    """One message. event: an instance of a kind; texts lose what no terminal and no file can hold."""
    content = asdict(event) if is_dataclass(event) else event
    body = json.dumps([type(event).__name__, _tidy(content)], ensure_ascii=False).encode("utf-8", "replace")
    return len(body).to_bytes(4, "big") + body


class Reader:
    """Puts messages together from the bytes as they come."""

    def __init__(self, kinds: tuple[type, ...]):
        self._kinds = {kind.__name__: kind for kind in kinds}
        self._buffer, self._count = b"", 0

    def feed(self, chunk: bytes) -> Iterator:
        """Yields the events that the bytes complete. Raises: Garbled, at the first that is none."""
        self._buffer += chunk
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > MESSAGE_BYTES:
                raise Garbled(f"a message of {size} bytes")
            if len(self._buffer) < 4 + size:
                return
            body, self._buffer = self._buffer[4 : 4 + size], self._buffer[4 + size :]
            self._count += 1
            if self._count > MESSAGES:
                raise Garbled("too many messages")
            yield self._decode(body)

    def _decode(self, body: bytes):
        try:
            name, content = json.loads(body)
            return _fit(_tidy(content), self._kinds[name])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise Garbled(type(error).__name__) from error


def _tidy(value):
    if isinstance(value, str):
        return _CONTROL.sub("�", value[:TEXT_CHARACTERS])
    if isinstance(value, list | tuple):
        return [_tidy(item) for item in value]
    return {key: _tidy(item) for key, item in value.items()} if isinstance(value, dict) else value


def _fit(value, kind):
    """The value as an instance of `kind`. Raises: TypeError where it is none."""
    if kind in _PLAIN:
        if type(value) is kind:
            return value
    elif is_dataclass(kind):
        hints = get_type_hints(kind)
        if isinstance(value, dict) and value.keys() == {field.name for field in fields(kind)}:
            return kind(**{name: _fit(item, hints[name]) for name, item in value.items()})
    elif get_origin(kind) is list:
        if isinstance(value, list):
            return [_fit(item, *get_args(kind)) for item in value]
    elif get_origin(kind) in (UnionType, Union):
        for choice in get_args(kind):
            try:
                return _fit(value, choice)
            except TypeError:
                continue
    raise TypeError(f"{type(value).__name__} is no {kind}")
