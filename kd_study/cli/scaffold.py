"""The two files of a new exercise: every heading, and a skeleton that runs and says what is to be written."""

import keyword
import re
from pathlib import Path
from textwrap import dedent

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.cli import shortened, write_given
from kd_study.exercises import catalog
from kd_study.exercises.catalog import HEADINGS, NAMES, TOPIC_TITLES, TOPICS, sheet

TO_WRITE = "WRITE:"  # before what the author is to replace; the tests refuse an exercise that still has one
PROMPTS = {
    "Statement": "what it computes, as a formula; the shapes; one example with its number",
    "Hint 1": "an idea, as a question",
    "Hint 2": "the formula",
    "Hint 3": "a skeleton with gaps",
    "Docstring": "the reference's docstring",
    "Discussion": "why it is so, what libraries do, what an interviewer asks next, the cost",
}
LANGUAGES_OF = {"Docstring": ("中文",)}  # in English it is the reference's own


def new_exercise(name: str, topic: str) -> list[Path]:
    """Writes NAME.py and NAME.md into the topic's folder. Returns: their paths.

    StudyError for a name that is taken or is no function's name, and for an unknown topic.
    """
    _expect_free(name)
    if topic not in TOPIC_TITLES:
        topics = ", ".join(TOPIC_TITLES)
        raise StudyError(
            say(
                f"There is no topic {shortened(topic)!r}; choose among {topics}.",
                f"没有主题{shortened(topic)!r}，可选：{topics}。",
            )
        )
    folder = catalog.FOLDER / topic
    code, text = folder / f"{name}.py", folder / f"{name}.md"
    write_given(code, _code(name))
    write_given(text, _text(topic))
    return [code, text]


def _expect_free(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name) or len(name) > 40:
        raise StudyError(
            say(
                f"{shortened(name)!r} can't be a function's name here: small letters, digits and _.",
                f"{shortened(name)!r}不能作函数名：只用小写字母、数字和下划线。",
            )
        )
    if name in NAMES or list(catalog.FOLDER.glob(f"*/{name}.*")):
        raise StudyError(
            say(
                f"There is a {name} already: choose another name, or delete its files.",
                f"已经有{name}了：请换个名字，或删除它的文件。",
            )
        )


def next_steps(name: str, topic: str) -> list[str]:
    """What remains to be done, as in docs/contributing.md."""
    files = "tests/exercises tests/test_rooms.py tests/lessons/test_editions.py"
    tests = f"python -m pytest {files} -k '{name} or faces or contracts or short_twin'"
    return [
        say(
            f"1. Write the reference `{name}` in plain PyTorch into a room of kd_solutions, and export it "
            "there and in kd_solutions/__init__.pyi.",
            f"1. 用纯PyTorch写参考答案`{name}`，放进kd_solutions的某个房间，"
            "并在那里和kd_solutions/__init__.pyi里导出。",
        ),
        say(
            f"2. Replace every `{TO_WRITE}` in kd_study/exercises/{topic}/{name}.py and {name}.md, and set "
            "level, minutes and sources at the top of the latter.",
            f"2. 把kd_study/exercises/{topic}/{name}.py和{name}.md里的每个`{TO_WRITE}`换成内容，"
            "并在后者开头填好难度、分钟数和出处。",
        ),
        say(
            "3. Add two other right answers to a file of tests/alternatives.",
            "3. 在tests/alternatives的某个文件里再写两个同样正确的答案。",
        ),
        say(
            f"4. Type `python -m ruff check .` and `{tests}`, then `python -m kd_study build exercises`.",
            f"4. 运行`python -m ruff check .`和`{tests}`，再运行`python -m kd_study build exercises`。",
        ),
    ]


def _text(topic: str) -> str:
    order = 1 + max((sheet(name).order for name in TOPICS[topic]), default=0)
    front = f'---\norder: {order}\nlevel: mid\nminutes: 10\nlesson: ""\nsources: []\n---\n'
    sections = []
    for heading in (*HEADINGS, "Docstring"):
        for language in LANGUAGES_OF.get(heading, ("English", "中文")):
            title = "" if f"# {heading}" in "\n".join(sections).splitlines() else f"# {heading}\n\n"
            sections.append(f"{title}## {language}\n\n{TO_WRITE} {PROMPTS[heading]}\n")
    return front + "\n" + "\n".join(sections)


def _code(name: str) -> str:
    title = "".join(part.capitalize() for part in name.split("_"))
    checks = [
        ("agrees_with_a_worked_example", "a number that can be computed by hand"),
        (
            "keeps_the_contract_at_its_edges",
            "one row, one class, an empty mask, what the contract says of each",
        ),
        ("takes_every_argument_into_account", "what changes when an argument other than the first changes"),
        ("is_finite_for_extreme_inputs", "inputs of 1e4, in value and gradient"),
        ("leaves_its_inputs_alone", "dtype, graph and gradient: what goes where, and what stays"),
    ]
    methods = "\n".join(_check(*each) for each in checks)
    return dedent(
        """\
        import torch

        from kd_study.exercises.base import Exercise, check, expect


        class {title}(Exercise):
        {methods}
            def probes(self):
                return {{"{write} ordinary arguments by name": {{"logits": torch.zeros(1, 2)}}}}

            def edges(self):
                return {{"{write} what tells two wrong answers apart": {{"logits": torch.zeros(0, 2)}}}}


        @{title}.wrong(
            en="{write} the mistake in a sentence; six wrong answers at least, each with what gives it away",
            zh="{write}",
        )
        def returns_nothing(logits):
            return None


        EXERCISE = {title}()
        """
    ).format(title=title, methods=methods, write=TO_WRITE)


def _check(name: str, prompt: str) -> str:
    return (
        f'    @check(en="{TO_WRITE} {prompt}", zh="{TO_WRITE}")\n'
        f"    def {name}(self, fn):\n"
        f'        expect(False, "{TO_WRITE} what is to be looked at", "{TO_WRITE}")\n'
    )
