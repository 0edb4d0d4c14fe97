"""docs/contributing.md, followed from the first step to the last, each list in a copy of the project."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

import kd_study
from kd_study.cli.scaffold import TO_WRITE
from kd_study.questions.bank import load_questions

PROJECT = Path(kd_study.__file__).parents[1]
PAGE = (PROJECT / "docs/contributing.md").read_text("utf-8")

REFERENCE = '''

def mean_gap(student_logits: Tensor, teacher_logits: Tensor, power: int = 1) -> float:
    """The mean of |student − teacher| to a power, over all entries.

    Args: two (N, C); power >= 1. Returns: a float.
    """
    return (student_logits - teacher_logits).double().abs().pow(power).mean().item()
'''
CHECKS = """import torch

from kd_study.exercises.base import Exercise, check, expect, expect_close, expect_float, normal


class MeanGap(Exercise):
    def validate(self, result, arguments):
        expect_float(result)

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(fn(torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2)), 2.0, "(1 + 3) / 2", "(1 + 3) / 2")

    @check(en="The power", zh="幂次")
    def takes_the_power(self, fn):
        expect_close(fn(torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2), 2), 5.0, "(1 + 9) / 2", "(1 + 9) / 2")

    @check(en="No sign", zh="没有正负")
    def knows_no_sign(self, fn):
        expect_close(fn(torch.tensor([[-1.0, 1.0]]), torch.zeros(1, 2)), 1.0, "|−1| and |1|", "|−1|与|1|")

    @check(en="Which is which does not matter", zh="谁减谁无所谓")
    def is_symmetric(self, fn):
        a, b = normal(3, 4, seed=1), normal(3, 4, seed=2)
        expect_close(fn(a, b, 3), fn(b, a, 3), "swapped, it is the same", "交换之后相同")
        expect_close(fn(a, a), 0.0, "to itself there is no gap", "与自己没有差距")

    @check(en="Rows do not matter", zh="与行数无关")
    def is_a_mean(self, fn):
        a, b = normal(3, 4, seed=3), normal(3, 4, seed=4)
        expect_close(fn(a.repeat(2, 1), b.repeat(2, 1)), fn(a, b), "twice the rows", "行数加倍")

    def probes(self):
        given = {"student_logits": normal(4, 3, seed=5), "teacher_logits": normal(4, 3, seed=6)}
        return {"one": given, "two": given | {"power": 2}, "three": given | {"power": 3}}
"""
WRONG = {
    "adds_up": "(student_logits - teacher_logits).abs().pow(power).sum().item()",
    "keeps_the_sign": "(student_logits - teacher_logits).pow(power).mean().item()",
    "ignores_the_power": "(student_logits - teacher_logits).abs().mean().item()",
    "raises_the_mean": "(student_logits - teacher_logits).abs().mean().pow(power).item()",
    "looks_at_the_largest": "(student_logits - teacher_logits).abs().pow(power).max().item()",
    "adds_instead": "(student_logits + teacher_logits).abs().pow(power).mean().item()",
}
ALTERNATIVES = """

@accepted("mean_gap")
def entry_by_entry(student_logits, teacher_logits, power=1):
    pairs = list(zip(student_logits.flatten().tolist(), teacher_logits.flatten().tolist(), strict=True))
    return sum(abs(s - t) ** power for s, t in pairs) / len(pairs)


@accepted("mean_gap")
def in_numpy_alone(student_logits, teacher_logits, power=1):
    return float(np.mean(np.abs(student_logits.numpy() - teacher_logits.numpy()) ** power))
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the project, without what is built, and a way to run Python in it."""
    folder = tmp_path / "project"
    for name in ("kd_solutions", "kd_study", "tests", "notebooks/lessons", "notebooks/en", "notebooks/zh"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    return folder


def change(path: Path, old: str, new: str) -> None:
    """Replaces `old`, which is there, in a file of the copy."""
    text = path.read_text("utf-8")
    assert old in text, f"{path}: {old}"
    path.write_text(text.replace(old, new, 1), "utf-8")


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def run(folder: Path, *arguments: str, code: int = 0, **environment: str) -> str:
    settings = {"PYTHONPATH": str(folder), "KD_STUDY_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | settings | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def block(heading: str, kind: str) -> str:
    """The first code block of that kind below a heading of the page."""
    return blocks(heading, kind)[0]


def blocks(heading: str, kind: str) -> list[str]:
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [
        textwrap.dedent(text)
        for text in re.findall(rf"^ *```{kind}\n(.*?)^ *```", part, re.DOTALL | re.MULTILINE)
    ]


def filled(text: str) -> str:
    """The new sheet with a text in the place of each prompt."""
    docstring = "差值绝对值的幂，取平均。\n\n参数：两个(N, C)；power >= 1。\n返回：float。"
    chinese = re.sub(rf"(# Docstring\n\n## 中文\n\n){TO_WRITE}.*", rf"\1{docstring}", text)
    chinese = re.sub(rf"(## 中文\n\n){TO_WRITE}.*", r"\1差值绝对值的幂，取平均。", chinese)
    return re.sub(rf"{TO_WRITE}.*", "The mean of a power of the gap.", chinese)


def test_an_exercise_is_added_in_two_files_beside_its_reference_and_two_alternatives(copy):
    told = run(copy, "-m", "kd_study", "new", "exercise", "mean_gap", "--topic", "measuring")
    assert "kd_solutions/__init__.pyi" in told and "tests/alternatives" in told
    command = re.search(r"`python (-m pytest tests/exercises .*?)`", PAGE)[1].replace("NAME", "mean_gap")
    assert command in told
    add(copy / "kd_solutions/evaluation/metrics.py", REFERENCE)
    room = copy / "kd_solutions/evaluation/__init__.py"
    change(room, "    agreement,\n", "    agreement,\n    mean_gap,\n")
    change(room, '    "paired_bootstrap",\n', '    "mean_gap",\n    "paired_bootstrap",\n')
    add(copy / "kd_solutions/__init__.pyi", "from .evaluation import (\n    mean_gap as mean_gap,\n)\n")
    code, text = (copy / f"kd_study/exercises/measuring/mean_gap.{suffix}" for suffix in ("py", "md"))
    sections = text.read_text("utf-8").split("## 中文\n")[1:]
    assert len(sections) == 6 and all(re.match(rf"\n{TO_WRITE} [ -~]+\n", part) for part in sections)
    assert code.read_text("utf-8").count(f'en="{TO_WRITE}') == 6  # none in Chinese: no complete exercise yet
    wrong = "".join(
        f'\n\n@MeanGap.wrong(en="It {name}.", zh="错在这里。")\n'
        f"def {name}(student_logits, teacher_logits, power=1):\n    return {body}\n"
        for name, body in WRONG.items()
    )
    code.write_text(f"{CHECKS}{wrong}\n\nEXERCISE = MeanGap()\n", "utf-8")
    text.write_text(filled(text.read_text("utf-8")), "utf-8")
    add(copy / "tests/alternatives/measuring.py", ALTERNATIVES)
    shown = run(copy, *shlex.split(command))
    its_own, faces, whiteboard, stubs = 3, 2, 1, 3
    dots = 1 + len(WRONG) + 2 + its_own + faces + whiteboard + stubs
    assert shown.split()[0] == "." * dots, shown
    assert "def mean_gap(" in run(copy, "-m", "kd_study", "exercise", "mean_gap")
    run(copy, "-m", "kd_study", "build", "exercises", "--no-execute")
    cells = json.loads((copy / "notebooks/zh/exercises.ipynb").read_text("utf-8"))["cells"]
    assert "mean_gap-stub" in {cell["id"] for cell in cells}


@pytest.mark.parametrize(
    ("name", "topic", "said"),
    [
        ("kd_loss", "response", "There is a kd_loss already"),
        ("_shared", "response", "can't be a function's name"),
        ("class", "response", "can't be a function's name"),
        ("../up", "response", "can't be a function's name"),
        ("gap", "nowhere", "There is no topic 'nowhere'; choose among response"),
        ("gap", "", "There is no topic ''"),
    ],
)
def test_a_new_exercise_with_a_wrong_name_or_topic_is_refused(name, topic, said):
    before = sorted((PROJECT / "kd_study/exercises").rglob("*"))
    shown = run(PROJECT, "-m", "kd_study", "new", "exercise", name, "--topic", topic, code=2)
    assert said in shown and shown.count("\n") == 1
    assert sorted((PROJECT / "kd_study/exercises").rglob("*")) == before


def test_the_question_on_the_page_is_complete(tmp_path):
    entry, more = blocks("A question", "yaml")
    topic = yaml.safe_load(entry)[0]["topic"]
    existing = (PROJECT / f"kd_study/questions/{topic}.yaml").read_text("utf-8")
    (tmp_path / f"{topic}.yaml").write_text(f"{existing}\n{entry}", "utf-8")
    bank = load_questions(tmp_path)
    assert len(bank["why-not-copy-weights"].points) == 3

    points = yaml.safe_load(more)["rubric"] * 4  # from four on a rubric is complete
    designed = yaml.safe_load(entry)[0] | yaml.safe_load(more) | {"kind": "design", "rubric": points}
    (tmp_path / f"{topic}.yaml").write_text(yaml.safe_dump([designed], allow_unicode=True), "utf-8")
    (sighting,) = load_questions(tmp_path)["why-not-copy-weights"].seen_in
    assert sighting.address.endswith("/owner/name/blob/0123abc/docs/notes.md#L12")


def test_the_lesson_on_the_page_is_built_in_both_languages(copy):
    (copy / "notebooks/lessons/98_first_look.py").write_text(block("A lesson", "python"), "utf-8")
    line = (
        '    Lesson("98_first_look", Text("98 · A first look", "98 · 初识"), '
        'Text("What is a soft label?", "什么是软标签？"), 2, ()),\n)\nLESSON_OF'
    )
    change(copy / "kd_study/lessons/outline.py", ")\nLESSON_OF", line)
    run(copy, "-m", "kd_study", "build", "98")
    for language, said in (("en", "The right class has 0.62."), ("zh", "正确类别的概率是0.62。")):
        notebook = (copy / f"notebooks/{language}/98_first_look.ipynb").read_text("utf-8")
        assert said in notebook
    run(copy, "-m", "kd_study", "build", "98", "--check")
    run(copy, "-m", "pytest", "-q", "tests/lessons/test_pages.py")


def test_a_language_to_read_in_begins_in_english_and_is_translated_message_by_message(copy):
    language = copy / "kd_solutions/support/language.py"
    change(language, "BEGUN: tuple[str, ...] = ()", 'BEGUN: tuple[str, ...] = ("de",)')
    german = {"KD_STUDY_LANGUAGE": "de_DE.UTF-8"}
    assert "show this help" in run(copy, "-m", "kd_study", "--help", **german)
    assert run(copy, "-m", "kd_study", "exercise", "kd_loss", **german) == run(
        copy, "-m", "kd_study", "exercise", "kd_loss", KD_STUDY_LANGUAGE="en"
    )
    change(
        copy / "kd_study/cli/frame.py",
        'say("show this help", "显示这份帮助")',
        'say("show this help", "显示这份帮助", de="diese Hilfe zeigen")',
    )
    assert "diese Hilfe zeigen" in run(copy, "-m", "kd_study", "--help", **german)
    assert "显示这份帮助" in run(copy, "-m", "kd_study", "--help", KD_STUDY_LANGUAGE="zh")

    change(language, 'BEGUN: tuple[str, ...] = ("de",)', "BEGUN: tuple[str, ...] = ()")
    change(language, 'LANGUAGES = ("en", "zh")', 'LANGUAGES = ("en", "zh", "de")')
    change(language, "    en: str\n    zh: str\n", '    en: str\n    zh: str\n    de: str = ""\n')
    change(copy / "kd_study/exercises/catalog.py", '"## 中文": "zh"', '"## 中文": "zh", "## Deutsch": "de"')
    missing = run(copy, "-m", "kd_study", "exercise", "kd_loss", code=2, **german)
    assert "kd_loss.md: no text under '# Statement', '## Deutsch'" in missing
    asked = run(copy, "-c", "from kd_study.questions import all_questions; all_questions()", code=1)
    assert "needs a text in each of en, zh, de" in asked


def test_a_language_for_the_student_comes_with_a_folder_of_translations(tmp_path):
    words = [
        f"the {colour} lamp in room number {room}"
        for colour in ("red", "green", "blue")
        for room in "abcdefgh"
    ]
    english = {f"key{index}": text for index, text in enumerate(words)}
    klingon = {key: text[::-1] for key, text in english.items()}
    folder = tmp_path / "translations/components/lamp/translations"
    folder.mkdir(parents=True)
    (folder / "en.json").write_text(json.dumps(english))
    (folder / "tlh.json").write_text(json.dumps(klingon))
    (tmp_path / "frontend").mkdir()
    code = """
from kd_solutions.data import load_parallel, parallel_languages
from kd_solutions.flagship import known_languages
print(known_languages(["tlh"]), parallel_languages()["tlh"], load_parallel(["tlh"]).training_pairs("tlh")[0])
"""
    shown = run(
        PROJECT,
        "-c",
        code,
        KD_STUDY_HOME=str(tmp_path),
        KD_STUDY_CACHE=str(tmp_path / "cache"),
        KD_STUDY_TRANSLATIONS=str(tmp_path / "translations"),
        KD_STUDY_FRONTEND=str(tmp_path / "frontend"),
    )
    assert "('tlh',) 24" in shown and "pmal" in shown


def test_the_page_stands_in_both_languages():
    chinese = (PROJECT / "docs/contributing.zh.md").read_text("utf-8")
    for text in (PAGE, chinese):
        assert text.count("\n## ") == 6
    numbered = [len(re.findall(r"^\d+\. ", text, re.MULTILINE)) for text in (PAGE, chinese)]
    assert numbered[0] == numbered[1] > 15
    named = re.compile(r"`((?:kd_|tests|notebooks/lessons)[a-z_/.]*)`")
    paths = [set(named.findall(text)) for text in (PAGE, chinese)]
    assert paths[0] == paths[1] and len(paths[0]) > 10
    for path in paths[0]:
        assert (PROJECT / path).exists(), path
