"""Commands on the interview's questions: list them, answer one, go through those that are due."""

from collections.abc import Iterable
from typing import Annotated

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import Text, say
from kd_study.cli import given_number, shortened, warn
from kd_study.cli.frame import command

app = typer.Typer()
COMMAND = "python -m kd_study"
WIDTH = 70  # of a question in the list


@command(
    app,
    "List the interview's questions; or answer one aloud, compare, and tick its points.",
    "列出面试题；给出一题的id，就先开口回答，再对照并逐点打钩。",
)
def questions(
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help=say("such as what-is-kd; or none: a list", "例如what-is-kd；不写则列出全部"),
        ),
    ] = None,
    marks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="1|2|3",
            help=say(
                "point by point, where you have answered already: 1 said, 2 half, 3 missed",
                "如果已经答过，直接逐点写：1说到，2一半，3漏掉",
            ),
        ),
    ] = None,
    topic: Annotated[
        str,
        typer.Option(
            metavar=say("TOPIC", "主题"), help=say("of the list, such as loop", "只列一个主题，例如loop")
        ),
    ] = "",
    level: Annotated[
        str, typer.Option(metavar="basic|mid|hard", help=say("of the list", "只列一种难度"))
    ] = "",
    kind: Annotated[
        str,
        typer.Option(
            metavar="concept|code|estimate|design", help=say("of the list", "只列概念、代码、估算或设计题")
        ),
    ] = "",
    state: Annotated[
        str,
        typer.Option(metavar="new|weak|known|due", help=say("of the list", "没答过、薄弱、已掌握、该复习")),
    ] = "",
    words: Annotated[
        str,
        typer.Option(
            "--find",
            metavar=say("WORDS", "词"),
            help=say("that occur in the question or its answer", "只列题目或答案里出现这些词的"),
        ),
    ] = "",
    asked: Annotated[
        str,
        typer.Option(
            "--search",
            metavar=say("TEXT", "文本"),
            help=say(
                "the nearest to what you ask in your own words, in any language that your student reads",
                "用你自己的话提问，列出最接近的题；你的学生模型读得懂的语言都可以",
            ),
        ),
    ] = "",
) -> None:
    if question is None and asked.strip():
        print_nearest(asked, words, state, topic=topic, level=level, kind=kind)
    elif question is None:
        print_questions(words, state, topic=topic, level=level, kind=kind)
    elif marks:
        record_marks(question, marks)
    else:
        answer_one(question)


@command(
    app,
    "Answer the questions that are due, one by one: space reveals, 1 to 4 grade, t ticks, q ends.",
    "逐一回答该复习的题目：空格揭晓，1到4评分，t逐点打钩，q结束。",
)
def review(
    interview: Annotated[
        str | None,
        typer.Option(
            metavar=say("DAY", "日期"),
            help=say("be ready on that day, such as 2026-12-12", "为这一天做准备，例如2026-12-12"),
        ),
    ] = None,
    minutes: Annotated[
        str,
        typer.Option(
            metavar=say("MINUTES", "分钟"), help=say("ask nothing more after so many", "到时间就不再出新题")
        ),
    ] = "20",
) -> None:
    go_through_cards(interview, given_number(minutes, "--minutes", 1, 24 * 60))


def go_through_cards(interview: str | None, minutes: int) -> None:
    """Asks card after card; whatever is graded is recorded before the next one is shown."""
    from kd_study.cli import answering as terminal
    from kd_study.memory.session import Session
    from kd_study.memory.words import ending, headline, read_day
    from kd_study.records.store import records

    session = Session(records(warn), read_day(interview) if interview is not None else None, minutes)
    while session.asked:
        print(headline(session), end="\n\n")
        terminal.show_question(session.asked)
        if terminal.await_key(say("Answer aloud, then press space.", "先开口回答，再按空格。"), " ") is None:
            break
        session.reveal()
        terminal.show_points(session.asked)
        terminal.show_rest(session.asked)
        if (told := terminal.ask_grade(session)) is None:
            break
        print(told, end="\n\n")
    print(ending(session))


def print_questions(words: str = "", state: str = "", **wanted: str) -> None:
    """Prints one line a question, topic by topic: how it is known, id, level, and whether it is due.

    words: that occur in it. state: of `memory.cards.STATES`. wanted: fields and their values, "" for any.
    """
    from kd_study.exercises.catalog import LEVELS
    from kd_study.questions import TOPICS, all_questions

    chosen, cards, when = _chosen(words, state, wanted)
    if not chosen:
        print(say("No question is like that.", "没有符合条件的问题。"))
        return
    wide = max(len(asked.id) for asked in chosen)
    for topic in dict.fromkeys(asked.topic for asked in all_questions().values()):
        own = [asked for asked in chosen if asked.topic == topic]
        if own:
            print(f"{TOPICS.get(topic, topic)} ({topic})")
        for asked in own:
            due = say(", due", "，该复习") if cards[asked.id].is_in("due", when) else ""
            about = f"{LEVELS[asked.level]}{due}"
            print(f"  {sign(cards[asked.id], when)} {asked.id:<{wide}} {_cut(asked.title)} ({about})")
    print()
    print(_count(cards, chosen, when))
    print(
        say(
            f"`{COMMAND} questions {chosen[0].id}` asks one of them.",
            f"`{COMMAND} questions {chosen[0].id}`就来考你其中一题。",
        )
    )


def print_nearest(text: str, words: str = "", state: str = "", **wanted: str) -> None:
    """Prints the questions nearest to a text, the best first, and how they were found."""
    from kd_study.questions.own_words import MOST, search

    chosen, cards, when = _chosen(words, state, wanted)
    fitting = {asked.id for asked in chosen}
    found = search(text)
    nearest = [asked for asked in found.questions if asked.id in fitting][:MOST]
    if not nearest:
        print(say("No question is like that.", "没有符合条件的问题。"))
    wide = max((len(asked.id) for asked in nearest), default=0)
    for asked in nearest:
        print(f"  {sign(cards[asked.id], when)} {asked.id:<{wide}} {_cut(asked.title)}")
    print(found.how)


def _chosen(words: str, state: str, wanted: dict[str, str]):
    """(questions that fit, every card, the time). StudyError for a value that is none."""
    from kd_study.exercises.catalog import LEVELS
    from kd_study.memory.cards import STATES, all_cards
    from kd_study.questions import KINDS, all_questions, find
    from kd_study.records.store import now, records

    bank, when = all_questions(), now()
    topics = {asked.topic: "" for asked in bank.values()}
    for name, known in (("topic", topics), ("level", LEVELS), ("kind", KINDS)):
        _expect(wanted.get(name, ""), f"--{name}", known)
    _expect(state, "--state", STATES)
    cards = all_cards(records(warn), when)
    fitting = find(bank.values(), words, **{name: value for name, value in wanted.items() if value})
    return [asked for asked in fitting if not state or cards[asked.id].is_in(state, when)], cards, when


def sign(card, when) -> str:
    """A sign that needs no colour: known, weak, or new."""
    return "✓" if card.is_in("known", when) else "✗" if card.is_in("weak", when) else "·"


def _count(cards, chosen, when) -> str:
    known = sum(cards[asked.id].is_in("known", when) for asked in chosen)
    weak = sum(cards[asked.id].is_in("weak", when) for asked in chosen)
    return say(
        f"{len(chosen)} questions: {known} known, {weak} weak, {len(chosen) - known - weak} new.",
        f"共{len(chosen)}题：已掌握{known}题，薄弱{weak}题，没答过{len(chosen) - known - weak}题。",
    )


def _cut(question: Text) -> str:
    from kd_study.cli.markdown import readable_math

    text = " ".join(readable_math(str(question)).split())
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}…"


def _expect(given: str, option: str, known: Iterable[str]) -> None:
    if given and given not in known:
        raise StudyError(
            say(
                f"{option} can be {', '.join(known)}, not {shortened(given)!r}.",
                f"{option}可以是{'、'.join(known)}，不能是{shortened(given)!r}。",
            )
        )


def record_marks(name: str, marks: list[str]) -> None:
    """Records how the points of an answer given elsewhere are ticked."""
    from kd_study.memory.answering import Answering
    from kd_study.memory.ticks import read_marks
    from kd_study.questions import question
    from kd_study.records.store import records

    asked = question(shortened(name))
    letters = read_marks(asked, marks)
    answering = Answering(asked, records(warn)).untimed()
    answering.mark_all(letters)
    print(answering.told())


def answer_one(name: str) -> None:
    """Asks a question, shows its answer at a key, and asks for each of its points."""
    from kd_study.cli import answering as terminal
    from kd_study.memory.answering import Answering
    from kd_study.questions import question
    from kd_study.records.store import records

    asked = question(shortened(name))
    terminal.show_question(asked)
    answering = Answering(asked, records(warn))
    if terminal.await_key(say("Answer aloud, then press space.", "先开口回答，再按空格。"), " ") is None:
        return
    finished = terminal.ask_marks(answering)
    terminal.show_rest(asked)
    print(answering.told() if finished else _how_to_record(asked))


def _how_to_record(asked) -> str:
    numbers = " ".join("1" for _ in asked.points)
    return say(
        f"Not ticked to the end. `{COMMAND} questions {asked.id} {numbers}` records it later: 1 said, "
        "2 half, 3 missed.",
        f"还没有全部打钩。之后可用`{COMMAND} questions {asked.id} {numbers}`记录：1说到，2一半，3漏掉。",
    )
