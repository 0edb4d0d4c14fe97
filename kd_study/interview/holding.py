"""What an interviewer says between the questions, in a notebook and in a terminal alike."""

from kd_solutions.support.language import say
from kd_study.interview.mock import Item, MockInterview


def opening(interview: MockInterview) -> str:
    """What comes, and how to have the same again."""
    return say(
        f"{interview.minutes} minutes, {interview.level}, seed {interview.seed}: six questions with "
        "follow-ups, one of them a design, then two exercises. Answer aloud, before you look.",
        f"{interview.minutes}分钟，{interview.level}级，种子{interview.seed}：六个问题（含一道设计题），"
        "会有追问，然后是两道练习。先开口回答，再看要点。",
    )


def intro(interview: MockInterview) -> str:
    """Which item it is, why it is asked, and how long its clock runs; "" at the end."""
    item = interview.current
    if item is None:
        return ""
    what = _what(item)
    time = f"{item.seconds // 60}:{item.seconds % 60:02d}"
    return say(
        f"{interview.place + 1} of {len(interview.items)} · {what} · {time}",
        f"第{interview.place + 1}项，共{len(interview.items)}项 · {what} · {time}",
    )


def _what(item: Item) -> str:
    if item.follows:
        return say("follow-up", "追问")
    if item.asked is None:
        return say("exercise", "练习")
    return (
        say("design: you are scored by a rubric", "设计题：按评分标准打分")
        if item.asked.rubric
        else say("question", "问题")
    )


def taken(item: Item) -> str:
    """How long the answer was, beside its clock."""
    if item.taken <= item.seconds:
        return say(f"{item.taken} s of {item.seconds}.", f"用时{item.taken}秒（限{item.seconds}秒）。")
    return say(
        f"{item.taken} s of {item.seconds}: over time.", f"用时{item.taken}秒（限{item.seconds}秒）：超时。"
    )
