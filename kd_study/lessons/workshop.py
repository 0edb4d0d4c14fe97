"""Everything that a class is taught with, from the lessons' sources, nothing of it executed:

    student/LANGUAGE/NAME.ipynb       stubs, without output or answer
    instructor/LANGUAGE/NAME.ipynb    with answers; what nbgrader takes as its source
    slides/LANGUAGE/NAME.ipynb        for jupyterlab-rise
    handouts/LANGUAGE/NAME.html       to print or to take home, and NAME.pdf where there is a Chromium

A page without a lesson's number, such as the glossary, has neither slides nor a handout.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.files import write_whole
from kd_solutions.support.language import LANGUAGES, current_language, say
from kd_solutions.support.progress import counting
from kd_study.lessons import handouts
from kd_study.lessons.editions import write
from kd_study.lessons.for_a_class import Page, instructor, read_page, student, workshop_sources
from kd_study.lessons.outline import LESSONS
from kd_study.lessons.slides import CSS, RISE, slides
from kd_study.lessons.source import NOTEBOOKS, lesson_sources

TARGET = NOTEBOOKS.parent / "build" / "workshop"
PRINTERS = 2  # Chromiums at a time
_LESSON = {lesson.name: lesson for lesson in LESSONS}


def build_with_progress(lessons: list[str] | None, target: Path = TARGET) -> list[str]:
    """Builds all editions of these lessons, or of every one, below `target`, with a line that counts.

    Returns: a sentence for what was left out, none where nothing was.
    """
    sources = workshop_sources(lessons)
    pages: list[Path] = []
    with counting(say("editions", "各版本"), len(sources) * len(LANGUAGES)) as advance:
        for path in build(sources, target):
            pages += [path] if path.suffix == ".html" else []
            if path.parts[-3] == "student":
                advance(note=f"{path.parent.name}/{path.stem}")
    return _print(pages)


def build(sources: list[Path], target: Path) -> Iterator[Path]:
    """Builds the notebooks and the HTML handouts; yields each path when it is written."""
    for source in sources:
        for language in LANGUAGES:
            yield from _build_one(source, language, target)
    for language in LANGUAGES:
        folder = target / "slides" / language
        if folder.is_dir():
            write_whole(folder / "rise.css", CSS.encode())


def slides_of(lesson: str, target: Path = TARGET) -> tuple[Path, str]:
    """The folder that the slides of a lesson were built in, and their path below it, in the language in use.

    lesson: as of `lesson_sources`, the first that begins so. StudyError where they were not built yet.
    """
    (source, *_) = lesson_sources([lesson])
    language = current_language() if current_language() in LANGUAGES else LANGUAGES[0]
    page = Path("slides") / language / f"{source.stem}.ipynb"
    if not (target / page).is_file():
        raise StudyError(
            say(
                f"There is no {target / page} yet: type `make workshop`.",
                f"还没有{target / page}：请运行`make workshop`。",
            )
        )
    return target, page.as_posix()


def _build_one(source: Path, language: str, target: Path) -> Iterator[Path]:
    page = read_page(source, language)
    if lesson := _LESSON.get(page.name):
        yield _written(slides(page, lesson), target / "slides", page, rise=RISE)
        handout = target / "handouts" / language / f"{page.name}.html"
        handout.parent.mkdir(parents=True, exist_ok=True)
        write_whole(handout, handouts.html(page, set(_LESSON)).encode())
        yield handout
    yield _written(instructor(page), target / "instructor", page)
    yield _written(student(page), target / "student", page)


def _written(notebook, folder: Path, page: Page, **metadata) -> Path:
    path = folder / page.language / f"{page.name}.ipynb"
    write(notebook, path, metadata)
    return path


def _print(pages: list[Path]) -> list[str]:
    """Prints the handouts to PDF beside them; a sentence for what could not be."""
    if (command := handouts.browser()) is None:
        return [
            say(
                "There is no Chromium here, so the handouts are HTML alone: print them from any browser.",
                "这里没有Chromium，因此讲义只有HTML：请用任意浏览器打印。",
            )
        ]
    unprinted = []
    with counting(say("printing", "打印"), len(pages)) as advance, ThreadPoolExecutor(PRINTERS) as pool:
        done = pool.map(lambda page: handouts.print_to_pdf(page, page.with_suffix(".pdf"), command), pages)
        for page, printed in zip(pages, done, strict=True):
            unprinted += [] if printed else [f"{page.parent.name}/{page.name}"]
            advance(note=page.stem)
    names = ", ".join(unprinted)
    return [say(f"Chromium could not print {names}.", f"Chromium没能打印{names}。")] if unprinted else []
