"""Classes to mark: notebooks of lesson 01 with five answers each, whole, damaged or hostile.

The right answers are those at the whiteboard, the wrong ones mistakes that people make.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

from kd_study.exercises.catalog import exercise
from kd_study.exercises.stubs import solved_source, stub_source
from kd_study.lessons.editions import NOTEBOOKS

LESSON = "01_soft_labels"
ANSWERS = ("soft_targets", "soft_cross_entropy", "distillation_kl", "kd_loss", "logit_mse")
_IMPORT = "import torch.nn.functional as F\n\n\n"
WRONG = {  # exercise → (the mistake's name, an answer that makes it)
    "soft_targets": [
        (
            "ignores_the_temperature",
            "def soft_targets(logits, temperature=1.0):\n    return logits.softmax(-1)",
        ),
        (
            "multiplies_by_the_temperature",
            "def soft_targets(logits, temperature=1.0):\n    if not temperature > 0:\n"
            "        raise ValueError\n    return (logits * temperature).softmax(-1)",
        ),
    ],
    "soft_cross_entropy": [
        (
            "averages_over_classes",
            _IMPORT + "def soft_cross_entropy(student_logits, teacher_logits, temperature=1.0):\n"
            "    p = F.softmax(teacher_logits.detach() / temperature, -1)\n"
            "    return -(p * F.log_softmax(student_logits / temperature, -1)).mean()",
        ),
    ],
    "distillation_kl": [
        (
            "forgets_the_square",
            _IMPORT + "def distillation_kl(student_logits, teacher_logits, temperature=1.0):\n"
            "    log_q = F.log_softmax(student_logits / temperature, dim=-1)\n"
            "    p = F.softmax(teacher_logits.detach() / temperature, dim=-1)\n"
            '    return F.kl_div(log_q, p, reduction="batchmean")',
        ),
        (
            "averages_over_classes",
            _IMPORT + "def distillation_kl(student_logits, teacher_logits, temperature=1.0):\n"
            "    log_q = F.log_softmax(student_logits / temperature, dim=-1)\n"
            "    p = F.softmax(teacher_logits.detach() / temperature, dim=-1)\n"
            '    return temperature**2 * F.kl_div(log_q, p, reduction="mean")',
        ),
    ],
    "kd_loss": [
        (
            "swaps_the_weights",
            _IMPORT + "def kd_loss(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):\n"
            "    log_q = F.log_softmax(student_logits / temperature, dim=-1)\n"
            "    p = F.softmax(teacher_logits.detach() / temperature, dim=-1)\n"
            '    soft = temperature**2 * F.kl_div(log_q, p, reduction="batchmean")\n'
            "    return (1 - alpha) * soft + alpha * F.cross_entropy(student_logits, targets)",
        ),
    ],
    "logit_mse": [
        (
            "takes_the_plain_mse",
            _IMPORT + "def logit_mse(student_logits, teacher_logits):\n"
            "    return F.mse_loss(student_logits, teacher_logits.detach())",
        ),
    ],
}  # fmt: skip


def right(name: str) -> str:
    """A right answer, as a cell."""
    task = exercise(name)
    _ = task.reference
    return solved_source(task)


def chosen(seed: int) -> dict[str, str]:
    """A student's five answers, about every third of them wrong; the same for the same seed."""
    draw = random.Random(seed)
    return {name: draw.choice(WRONG[name])[1] if draw.random() < 0.35 else right(name) for name in ANSWERS}


def notebook(answers: dict[str, str], language: str = "en") -> dict:
    """Lesson 01's notebook with its stubs filled in, what the lesson doesn't ask for at its end."""
    book = json.loads((NOTEBOOKS / language / f"{LESSON}.ipynb").read_text("utf-8"))
    left = dict(answers)
    for cell in book["cells"]:
        text = "".join(cell["source"])
        name = next((name for name in left if f"def {name}(" in text), None)
        if cell["cell_type"] == "code" and name and "NotImplementedError" in text:
            cell["source"] = left.pop(name).splitlines(keepends=True)
    book["cells"] += [_code(text) for text in left.values()]
    return book


def _code(text: str) -> dict:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"added-{crc32(text.encode())}",
        "metadata": {},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }


def _cell_of(book: dict, name: str) -> int:
    return next(
        number
        for number, cell in enumerate(book["cells"])
        if cell["cell_type"] == "code" and f"def {name}(" in "".join(cell["source"])
    )


def _prose_deleted(book: dict) -> str:
    book["cells"] = [cell for cell in book["cells"] if "def " in "".join(cell["source"])]
    return _json(book)


def _copied_with_the_stub_below(book: dict) -> str:
    number = _cell_of(book, "kd_loss")
    stub = stub_source(exercise("kd_loss"))
    book["cells"].insert(number + 1, _code(stub))
    book["cells"].insert(number + 1, dict(book["cells"][number]))
    return _json(book)


def _retyped(book: dict) -> str:
    cell = book["cells"][_cell_of(book, "kd_loss")]
    for key in ("outputs", "execution_count"):
        cell.pop(key, None)
    cell["cell_type"] = "markdown"
    return _json(book)


def _split(book: dict) -> str:
    number = _cell_of(book, "kd_loss")
    lines = book["cells"][number]["source"]
    cut = next(n for n, line in enumerate(lines) if line.startswith("def kd_loss(")) + 1
    while not lines[cut].startswith("    return"):
        cut += 1
    halves = [_code("".join(lines[:cut])), _code("".join(lines[cut:]))]
    book["cells"][number : number + 1] = halves
    return _json(book)


def _stripped(book: dict) -> str:
    cells = [{"cell_type": cell["cell_type"], "source": "".join(cell["source"])} for cell in book["cells"]]
    return json.dumps({"cells": cells})


def _another_kernel(book: dict) -> str:
    book["metadata"] = {
        "kernelspec": {"display_name": "R", "language": "R", "name": "ir"},
        "language_info": {"name": "R"},
    }
    return _json(book)


def _merged(book: dict) -> str:
    lines = _json(book).split("\n")
    at = next(n for n, line in enumerate(lines) if "def kd_loss(" in line)
    marked = [
        "<<<<<<< HEAD",
        lines[at],
        "=======",
        lines[at].replace("alpha=0.5", "alpha=0.7"),
        ">>>>>>> mine",
    ]
    return "\n".join([*lines[:at], *marked, *lines[at + 1 :]])


def _saved_half(book: dict) -> str:
    text = _json(book)
    return text[: text.rindex('"cell_type"') - 20]


def _empty(book: dict) -> str:
    return ""


def _garbage(book: dict) -> str:
    return "\x00\x01 not a notebook at all"


DAMAGES: dict[str, Callable[[dict], str]] = {
    "deleted": _prose_deleted,
    "copied": _copied_with_the_stub_below,
    "retyped": _retyped,
    "split": _split,
    "stripped": _stripped,
    "kernel": _another_kernel,
    "merged": _merged,
    "half": _saved_half,
    "empty": _empty,
    "garbage": _garbage,
}
_SOLVED = "\ndef soft_targets(logits, temperature=1.0):\n    return (logits / temperature).softmax(-1)\n"
HOSTILE = {
    "exits": "import os\nX = os._exit(0)\ndef kd_loss(*a, x=X): pass" + _SOLVED,
    "loops": "\n".join(f"def {name}(*a, **k):\n    while True: pass" for name in ANSWERS),
    "loops_on_loading": "while True: X = 1\ndef kd_loss(*a, x=X): return x" + _SOLVED,
    "fills_memory": "X = [bytearray(10**9) for _ in range(100)]\ndef kd_loss(*a, x=X): return x" + _SOLVED,
    "forks": "import os\nwhile True:\n    X = os.fork()\ndef kd_loss(*a, x=X): return x" + _SOLVED,
    "writes_and_kills": "import os, pathlib, signal\n"
    "def kd_loss(*a, **k):\n    pathlib.Path(__file__).with_name('PWNED').write_text('x')\n    return 1\n"
    "def distillation_kl(*a, **k):\n    os.kill(os.getppid(), signal.SIGKILL)\n"
    "def soft_targets(logits, temperature=1.0):\n    return '<script>alert(1)</script>'",
}  # fmt: skip


def build(folder: Path, students: int = 60, damaged: int = 0, hostile: int = 0) -> None:
    """Writes a class: a sub-folder a student, half of them in Chinese, some damaged, some hostile."""
    damages, attacks = list(DAMAGES.items()), list(HOSTILE.items())
    for number in range(students):
        name = f"student-{number:02d}"
        if number < hostile:
            attack, text = attacks[number % len(attacks)]
            _write(folder / f"{name}-{attack}" / "answers.py", text)
            continue
        book = notebook(chosen(number), ("en", "zh")[number % 2])
        if number < hostile + damaged:
            damage, damaged_text = damages[(number - hostile) % len(damages)]
            _write(folder / f"{name}-{damage}" / f"{LESSON}.ipynb", damaged_text(book))
        else:
            _write(folder / name / f"{LESSON}.ipynb", _json(book))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")


def _json(book: dict) -> str:
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"
