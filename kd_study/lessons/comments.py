"""Text as comment lines of Python, none of them wider than a screen."""

import re
import unicodedata

WIDTH = 100  # a Chinese sign takes two


def comments(text: str) -> str:
    """The text with `# ` before each line, broken where it is too wide, but for code between fences."""
    lines, fenced = [], False
    for line in text.splitlines():
        fence = line.startswith("```")
        fenced ^= fence
        lines += [line] if fenced or fence else _wrapped(line)
    return "\n".join(f"# {line}".rstrip() for line in lines)


def unwrapped(text: str) -> str:
    """The text with each paragraph on one line; lists, tables and code between fences as they are."""
    pieces = re.split(r"(```.*?```)", text, flags=re.DOTALL)
    return "".join(piece if piece.startswith("```") else _joined_lines(piece) for piece in pieces)


def _joined_lines(text: str) -> str:
    to_join = r"(?<=\S)\n(?=[^\s|*-]|\*\*)"
    between_signs = re.sub(rf"(?<=[\u2e80-\uffef]){to_join}(?=[\u2e80-\uffef])", "", text)
    return re.sub(to_join, " ", between_signs)


def _wrapped(line: str) -> list[str]:
    """The line in pieces: broken at spaces, and between any two Chinese signs."""
    pieces = re.findall(r"\s*(?:[\u2e80-\uffef][，。；：、！？）」”]*|[^\s\u2e80-\uffef]+)|\s+$", line)
    lines, current = [], ""
    for piece in pieces:
        if current and wide(current + piece) > WIDTH:
            lines.append(current)
            current, piece = "", piece.lstrip()
        current += piece
    return [*lines, current]


def wide(text: str) -> int:
    """Columns that a text takes: two for each Chinese sign."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)
