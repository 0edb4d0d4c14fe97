"""The widgets of the lessons: a guess, a clock, a box for commands."""

import matplotlib
import pytest

from kd_solutions.support import language
from kd_study.notebook import widgets

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_current", "en")


def test_guess_is_none_and_draws_nothing_until_the_slider_moves():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    mine = widgets.guess(unit="%", low=0, high=100)
    mine.draw(ax)
    assert mine.value is None and not ax.lines
    before = mine._repr_mimebundle_()["text/plain"]

    mine._slider.value = 42
    mine.draw(ax)
    assert mine.value == 42 and mine._label.value == "42 %"
    assert list(ax.lines[0].get_ydata()) == [42, 42]
    assert mine._repr_mimebundle_()["text/plain"] == before == "Your guess: a slider from 0 to 100 %"


def test_a_clock_runs_in_the_browser_and_ends():
    clock = widgets.clock(60)
    assert clock._button.max == clock._bar.max == 60 and not clock._button.repeat
    assert clock._repr_mimebundle_()["text/plain"] == "A clock: 60 seconds"


def test_a_guess_is_compared_only_where_one_was_made(capsys, monkeypatch):
    monkeypatch.setattr(widgets, "_compared", {})
    first, second, unmade = widgets.guess(), widgets.guess(), widgets.guess()
    widgets.my_guesses()
    unmade.compare(50)
    assert capsys.readouterr().out == ""
    first._slider.value, second._slider.value = 53, 40
    first.compare(67.2)
    first.compare(67)
    second.compare(30)
    assert capsys.readouterr().out.splitlines()[1] == "You guessed 53 %; it was 67 %."
    widgets.my_guesses()
    assert capsys.readouterr().out.splitlines() == [
        "You guessed 53 %; it was 67 %.",
        "You guessed 40 %; it was 30 %.",
        "On average you were 12 off; 1 of your 2 guesses were too low.",
    ]


def test_command_box_answers_what_is_typed():
    box = widgets.try_commands(lambda command: {"intent": command.upper()}, "licht an")
    assert "LICHT AN" in box._below.value
    box._text.value = "<b>"
    assert "&lt;B&gt;" in box._below.value
    box._text.value = " "
    assert box._below.value == "Type a command in any language."


def test_command_box_shows_an_error_instead_of_hiding_it():
    def broken(command):
        raise ValueError("no model")

    assert widgets.try_commands(broken, "licht an")._below.value == "ValueError: no model"


def test_an_example_is_put_into_the_box_by_a_click():
    box = widgets.try_commands(lambda command: {"intent": command.upper()}, "licht an", ["lumière", "fény"])
    box._examples[1].click()
    assert box._text.value == "fény" and "FÉNY" in box._below.value
