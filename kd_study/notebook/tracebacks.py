"""Two errors that every learner meets, told in one sentence: a cell above hasn't run, or one was interrupted."""

import sys

from kd_solutions.support.language import say
from kd_study.exercises.catalog import NAMES


def shorten() -> None:
    """In a notebook, from here on: tell a missing name of ours and an interrupt in one sentence."""
    ipython = sys.modules.get("IPython")
    if ipython and (shell := ipython.get_ipython()):
        shell.set_custom_exc((NameError, KeyboardInterrupt), _tell)


def _tell(shell, kind: type, error: BaseException, traceback, tb_offset: int | None = None) -> None:
    lines = [told(error)]
    if isinstance(error, NameError) and error.name not in _ours():  # perhaps a slip in the learner's own code
        full = shell.InteractiveTB.structured_traceback(kind, error, traceback, tb_offset=tb_offset)
        lines = [*full, *lines]
    error._render_traceback_ = lambda: list(filter(None, lines))  # IPython asks an error how to show it
    shell.showtraceback((kind, error, traceback))


def told(error: BaseException) -> str:
    """What to say of such an error; "" of a NameError that no cell further up could have prevented."""
    if isinstance(error, KeyboardInterrupt):
        return say(
            "Interrupted. Run the cell again when you like.", "已中断。想继续时，重新运行这个单元格即可。"
        )
    if type(error) is not NameError or not error.name:
        return ""
    return say(
        f"{error.name} isn't there yet. If a cell further up makes it, run that first: "
        "menu Run, Run All Above Selected Cell.",
        f"还没有{error.name}。如果它由上面的某个单元格给出，请先运行那里："
        "菜单Run里的Run All Above Selected Cell。",
    )


def _ours() -> set[str]:
    import kd_study

    return {*NAMES, *kd_study.__all__}
