"""What an interview says of a candidate: strong, weak, what to study, which cards come, and since when."""

from collections.abc import Callable, Iterator

from kd_solutions.support.language import say
from kd_study.exercises.catalog import sheet
from kd_study.interview.mock import Item, Past, history, score_of
from kd_study.interview.tasks import Task, name_of
from kd_study.lessons.outline import LESSONS
from kd_study.memory.cards import all_cards, lesson_of
from kd_study.memory.schedule import comes_back, interview_day
from kd_study.records.store import Records, now

STRONG, WEAK = 5 / 6, 1 / 2
MOST = 5  # lines of a section
Link = Callable[[Task], str]


def headline(past: Past) -> str:
    """Level, seed, score, and whether it was finished."""
    score = percent(past.score)
    head = say(
        f"Mock interview, {past.level}, seed {past.seed}: {score}.",
        f"模拟面试，{past.level}，种子{past.seed}：{score}。",
    )
    if past.finished:
        return head
    return head + say(
        " Not finished: what wasn't asked counts as nothing, and it isn't compared.",
        "没有做完：没问到的按零分计，也不参与比较。",
    )


def sections(past: Past, records: Records, link: Link = name_of) -> list[tuple[str, list[str]]]:
    """(title, lines), without the sections in which nothing would stand. Lines may hold Markdown."""
    answered = [each for each in past.items if each.score is not None]
    weak = sorted((each for each in answered if each.score < WEAK), key=lambda each: each.score)
    strong = [each for each in answered if each.score >= STRONG]
    every = [
        (say("Item by item", "逐项得分"), [_line(each) for each in past.items]),
        (say("Strong", "强项"), [f"`{each.name}`" for each in strong]),
        (say("Weak", "弱项"), [_weak(each) for each in weak[:MOST]]),
        (say("Study next", "接下来学什么"), list(dict.fromkeys(_study(weak, link)))[:MOST]),
        (say("Next cards", "接下来的卡片"), _cards(past, records)),
        (say("Over time", "历次成绩"), _over_time(past, records)),
    ]
    return [(title, lines) for title, lines in every if lines]


def percent(share: float) -> str:
    """`62 %`."""
    return say(f"{100 * share:.0f} %", f"{100 * share:.0f}%")


def _line(item: Item) -> str:
    """A sign that needs no colour, what it was, its score, and its time beside its clock."""
    name = f"{'→ ' if item.follows else ''}`{item.name}`"
    if item.score is None or item.taken is None:
        return f"· {name}{say(': not reached', '：没问到')}"
    sign = "✓" if item.score >= STRONG else "✗" if item.score < WEAK else "·"
    time = say(f"{item.taken} of {item.seconds} s", f"{item.taken}秒（限{item.seconds}秒）")
    late = say(", over time", "，超时") if item.taken > item.seconds else ""
    return f"{sign} {name}{say(': ', '：')}{percent(item.score)}{say(', ', '，')}{time}{late}"


def _weak(item: Item) -> str:
    """The first point that was missed, in the answer's own words, and how many more were."""
    missed = [str(point) for point, mark in zip(item.points, item.marks, strict=False) if mark == "m"]
    if not missed:
        return f"`{item.name}`"
    more = say(f" (and {len(missed) - 1} more)", f"（另有{len(missed) - 1}点）") if len(missed) > 1 else ""
    return f"`{item.name}`{say(': missed: ', '：漏掉：')}{missed[0]}{more}"


def _study(weak: list[Item], link: Link) -> Iterator[str]:
    """A lesson where one teaches it, and the exercises of a question."""
    lessons = {lesson.name for lesson in LESSONS}
    for item in weak:
        lesson = lesson_of(item.asked) if item.asked else sheet(item.name).lesson
        if lesson in lessons:
            yield say("lesson ", "课程") + link(Task("lesson", lesson, 0))
        for name in item.asked.exercises if item.asked else (item.name,):
            yield say("exercise ", "练习") + link(Task("exercise", name, 0))


def _cards(past: Past, records: Records) -> list[str]:
    """The interview's questions in the order in which they come back."""
    when = now()
    cards, day = all_cards(records, when), interview_day(records, when)
    back = {each.name: comes_back(cards[each.name], day) for each in past.items if each.asked}
    known = sorted((time, name) for name, time in back.items() if time)
    return [f"{time.astimezone().date()}{say(': ', '：')}`{name}`" for time, name in known[:MOST]]


def _over_time(past: Past, records: Records) -> list[str]:
    """The last interviews of this level that were finished, and what has changed since the first of them."""
    same = [each for each in history(records) if each.level == past.level and each.finished][-MOST:]
    lines = [_kept(each) for each in same]
    if len(same) > 1:
        change = round(100 * (same[-1].score - same[0].score))
        lines.append(say(f"{change:+d} points since the first of these", f"与其中第一次相比：{change:+d}分"))
    return lines


def _kept(past: Past) -> str:
    parts = {
        say("questions", "问答"): [each for each in past.items if each.asked and not each.asked.rubric],
        say("design", "设计"): [each for each in past.items if each.asked and each.asked.rubric],
        say("exercises", "练习"): [each for each in past.items if not each.asked],
    }
    told = say(", ", "，").join(f"{title} {percent(score_of(items))}" for title, items in parts.items())
    return say(
        f"{past.time.date()}, seed {past.seed}: {percent(past.score)} ({told})",
        f"{past.time.date()}，种子{past.seed}：{percent(past.score)}（{told}）",
    )
