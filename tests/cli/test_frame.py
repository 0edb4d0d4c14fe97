"""Help and usage errors are in the reader's language, one sentence each, whatever was typed."""

import os
import re
import subprocess
import sys

import pytest

from kd_solutions.support import language
from kd_solutions.support.devices import DEVICE_VARIABLE, default_device
from kd_study.__main__ import app, main
from kd_study.exercises.catalog import LEVELS, TOPICS
from kd_study.memory.cards import STATES
from kd_study.questions import KINDS

COMMANDS = sorted(command.name or command.callback.__name__ for group in app.registered_groups
                  for command in group.typer_instance.registered_commands)  # fmt: skip
LATIN_WORDS = re.compile(r"[A-Za-z]{3,}")
SAID_IN_BOTH = {
    "cpu",
    "cuda",
    "mps",
    "GPU",
    "Anki",
    "one",
    "two",
    "junior",
    "senior",
    "staff",
    "exercise",
    "python",
    "kd",
    "study",
    "JupyterLab",
    "Python",
    "JSON",
    "notebook",
    "Notebook",
    "loss",
    "Alt",
}


def run(*arguments, language="en"):
    return subprocess.run(
        [sys.executable, "-m", "kd_study", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"KD_STUDY_LANGUAGE": language, "COLUMNS": "100"},
    )


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_chinese_help_is_chinese(command):
    shown = run(*command.split(), "--help", language="zh")
    assert shown.returncode == 0 and shown.stderr == ""
    words = set(LATIN_WORDS.findall(re.sub(r"--[\w-]+|what-is-kd", "", shown.stdout)))
    assert words <= SAID_IN_BOTH | {*COMMANDS, *TOPICS, *LEVELS, *KINDS, *STATES}, words
    assert "用法：" in shown.stdout and "<bool>" not in shown.stdout


def test_without_a_command_the_help_is_shown():
    shown = run()
    assert shown.returncode == 0 and shown.stdout == run("--help").stdout
    assert all(f"  {command} " in shown.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    ("typed", "en", "zh"),
    [
        (["hin"], "The nearest: hint", "相近的有：hint"),
        (["hint"], "NAME is missing", "缺少NAME"),
        (["hint", "kd_loss", "1", "2"], "Nothing was expected after the rest: 2", "后面多出了2"),
        (["hint", "--foo", "kd_loss"], "There is no option --foo", "没有选项--foo"),
        (["hint", "kd_loss", "4"], "a whole number from 1 to 3, not '4'", "1到3之间的整数，而不是'4'"),
        (["hint", "kd_los"], "No exercise is called 'kd_los'", "没有名为'kd_los'的练习"),
        (["distill", "--steps"], "--steps needs a value", "--steps需要一个值"),
        (["distill", "--steps", "0"], "at least 1, not '0'", "不小于1的整数，而不是'0'"),
        (["distill", "--seed", "-1"], "from 0 to", "0到"),
        (["progress", "--export", ""], "The name of the file is empty", "文件名是空的"),
        (
            ["predict", "x", "--device", "abacus"],
            "has no device 'abacus': let --device",
            "没有'abacus'这个设备",
        ),
        (
            ["distill", "--device", "abacus"],
            "has no device 'abacus': let --device",
            "没有'abacus'这个设备",
        ),
        (["check", ""], "The name of the file is empty", "文件名是空的"),
        (["check", "x" * 100_000], "File name too long", "File name too long"),
        (["reset", "x" * 100_000], "Which lesson is 'xxx", "是哪一课"),
        (["solution", "x" * 100_000], "No exercise is called 'xxx", "没有名为'xxx"),
        (["new", "lesson", "gap"], "`new` makes an exercise", "`new`只能新建练习"),
        (["new", "exercise", "kd_loss", "--topic", "loop"], "There is a kd_loss already", "已经有kd_loss了"),
        (["x" * 100_000], "No command is called 'xxx", "没有名为'xxx"),
        (["--nonsense"], "There is no option --nonsense", "没有选项--nonsense"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_a_mistake_is_answered_with_one_sentence(typed, en, zh, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    monkeypatch.setenv("KD_STUDY_LANGUAGE", "en")
    monkeypatch.setenv(DEVICE_VARIABLE, "")
    monkeypatch.setattr(sys, "argv", ["kd_study", *typed])
    for code, said in (("en", en), ("zh", zh)):
        monkeypatch.setattr(language, "_current", code)
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert ended.value.code == 2 and told.out == ""
        assert said in told.err and told.err.count("\n") == 1 and len(told.err) < 400
    default_device.cache_clear()


def test_a_missing_name_is_called_as_in_the_help():
    failed = run("hint", language="zh")
    assert failed.returncode == 2 and failed.stderr.startswith(
        "缺少名称：用法见`python -m kd_study hint --help`"
    )


def test_a_language_that_is_not_there_is_told():
    shown = run("exercise", language="fr")
    assert shown.returncode == 0 and "KD_STUDY_LANGUAGE=fr is not known here" in shown.stderr
    assert run("exercise", language="zh_CN.UTF-8").stderr == ""
