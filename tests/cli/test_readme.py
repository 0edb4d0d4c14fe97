"""The first page promises only commands and options that are there, the same in both languages."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

import kd_study
from kd_study.__main__ import app

PROJECT = Path(kd_study.__file__).parents[1]
COMMANDS = get_command(app).commands
PAGES = [
    f"{stem}{suffix}"
    for stem in ("README", "docs/contributing", "docs/workshop")
    for suffix in (".md", ".zh.md")
]
TYPED = re.compile(r"python -m kd_study (\w+)([^`\n|]*)")


def typed(page: str) -> set[tuple[str, str]]:
    """(command, option) of all that the page says to type; option "" for the command itself."""
    text = (PROJECT / page).read_text("utf-8")
    return {
        (command, option)
        for command, rest in TYPED.findall(text)
        for option in ["", *re.findall(r"--[a-z-]+", rest)]
    }


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_says_to_type_is_there(page):
    for command, option in typed(page):
        assert command in COMMANDS, command
        options = {name for each in COMMANDS[command].params for name in each.opts}
        assert not option or option in options or command == "study", (command, option)


@pytest.mark.parametrize(("english", "chinese"), [PAGES[:2], PAGES[2:4], PAGES[4:]])
def test_both_languages_say_the_same_to_type(english, chinese):
    assert typed(english) == typed(chinese) != set()


def test_the_readme_names_every_command_of_a_learner():
    named = {command for command, _ in typed("README.md")}
    readme = (PROJECT / "README.md").read_text("utf-8")
    for command in set(COMMANDS) - {"build", "new"}:  # for authors, in docs/contributing.md
        assert command in named or re.search(rf"`{command}\b", readme), command
