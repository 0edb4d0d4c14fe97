"""What a session says about itself, in a notebook and in a terminal alike; and days as people type them."""

from datetime import date, datetime

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.memory.schedule import moment
from kd_study.memory.session import Session
from kd_study.records.store import now


def read_day(given: str | date) -> date:
    """The day of an interview, as in 2026-12-12. StudyError where it is none, or is over."""
    try:
        day = given if isinstance(given, date) else date.fromisoformat(str(given).strip())
    except ValueError as error:
        raise StudyError(
            say(
                f"A day is written as in 2026-12-31, not {str(given)[:60]!r}.",
                f"日期写作2026-12-31这样，不能是{str(given)[:60]!r}。",
            )
        ) from error
    day = day.date() if isinstance(day, datetime) else day
    if moment(day) <= now():
        raise StudyError(say(f"{day} is over: give a day to come.", f"{day}已经过去：请给出将来的日期。"))
    return day


def headline(session: Session) -> str:
    """How many cards wait, and for which day they are ordered."""
    number = session.waiting()
    cards = say(f"{number} cards to go" if number != 1 else "1 card to go", f"还有{number}张卡")
    if session.interview is None:
        return cards
    return say(
        f"{cards}, ordered for your interview on {session.interview}",
        f"{cards}，按{session.interview}面试当天的效果排序",
    )


def ending(session: Session) -> str:
    """What was done, why it ends, and where that leaves one."""
    number = len(session.given)
    done = say(f"{number} answered." if number != 1 else "1 answered.", f"答了{number}题。")
    if left := session.waiting():
        over = say(" The minutes are over.", "时间到。") if session.minutes_are_over else ""
        why = over + say(f" {left} cards wait: review again to go on.", f"还有{left}张卡：再次复习即可继续。")
    else:
        why = say(" Nothing more waits now.", "现在没有要复习的了。")
    if (expected := session.recall_on_the_day()) is None:
        return done + why
    known, number = expected
    return (
        done
        + why
        + say(
            f" On {session.interview} you should know {known:.0f} of {number}, if you stopped now.",
            f"如果就此停下，{session.interview}那天预计能答出{number}题中的{known:.0f}题。",
        )
    )
