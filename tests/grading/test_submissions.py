"""Solutions are found in files and notebooks and graded, and nothing else of them is run."""

import os
import sys

import nbformat
import pytest
import torch

from kd_study.exercises.catalog import NAMES
from kd_study.grading import guard, submissions
from kd_study.grading.submissions import grade_file
from kd_study.lessons.editions import NOTEBOOKS

RIGHT = """
import torch
from math import inf

raise SystemExit("never reached")
LIMIT = 0
result = 1 / 0
def _check(temperature):
    if not LIMIT < temperature < inf:
        raise ValueError(temperature)

def soft_targets(logits, temperature=1.0):
    _check(temperature)
    result = torch.softmax(logits / temperature, -1)
    return result

while True:
    pass
"""
WRONG = "def soft_targets(logits, temperature=1.0):\n    return logits.softmax(-1)\n"


def notebook(path, *cells):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells]), path)
    return path


def grades(path):
    """Exercise → status; a file with a problem fails here."""
    graded = grade_file(path)
    assert graded.problems == []
    return {report.exercise: report.status for report in graded.reports}


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


PASSED = {"soft_targets": "passed"}


def test_a_solution_comes_with_its_helpers_and_constants_only(tmp_path):
    assert grades(written(tmp_path / "mine.py", RIGHT)) == PASSED


def test_what_a_try_or_an_if_binds_comes_along(tmp_path):
    text = """
try:
    import torch
except ImportError:
    raise SystemExit
if True:
    def soften(logits, temperature):
        return torch.softmax(logits / temperature, -1)
def soft_targets(logits, temperature=1.0):
    if temperature <= 0:
        raise ValueError
    return soften(logits, temperature)
"""
    assert grades(written(tmp_path / "mine.py", text)) == PASSED


def test_the_last_definition_in_a_notebook_counts_and_magics_do_no_harm(tmp_path):
    path = notebook(tmp_path / "mine.ipynb", "%matplotlib inline\n!rm x", WRONG, "import torch", RIGHT)
    assert grades(path) == PASSED


CHOICE = "from kd_study import yours_or_reference\nsoft_targets = yours_or_reference(soft_targets)"


def test_a_lessons_choice_of_the_reference_is_no_solution(tmp_path):
    for solution, status in ((WRONG, "failed"), (RIGHT, "passed")):
        assert grades(notebook(tmp_path / "mine.ipynb", solution, CHOICE)) == {"soft_targets": status}


@pytest.mark.parametrize("name", ["en/01_soft_labels.ipynb", "zh/03_the_loop.ipynb"])
def test_an_untouched_lesson_holds_stubs_only(name, capsys):
    reports = grade_file(NOTEBOOKS / name).reports
    assert len(reports) > 3
    assert all(report.status == "todo" or report.untouched for report in reports)
    assert capsys.readouterr().out == ""


def test_a_solution_is_judged_on_its_own(tmp_path):
    text = """
import torch.nn.functional as F
def distillation_kl(student_logits, teacher_logits, temperature=1.0):
    raise NotImplementedError
def kd_loss(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = distillation_kl(student_logits, teacher_logits, temperature)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)
"""
    expected = {"distillation_kl": "todo", "kd_loss": "passed"}
    assert grades(written(tmp_path / "mine.py", text)) == expected


CHECKED = """
import functools, torch
def soften(logits, temperature=1.0):
    if not temperature > 0:
        raise ValueError(temperature)
    return torch.softmax(logits / temperature, -1)
"""
SHAPES = {
    "a lambda": "soft_targets = lambda logits, temperature=1.0: soften(logits, temperature)",
    "partial": "def scaled(factor, logits, temperature=1.0):\n"
    "    return soften(factor * logits, temperature)\n"
    "soft_targets = functools.partial(scaled, 1.0)",
    "another name": "soft_targets = soften",
    "an annotated name": "from typing import Callable\nsoft_targets: Callable = soften",
    "lru_cache": "@functools.lru_cache\ndef soft_targets(logits, temperature=1.0):\n"
    "    return soften(logits, temperature)",
    "a decorator of one's own": "def plain(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n"
    "        return f(*a, **k)\n    return g\n"
    "@plain\ndef soft_targets(logits, temperature=1.0):\n    return soften(logits, temperature)",
    "an object that can be called": "class Soft:\n    def __call__(self, logits, temperature=1.0):\n"
    "        return soften(logits, temperature)\nsoft_targets = Soft()",
    "a torch module": "class Soft(torch.nn.Module):\n    def forward(self, logits, temperature=1.0):\n"
    "        return soften(logits, temperature)\nsoft_targets = Soft()",
    "a bound method": "class Soft:\n    def targets(self, logits, temperature=1.0):\n"
    "        return soften(logits, temperature)\nsoft_targets = Soft().targets",
    "a static method": "class Soft:\n    @staticmethod\n    def targets(logits, temperature=1.0):\n"
    "        return soften(logits, temperature)\nsoft_targets = Soft.targets",
    "from a factory": "def make():\n    def inner(logits, temperature=1.0):\n"
    "        return soften(logits, temperature)\n    return inner\nsoft_targets = make()",
    "in an if": "if True:\n    def soft_targets(logits, temperature=1.0):\n"
    "        return soften(logits, temperature)",
    "in a with": "import contextlib\nwith contextlib.suppress(ValueError):\n"
    "    def soft_targets(logits, temperature=1.0):\n        return soften(logits, temperature)",
    "one of several on the left": "soft_targets, other = soften, None",
    "compiled": "soft_targets = torch.jit.script_if_tracing(soften)",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_right_answer_is_accepted_in_whatever_shape(tmp_path, shape):
    for path in (
        written(tmp_path / "mine.py", CHECKED + SHAPES[shape]),
        notebook(tmp_path / "mine.ipynb", CHECKED, SHAPES[shape]),
    ):
        assert grades(path) == PASSED


FUNCTION = """
def soft_targets(logits, temperature=1.0):
    if not temperature > {floor}:
        raise ValueError(temperature)
    return (logits / temperature).softmax(-1)
"""
FILLED = {
    "an entry": ("CONFIG = {}\nCONFIG['floor'] = 0", "CONFIG['floor']"),
    "an entry that was another": ("CONFIG = {'floor': 9}\nCONFIG['floor'] -= 9", "CONFIG['floor']"),
    "an entry of an entry": ("C = {'a': {}}\nC['a']['floor'] = 0", "C['a']['floor']"),
    "update": ("CONFIG = dict()\nCONFIG.update(floor=0)", "CONFIG['floor']"),
    "an attribute": ("def helper(): pass\nhelper.floor = 0", "helper.floor"),
    "an attribute of a class": ("class Settings: pass\nSettings.floor = 0", "Settings.floor"),
    "an attribute of an object": (
        "from types import SimpleNamespace\nS = SimpleNamespace()\nS.floor = 0",
        "S.floor",
    ),
    "append": ("FLOORS = []\nFLOORS.append(0)", "FLOORS[0]"),
    "in a loop": ("FLOORS = []\nfor number in range(3):\n    FLOORS.append(0)", "FLOORS[2]"),
    "entries in a loop": ("FLOORS = {}\nfor number in range(3):\n    FLOORS[number] = 0", "FLOORS[2]"),
    "a deleted entry": ("C = {'floor': 0, 'x': 1}\ndel C['x']", "(len(C) - 1)"),
    "a global that a call sets": ("def init():\n    global FLOOR\n    FLOOR = 0\ninit()", "FLOOR"),
    "an augmented name": ("FLOOR = 5\nFLOOR -= 5", "FLOOR"),
    "a walrus": ("print(FLOOR := 0)", "FLOOR"),
}


@pytest.mark.parametrize("kind", FILLED)
def test_what_a_solution_refers_to_is_filled_as_the_file_fills_it(tmp_path, kind):
    before, floor = FILLED[kind]
    text = before + FUNCTION.format(floor=floor)
    assert grades(written(tmp_path / "mine.py", text)) == PASSED
    assert grades(notebook(tmp_path / "mine.ipynb", FUNCTION.format(floor=floor), before)) == PASSED


FUTURE = """{first}from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from torch import Tensor
def soft_targets(logits: Tensor, temperature: float = 1.0) -> Tensor:
    if not temperature > 0:
        raise ValueError("温度 {umlaut}")
    return (logits / temperature).softmax(-1)
"""


@pytest.mark.parametrize(
    ("encoding", "first", "umlaut"),
    [
        ("utf-8", "", "é"),
        ("utf-8-sig", "", "é"),
        ("gbk", "# -*- coding: gbk -*-\n", ""),
        ("gb18030", "#!/usr/bin/env python\n# vim: set fileencoding=gb18030 :\n", ""),
    ],
)
def test_a_file_is_read_as_python_reads_it(tmp_path, encoding, first, umlaut):
    text = FUTURE.format(first=first, umlaut=umlaut)
    path = written(tmp_path / "mine.py", text, encoding)
    compile(path.read_bytes(), "mine.py", "exec")
    assert grades(path) == PASSED


def test_a_notebooks_byte_order_mark_and_future_imports_are_kept(tmp_path):
    path = notebook(tmp_path / "mine.ipynb", *FUTURE.format(first="", umlaut="").split("\n", 1))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert grades(path) == PASSED


def test_a_notebook_runs_as_main_and_a_file_as_a_module(tmp_path):
    text = f"FLOOR = -1\nif __name__ == '__main__':\n    FLOOR = 0\n{FUNCTION.format(floor='FLOOR')}"
    assert grades(notebook(tmp_path / "mine.ipynb", text)) == PASSED
    assert grades(written(tmp_path / "mine.py", text)) == {"soft_targets": "failed"}


def test_a_long_table_and_a_flood_of_output_do_no_harm(tmp_path):
    lines = [f"TABLE[{number}] = 0" for number in range(3_000)]
    text = "\n".join(["TABLE = {}", *lines, FUNCTION.format(floor="TABLE[2999]")])
    assert grades(written(tmp_path / "mine.py", text)) == PASSED
    text = f"T = [print('x' * 99) for _ in range(99_999)]\ndef kd_loss(s): return T\n{RIGHT}"
    graded = grade_file(written(tmp_path / "mine.py", text))
    assert [one.status for one in graded.reports] == ["passed"] and "printed" in str(graded.problems[0])


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%prun -q", "\n%%time "])
def test_a_magic_around_a_cell_does_not_hide_it(tmp_path, magic):
    assert grades(notebook(tmp_path / "mine.ipynb", f"{magic}\n{RIGHT}")) == PASSED


def test_what_lies_beside_a_file_is_found(tmp_path, monkeypatch):
    (tmp_path / "class" / "lib").mkdir(parents=True)
    (tmp_path / "class" / "beside.py").write_text("FLOOR = 0")
    (tmp_path / "class" / "lib" / "below.py").write_text("FLOOR = 0")
    (tmp_path / "class" / "floor.txt").write_text("0")
    monkeypatch.chdir(tmp_path)
    for before in (
        "from beside import FLOOR",
        "import sys\nsys.path.append('lib')\nfrom below import FLOOR",
        "from pathlib import Path\nFLOOR = int((Path(__file__).parent / 'floor.txt').read_text())",
        "with open('floor.txt') as file:\n    FLOOR = int(file.read())",
        "from dataclasses import dataclass\n@dataclass\nclass S:\n    floor: 'int' = 0\nFLOOR = S().floor",
    ):
        path = written(tmp_path / "class" / "mine.py", before + FUNCTION.format(floor="FLOOR"))
        assert grades(path.relative_to(tmp_path)) == PASSED, before


def test_a_result_of_an_exercises_name_or_an_import_is_no_solution(tmp_path):
    text = (
        "import kd_solutions\nfrom kd_solutions import kd_loss\nagreement = 0.5\ncsls = kd_solutions.csls\n"
        "try:\n    from kd_solutions import procrustes\nexcept ImportError:\n    pass\n"
    )
    assert grades(written(tmp_path / "mine.py", text)) == {}


def test_a_class_of_an_exercises_name_is_told_what_is_asked_for(tmp_path):
    text = "class soft_targets:\n    def __call__(self, logits): return logits\n"
    (report,) = grade_file(written(tmp_path / "mine.py", text)).reports
    assert report.status == "failed" and "not a class" in report.results[0].message


def test_a_notebooks_broken_cell_is_named_and_the_others_are_graded(tmp_path):
    cells = ["import torch\n\n", RIGHT, "x = 1\ndef kd_loss(:", "%matplotlib inline\nLOST = missing.thing"]
    cells += ["def logit_mse(s, t):\n    return LOST", "LATER = LOST + 1\ndef csls(x):\n    return LATER"]
    graded = grade_file(notebook(tmp_path / "mine.ipynb", *cells))
    assert [(one.exercise, one.status) for one in graded.reports] == [("soft_targets", "passed")]
    assert list(map(str, graded.problems)) == [
        "line 2 of code cell 3 is not valid Python: invalid syntax; not graded: kd_loss",
        "line 2 of code cell 4 can't be run: NameError: name 'missing' is not defined; "
        "not graded: logit_mse, csls",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def kd_loss(:", "line 1 is not valid Python: invalid syntax"),
        ("x = '\0'\n", "not valid Python"),
        ("x = " + "-" * 100_000 + "1", "line 1 is not valid Python"),
        ("x = " + "(" * 10_000, "line 1 is not valid Python"),
        ("# coding: no-such\n", "can't be read: unknown encoding"),
        (b"x = '\xff'", "can't be read"),
        ("import no_such_module\ndef kd_loss(s):\n    return no_such_module",
         "line 1 can't be run: ModuleNotFoundError: No module named 'no_such_module'; not graded: kd_loss"),
        ("\nGONE = exit(3)\ndef kd_loss(s):\n    return GONE", "line 2 can't be run: SystemExit: 3"),
        ("class E(BaseException):\n    def __str__(self): raise self\n"
         "def fail(): raise E\nX = fail()\ndef kd_loss(s=X): pass", "line 4 can't be run: E"),
        ("def kd_loss(s=return_): pass", "NameError: name 'return_'"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_said_with_its_place(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    graded = grade_file(path)
    assert graded.reports == [] and message in str(graded.problems[0]) and len(graded.problems) == 1


def test_files_that_are_none_are_said_to_be(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "false.ipynb").write_text("[]")
    with (tmp_path / "huge.py").open("wb") as file:
        file.truncate(10**10)
    for name, message in {
        "missing.py": "No such file",
        "pipe.py": "no file",
        "folder.py": "no file",
        "loop.py": "symbolic links",
        "false.ipynb": "no notebook",
        "huge.py": "10000 MB",
        "x" * 5_000 + ".py": "name too long",
    }.items():
        assert message in str(grade_file(tmp_path / name).problems[0])


FATAL = {
    "exit": ("import os", "os._exit(0)", "ended the process (exit code 0)"),
    "kill": ("import os", "os.kill(os.getpid(), 9)", "ended the process (SIGKILL)"),
    "abort": ("import os", "os.abort()", "ended the process (SIGABRT)"),
    "memory": ("", "bytearray(5 * 10**9)", "MemoryError"),
    "endless": ("from itertools import count", "sum(1 for _ in count())", "doesn't end within"),
}


@pytest.mark.parametrize("kind", FATAL)
@pytest.mark.parametrize("place", ["a default", "a constant", "a decorator"])
def test_a_line_that_ends_the_process_is_named_and_the_rest_is_graded(tmp_path, monkeypatch, kind, place):
    monkeypatch.setattr(submissions, "SECONDS", 1.0)
    imports, code, message = FATAL[kind]
    bad = {
        "a default": f"def kd_loss(s, T={code}): pass",
        "a constant": f"def kd_loss(s): return T\nT = {code}",
        "a decorator": f"@(lambda f: {code})\ndef kd_loss(s): pass",
    }[place]
    graded = grade_file(written(tmp_path / "mine.py", f"{imports}\n{bad}\n{RIGHT}"))
    assert [(one.exercise, one.status) for one in graded.reports] == [("soft_targets", "passed")]
    assert message in str(graded.problems[0]) and len(graded.problems) == 1
    assert str(graded.problems[0]).startswith("line ")


def test_a_file_that_never_stops_ending_the_process_comes_to_an_end(tmp_path):
    lines = [f"def {name}(x=__import__('os')._exit({number})): pass" for number, name in enumerate(NAMES[:9])]
    graded = grade_file(written(tmp_path / "mine.py", "\n".join(lines)))
    assert graded.reports == [] and "ended the process" in str(graded.problems[-1])


def test_nothing_a_file_does_reaches_the_process_that_grades(tmp_path):
    text = """
import os, sys, torch, kd_study.grading.guard
kd_study.grading.guard.expect = lambda *args: None
torch.softmax = len
os.environ["LEFT"] = "behind"
EFFECTS = [torch.set_grad_enabled(False), torch.set_default_dtype(torch.float64), sys.path.clear()]
CHANGED = os.chdir("/")
def soft_targets(logits, temperature=1.0):
    EFFECTS, CHANGED, torch, kd_study
    return logits
"""
    before = os.getcwd(), torch.softmax, list(sys.path), guard.expect
    assert grade_file(written(tmp_path / "mine.py", text)).reports
    assert before == (os.getcwd(), torch.softmax, sys.path, guard.expect)
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32
    assert "LEFT" not in os.environ and "submission" not in sys.modules


def test_one_answer_that_patches_or_hangs_leaves_the_others_their_own_judgement(tmp_path, monkeypatch):
    text = """
import torch, time
def distillation_kl(student_logits, teacher_logits, temperature=1.0):
    torch.softmax = lambda logits, dim: logits
    time.sleep(100)
""" + RIGHT.replace("result = 1 / 0", "").replace("import torch", "")
    monkeypatch.setattr(sys.modules["kd_study.grading.grade"], "SECONDS", 2.0)
    assert grades(written(tmp_path / "mine.py", text)) == {
        "soft_targets": "passed",
        "distillation_kl": "failed",
    }
