"""One source becomes two notebooks that differ in their words alone."""

import ast
import linecache
import re
import unicodedata

import nbformat
import pytest
from typer.testing import CliRunner

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES
from kd_study.__main__ import app
from kd_study.exercises.catalog import NAMES, TOPICS, exercise, sheet
from kd_study.exercises.stubs import is_untouched, solved_source, stub_source
from kd_study.grading.grade import grade
from kd_study.lessons import editions, source
from kd_study.lessons.editions import assemble, stale_notebooks
from kd_study.lessons.execute import build
from kd_study.lessons.source import lesson_sources

LESSON = """
# %% [markdown] lang="en"
# # A lesson
# %% [markdown] lang="zh"
# # 一课

# %% exercise="soft_targets"

# %% [markdown] question="what-is-kd"

# %% key="two" tags=["nbval-ignore-output"]
import torch
print(soft_targets(torch.zeros(1, 2), 2.0))

# %%
from kd_study import guess
my_guess = guess()
my_guess
"""


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "01_lesson.py"
    path.write_text(LESSON, encoding="utf-8")
    return path


def test_the_editions_share_ids_and_code(lesson):
    english, chinese = (assemble(lesson, language).cells for language in ("en", "zh"))
    assert [cell.id for cell in english] == [cell.id for cell in chinese]
    differing = [
        ours.id
        for ours, theirs in zip(english, chinese, strict=True)
        if ours.cell_type == "code" and ours.source != theirs.source
    ]
    assert differing == ["language", "soft_targets-stub"]  # the stub by its docstring alone, see below
    assert english[0].source == "# A lesson\n\n[中文](../zh/01_lesson.ipynb)\n"
    assert chinese[0].source == "# 一课\n\n[English](../en/01_lesson.ipynb)\n"


def test_a_caption_belongs_to_the_picture_above(lesson):
    with lesson.open("a", encoding="utf-8") as file:
        file.write('\n# %% key="drawn"\nplot()\n\n# %% [markdown] lang="en" caption=true\n# A claim.\n')
        file.write('# %% [markdown] lang="zh"\n# 一个论断。\n')
    drawn, caption = assemble(lesson, "zh").cells[-2:]
    assert (drawn.id, caption.id, caption.source) == ("drawn", "drawn-caption", "↑ 一个论断。")


def test_a_topic_is_filled_with_its_exercises(lesson):
    lesson.write_text('# %% topic="measuring"\n', encoding="utf-8")
    cells = assemble(lesson, "zh").cells
    assert cells[0].source.startswith("## 评测与部署")
    assert [cell.id.removesuffix("-check") for cell in cells if cell.id.endswith("-check")] == list(
        TOPICS["measuring"]
    )


def test_the_cells_of_a_lesson(lesson):
    cells = {cell.id: cell for cell in assemble(lesson, "en").cells}
    assert list(cells) == [
        "cell-00", "language", "soft_targets-statement", "soft_targets-stub", "soft_targets-check",
        "soft_targets-use", "clock-02", "what-is-kd", "what-is-kd-tick", "two", "cell-04",
    ]  # fmt: skip
    assert 'use_language("en")' in cells["language"].source
    assert str(sheet("soft_targets").minutes) in cells["soft_targets-statement"].source
    assert cells["soft_targets-stub"].source.endswith("raise NotImplementedError")
    assert "<details>" in cells["what-is-kd"].source
    assert cells["what-is-kd-tick"].source == 'tick("what-is-kd")'
    assert "tick, " in cells["language"].source
    assert cells["two"].metadata == {"tags": ["nbval-ignore-output"]}


def test_a_clock_stands_above_the_first_of_several_questions(lesson):
    with lesson.open("a", encoding="utf-8") as file:
        for name in ("dark-knowledge", "cross-entropy-or-kl"):
            file.write(f'\n# %% [markdown] question="{name}"\n')
    ids = [cell.id for cell in assemble(lesson, "zh").cells]
    assert [name for name in ids[-5:] if not name.endswith("-tick")] == [
        "clock-05",
        "dark-knowledge",
        "cross-entropy-or-kl",
    ]
    assert sum(name.startswith("clock") for name in ids) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_stub_can_be_run_and_is_still_to_do(name):
    namespace = {}
    exec(stub_source(exercise(name)), namespace)
    assert namespace[name].__doc__ or exercise(name).stub
    if not exercise(name).stub:
        assert grade(namespace[name]).status == "todo"


@pytest.mark.parametrize("name", NAMES)
def test_a_chinese_stub_has_a_chinese_docstring_and_else_the_same_code(name):
    english, chinese = (stub_source(exercise(name), language) for language in LANGUAGES)
    trees = ast.parse(english), ast.parse(chinese)
    ours, theirs = (tree.body[-1].body.pop(0).value.value for tree in trees)
    assert ast.unparse(trees[0]) == ast.unparse(trees[1])
    assert any("\u4e00" <= sign <= "\u9fff" for sign in theirs.splitlines()[0])
    for title, titled in (("Args:", "参数："), ("Returns:", "返回："), ("Source:", "出处：")):
        assert (title in ours) == (titled in theirs), title
    for said in (r"[A-Z]\w+ (?:& \w+ |et al\. )?\d{4}", r"`\w+`", r"\w+Error", r"\([NMKVD…][A-Z', …]*\)"):
        found = [sorted(set(re.findall(said, text, re.ASCII))) for text in (ours, theirs)]
        assert found[0] == found[1], said
    assert not [line for line in chinese.splitlines() if wide(line) > 110]  # a Chinese character takes 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in NAMES if exercise(name).stub])
def test_code_that_was_handed_out_is_known_in_either_language(name, language):
    for change in ("", "\n    pass"):
        source, cell, space = stub_source(exercise(name), language) + change, f"{name}-{len(change)}", {}
        linecache.cache[cell] = (len(source), None, source.splitlines(keepends=True), cell)
        exec(compile(source, cell, "exec"), space)
        assert is_untouched(space[name], exercise(name)) == (not change)


def wide(line: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in line)


@pytest.mark.parametrize("name", NAMES)
def test_a_solved_cell_runs_alone_and_passes(name):
    namespace = {}
    exec(solved_source(exercise(name)), namespace)
    assert grade(namespace[name]).status == "passed"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('# %% [markdown] lang="en"\n# Alone', 'lang="en" and then lang="zh"'),
        ('# %% [markdown] lang="zh"\n# 反\n# %% [markdown] lang="en"\n# R', 'lang="en" and then lang="zh"'),
        ("# %% [markdown]\n# No language", 'lang="en" and then lang="zh"'),
        ("# %%\nprint(1);", "drop the ';'"),
        ('# %% lang="en"\nprint(1)', "code is the same in both languages"),
        ('# %% exercise="soft_targets"\nprint(1)', "empty it"),
        ('# %% exercise="soft_target"', "nearest: soft_targets"),
        ('# %% [markdown] question="what-is-dk"', "nearest: what-is-kd"),
        ('# %% key="a b"\n1', "the key 'a b'"),
        ('# %% key="a"\n1\n# %% key="a"\n2', "the key 'a'"),
        ('# %% colour="red"\n1', "unknown metadata colour"),
    ],
)
def test_a_source_that_breaks_a_rule_is_named(tmp_path, source, complaint):
    path = tmp_path / "02_broken.py"
    path.write_text(source, encoding="utf-8")
    with pytest.raises(StudyError, match=complaint):
        assemble(path, "en")


def test_building_twice_gives_the_same_bytes(lesson, tmp_path):
    first = {path.parent.name: path.read_bytes() for path in build([lesson], tmp_path / "out")}
    again = {path.parent.name: path.read_bytes() for path in build([lesson], tmp_path / "out")}
    assert first == again and first.keys() == {"en", "zh"}

    cells = nbformat.reads(first["zh"], as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = {cell.id: cell.outputs for cell in code}
    assert outputs["soft_targets-check"][0].data["text/plain"].startswith("soft_targets: todo")
    assert outputs["two"][0].text == "tensor([[0.5000, 0.5000]])\n"
    assert outputs["cell-04"][0].data == {"text/plain": "你的猜测：0到100%的滑块"}


def test_a_notebook_that_fails_is_named_and_not_written(tmp_path):
    source = tmp_path / "03_fails.py"
    source.write_text("# %%\n1 / 0\n")
    with pytest.raises(StudyError, match="(?s)03_fails.ipynb does not run.*ZeroDivisionError"):
        list(build([source], tmp_path / "out"))
    assert not list((tmp_path / "out").rglob("*.ipynb"))


def test_a_notebook_is_stale_once_its_source_moves_on(lesson, tmp_path):
    assert len(stale_notebooks([lesson], tmp_path)) == 2
    list(build([lesson], tmp_path, run=False))
    assert stale_notebooks([lesson], tmp_path) == []
    lesson.write_text(LESSON.replace("一课", "另一课"), encoding="utf-8")
    assert stale_notebooks([lesson], tmp_path) == [tmp_path / "zh" / "01_lesson.ipynb"]


def test_lessons_are_found_by_how_their_names_begin(tmp_path):
    for name in ("01_one.py", "02_two.py"):
        (tmp_path / name).touch()
    assert [path.name for path in lesson_sources(["02"], tmp_path)] == ["02_two.py"]
    assert len(lesson_sources(None, tmp_path)) == 2
    with pytest.raises(StudyError, match="begins with '03'; there are: 01_one, 02_two"):
        lesson_sources(["03"], tmp_path)


def test_the_command_writes_and_checks(lesson, tmp_path, monkeypatch):
    monkeypatch.setattr(source.lesson_sources, "__defaults__", (None, tmp_path))
    monkeypatch.setattr(editions.stale_notebooks, "__defaults__", (tmp_path / "out",))
    runner = CliRunner()
    stale = runner.invoke(app, ["build", "--check"])
    assert isinstance(stale.exception, StudyError) and "en/01_lesson.ipynb" in str(stale.exception)
    built = runner.invoke(app, ["build", "01", "--no-execute", "--solved", str(tmp_path / "out")])
    assert built.exit_code == 0
    solved = nbformat.read(tmp_path / "out" / "en" / "01_lesson.ipynb", as_version=4)
    assert "NotImplementedError" not in str(solved.cells)
