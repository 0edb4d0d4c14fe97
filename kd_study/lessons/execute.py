"""Executes built notebooks, several at a time, away from the builder's own study records."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat.v4 import new_markdown_cell

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, say
from kd_solutions.support.paths import cache_folder
from kd_solutions.support.progress import QUIET_VARIABLE, counting
from kd_study.lessons.editions import CAPTION, assemble, stale_notebooks, write
from kd_study.lessons.source import NOTEBOOKS, lesson_sources

CELL_SECONDS = 900  # a busy machine takes five times as long, and more
WORKERS = 2


def report_stale(lessons: list[str] | None) -> None:
    """StudyError, naming them, where committed notebooks differ from their sources."""
    if stale := stale_notebooks(lesson_sources(lessons)):
        names = ", ".join(f"{path.parent.name}/{path.name}" for path in stale)
        raise StudyError(f"not equal to their sources: {names}; run `python -m kd_study build`")


def build_with_progress(lessons: list[str] | None, solved: Path | None, run: bool) -> None:
    """Builds lessons into notebooks/, or solved into the folder `solved`, with a progress bar on stderr."""
    sources = lesson_sources(lessons)
    with counting(say("building", "生成"), len(sources) * len(LANGUAGES)) as advance:
        for path in build(sources, solved or NOTEBOOKS, solved is not None, run):
            advance(note=f"{path.parent.name}/{path.stem}")


def build(
    sources: list[Path],
    target: Path = NOTEBOOKS,
    solved: bool = False,
    run: bool = True,
    languages: tuple[str, ...] = LANGUAGES,
) -> Iterator[Path]:
    """Builds the editions of each source below `target`; yields each path when it is written."""
    jobs = [
        (assemble(source, language, solved), target / language / f"{source.stem}.ipynb")
        for source in sources  # here and not in the threads: two that parse at once crash Python < 3.11.8
        for language in languages
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(_finish, *job, run) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _finish(notebook: nbformat.NotebookNode, path: Path, run: bool) -> Path:
    if run:
        path.parent.mkdir(parents=True, exist_ok=True)
        execute(notebook, path)
        _describe_pictures(notebook, path)
    write(notebook, path)
    return path


def _describe_pictures(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Put each picture's caption into its alternative text, before what the picture says of itself."""
    for cell, below in pairwise([*notebook.cells, new_markdown_cell()]):
        for output in cell.get("outputs", []):
            if "image/png" not in output.get("data", {}):
                continue
            if not below.id.endswith("-caption"):
                raise StudyError(f"{path.parent.name}/{path.name}: the picture of {cell.id} has no caption")
            seen = output.metadata.setdefault("image/png", {})
            seen["alt"] = " ".join(filter(None, [below.source.removeprefix(CAPTION), seen.get("alt")]))


def execute(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Runs a notebook in place, in the folder of `path`, with a fresh study home and the usual cache."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # or how often a cell flushed its prints would differ from run to run
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    with TemporaryDirectory(prefix="kd-study-build-") as home:
        environment = os.environ | {
            "KD_STUDY_HOME": home,
            "KD_STUDY_CACHE": str(cache_folder()),
            QUIET_VARIABLE: "1",
            "OMP_NUM_THREADS": "1",  # as `make test` compares them: sums depend on the number of threads
        }
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise StudyError(f"{path.parent.name}/{path.name} does not run:\n{error}") from error
