"""The page of errata: what public lists teach that isn't so, from the questions' own `seen_in`."""

from kd_solutions.support.language import Text
from kd_study.lessons.links import cell_address
from kd_study.questions import Question, Sighting, all_questions, by_topic


def errata(language: str) -> list[tuple[str, str]]:
    """(cell's id, Markdown) of every sighting, topic after topic, under the question that it belongs to."""
    found = []
    for questions in by_topic(all_questions().values()).values():
        for question in questions:
            cells = [_entry(each, language) for each in question.seen_in]
            if cells:
                found.append((f"{question.id}-heading", _heading(question, language)))
            found += [(f"{question.id}-seen-{number}", text) for number, text in enumerate(cells, 1)]
    return found


def _heading(question: Question, language: str) -> str:
    title = getattr(question.title, language).partition("\n")[0]
    address = cell_address("questions", question.id)
    return f"### {title}\n\n" + getattr(
        Text(f"[The question]({address})", f"[到这个问题]({address})"), language
    )


def _entry(seen: Sighting, language: str) -> str:
    place = f"[{seen.repository}, {seen.file}:{seen.line}]({seen.address})"
    statement, right = getattr(seen.statement, language), getattr(seen.right, language)
    return getattr(
        Text(
            f"**It says** {statement}\n\n**Right is:** {right} ({seen.source})\n\n"
            f"{place}, commit {seen.commit[:7]}, read on {seen.date}",
            f"**原文**：{statement}\n\n**正确的说法**：{right}（{seen.source}）\n\n"
            f"{place}，提交{seen.commit[:7]}，{seen.date}核对",
        ),
        language,
    )
