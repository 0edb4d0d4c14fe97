"""The line that counts: shown where somebody looks, silent elsewhere, gone when the work ends."""

import pytest

from kd_solutions.support import progress
from kd_solutions.support.language import use_language
from kd_solutions.support.progress import QUIET_VARIABLE, counting, show_lines_with


@pytest.fixture
def lines(monkeypatch):
    """What a desk was given to show."""
    shown = []
    monkeypatch.delenv(QUIET_VARIABLE, raising=False)
    monkeypatch.setattr(progress, "_new_line", progress._new_line)
    monkeypatch.setattr(progress, "REDRAWN_EVERY", 0.0)
    show_lines_with(lambda: shown.append)
    return shown


def test_a_desk_is_given_each_state_in_place_of_the_one_before(lines):
    with counting("reading", 3, done=1) as advance:
        advance(note="loss 0.5")
        advance(1)
    first, second, third, last = lines
    assert first == "reading …" and last == ""
    assert second.startswith("reading: 2 of 3, ") and second.endswith(" s left  loss 0.5")
    assert third == "reading: 3 of 3, 0 s left"


def test_nothing_is_left_after_an_error(lines):
    with pytest.raises(RuntimeError), counting("reading", 3):
        raise RuntimeError
    assert lines[-1] == ""


def test_where_nobody_knows_how_much_it_is_only_what_is_done_is_told(lines):
    with counting("reading", None) as advance:
        advance(2000)
    assert lines[1] == "reading: 2,000"


def test_it_counts_in_chinese(lines):
    use_language("zh")
    with counting("读取", 2) as advance:
        advance(2)
    assert lines[1] == "读取：2/2，还需0秒"


def test_lines_are_redrawn_no_more_often_than_one_can_read(lines, monkeypatch):
    monkeypatch.setattr(progress, "REDRAWN_EVERY", 60.0)
    with counting("reading", 1000) as advance:
        for _ in range(1000):
            advance()
    assert len(lines) <= 3


@pytest.mark.parametrize("quiet", ["by an argument", "by the environment"])
def test_silence_is_kept_where_it_is_asked_for(lines, monkeypatch, quiet):
    if quiet == "by the environment":
        monkeypatch.setenv(QUIET_VARIABLE, "1")
    with counting("reading", 3, shown=quiet != "by an argument") as advance:
        advance(note="loss")
    assert lines == []


def test_in_the_terminal_it_stands_on_the_error_stream_and_nobody_else_hears_of_it(monkeypatch, capsys):
    monkeypatch.delenv(QUIET_VARIABLE, raising=False)
    with counting("reading", 3, shown=True) as advance:
        advance(3)
    shown = capsys.readouterr()
    assert shown.out == "" and "reading" in shown.err and "3/3" in shown.err
    with counting("reading", 3) as advance:  # a pipe: nobody looks
        advance(3)
    assert capsys.readouterr().err == ""
