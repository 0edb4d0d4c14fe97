"""What a kernel tells a learner: which cell was graded, what a missing name means, how far something is.

`make study` loads this as an IPython extension into the kernels of its JupyterLab; elsewhere the first import
from `kd_study` does it.
"""

import re
import sys
from collections.abc import Callable
from difflib import SequenceMatcher

from kd_solutions.support.language import say
from kd_solutions.support.progress import Line, show_lines_with
from kd_study.exercises.catalog import NAMES

ALIKE = 0.6  # two cells that share so much are taken for two states of one
_DEFINED = re.compile(r"^\s*def (\w+)", re.MULTILINE)


def load_ipython_extension(shell) -> None:
    """Explains missing names and interrupts in this kernel, and shows below a cell how far it is."""
    shell.set_custom_exc((NameError, KeyboardInterrupt), _explain)
    show_lines_with(_below_the_cell)


def equip() -> None:
    """The same for the kernel that this is called in; nothing outside of one."""
    if shell := _running_shell():
        load_ipython_extension(shell)


def newer_cell(fn: Callable, name: str, shell=None) -> str:
    """A sentence where a later cell looks like a new state of the one that defined `fn`; "" elsewhere.

    That cell has a syntax error, or gives the function another name: the old one was graded.
    """
    shell = shell or _running_shell()
    if shell is None or not hasattr(fn, "__code__"):
        return ""
    number = getattr(shell.compile, "_filename_map", {}).get(fn.__code__.co_filename)
    cells = shell.user_ns.get("In", [])
    if number is None or not 0 < number < len(cells):
        return ""
    later = [
        index for index in range(number + 1, len(cells)) if _is_new_state(cells[index], cells[number], name)
    ]
    if not later:
        return ""
    return say(
        f"The version of cell [{number}] was graded: the newer cell [{later[-1]}] did not define {name}. "
        "Has it an error, or another name?",
        f"批改的是单元格[{number}]里的版本：较新的单元格[{later[-1]}]没有定义{name}。是不是有错误，或者改了名字？",
    )


def _is_new_state(cell: str, old: str, name: str) -> bool:
    defined = set(_DEFINED.findall(cell))
    if not defined or defined & (set(NAMES) - {name}):
        return False
    return name in defined or SequenceMatcher(None, old, cell, autojunk=False).ratio() > ALIKE


def _below_the_cell() -> Line | None:
    """A line of its own; a widget would leave an error behind in a notebook that is opened again."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    if kernel is None or not kernel.IPKernelApp.initialized():
        return None  # IPython in a terminal
    from IPython.display import display

    handle = display({"text/plain": ""}, raw=True, display_id=True)
    return lambda text: handle.update({"text/plain": text}, raw=True)


def _running_shell():
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _explain(shell, kind, error, traceback, tb_offset=None) -> list[str]:
    """Shows a sentence instead of a traceback, or below it where the name may be the learner's own."""
    if issubclass(kind, KeyboardInterrupt):
        lines = [say("Interrupted. To go on, run the cell again.", "已中断。要继续，请重新运行这个单元格。")]
    elif kind is NameError and error.name in _our_names():
        lines = [
            say(
                f"{error.name} is not defined in this kernel yet: run the cells above first "
                "(menu Run, Run All Above Selected Cell).",
                f"这个内核里还没有定义{error.name}：请先运行上面的单元格"
                "（菜单Run，Run All Above Selected Cell）。",
            )
        ]
    else:
        lines = list(shell.InteractiveTB.structured_traceback(kind, error, traceback, tb_offset=tb_offset))
        if kind is NameError and error.name:
            lines += ["", _perhaps_not_run(error.name)]
    shell._showtraceback(kind, error, lines)
    return lines


def _our_names() -> set[str]:
    import kd_study

    return {*NAMES, *kd_study.__all__, "say"}


def _perhaps_not_run(name: str) -> str:
    return say(
        f"If a cell above defines {name}, it hasn't run since this kernel started: menu Run, "
        "Run All Above Selected Cell.",
        f"如果{name}是上面的单元格定义的，那么内核启动之后它还没有运行过："
        "菜单Run，Run All Above Selected Cell。",
    )
