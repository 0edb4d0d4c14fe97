"""Looks at everything that study needs: one line for what is fine, and what to do about what is wrong."""

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from kd_solutions.support.assets import ASSETS, cached_folder, damaged_files, looks_like_a_path
from kd_solutions.support.devices import DEVICE_VARIABLE, default_device
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import Text, say
from kd_solutions.support.paths import CACHE_VARIABLE, cache_folder
from kd_study.grading.sandbox import held
from kd_study.records.store import records_path
from kd_study.setup.workspace import PROJECT, has_repository, unreadable_copies, workspace_folder

OLDEST_PYTHON = (3, 11)
ASSET_TITLES = {
    "teacher": Text("teacher", "教师模型"),
    "translations": Text("translations", "译文"),
    "frontend": Text("frontend", "界面译文"),
}
FREE_BYTES = 1_000_000_000  # downloads and caches, with room to spare


class Finding(NamedTuple):
    """One thing that was looked at. advice: what to do, or None where all is well."""

    what: str
    advice: str | None = None


def findings() -> Iterator[Finding]:
    """Every check, in the order in which one would mend things."""
    yield python_version()
    yield packages()
    yield device()
    for name in ASSETS:
        yield asset(name)
    yield writable(say("downloads and caches", "下载与缓存"), cache_folder(), CACHE_VARIABLE)
    yield writable(say("study records", "学习记录"), records_path().parent, "KD_STUDY_HOME")
    if has_repository():
        yield writable(say("workspace", "工作区"), workspace_folder(), "KD_STUDY_HOME")
        yield lessons()
    yield free_space(cache_folder())
    yield Finding(str(held()))


def run() -> bool:
    """Print every finding as soon as it is known. Returns whether all is well."""
    healthy = True
    for finding in findings():
        healthy &= finding.advice is None
        print("✓" if finding.advice is None else "✗", finding.what, flush=True)
        if finding.advice:
            print("  →", finding.advice, flush=True)
    return healthy


def python_version() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    what = f"Python {found} ({sys.executable})"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding(what)
    return Finding(
        what,
        say(
            "Python 3.11 or newer is needed: install it, delete .venv, and type `make study`.",
            "需要Python 3.11或更新的版本：装好后删除.venv，再运行`make study`。",
        ),
    )


def packages(requirements: Path = PROJECT / "requirements.txt") -> Finding:
    """Whether the pinned versions are installed; without the repository, what the package itself asks for."""
    if not requirements.exists():
        return _packages_of_metadata(metadata.requires("kd-study") or [])
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", requirements.read_text("utf-8"), re.MULTILINE)
    wrong = [problem for name, pinned in pins if (problem := _other_version(name, f"=={pinned}"))]
    if not wrong:
        return Finding(say(f"all {len(pins)} pinned packages", f"{len(pins)}个固定版本的软件包齐全"))
    return _wrong_packages(
        wrong,
        say(
            "Type `make study`, or without make `pip install -r requirements.txt`.",
            "运行`make study`；不用make就运行`pip install -r requirements.txt`。",
        ),
    )


def _packages_of_metadata(required: list[str]) -> Finding:
    from packaging.requirements import Requirement

    wanted = [each for each in map(Requirement, required) if not each.marker or each.marker.evaluate()]
    found = {each: _other_version(each.name, str(each.specifier)) for each in wanted}
    wrong = {each: problem for each, problem in found.items() if problem}
    if not wrong:
        return Finding(say(f"all {len(wanted)} required packages", f"{len(wanted)}个必需的软件包齐全"))
    command = " ".join(["pip install", *(f"'{each}'" for each in wrong)])
    return _wrong_packages([*wrong.values()], say(f"Type `{command}`.", f"运行`{command}`。"))


def _wrong_packages(wrong: list[str], advice: str) -> Finding:
    return Finding(say(f"packages: {', '.join(wrong)}", f"软件包：{'、'.join(wrong)}"), advice)


def _other_version(name: str, wanted: str) -> str | None:
    """What is wrong with the installed version, None where it is as wanted, such as "==2.13.0"."""
    from packaging.specifiers import SpecifierSet

    try:
        installed = metadata.version(name).split("+")[0]  # torch's 2.13.0+cpu is 2.13.0
    except metadata.PackageNotFoundError:
        return say(f"{name} is missing", f"缺少{name}")
    if SpecifierSet(wanted).contains(installed, prereleases=True):
        return None
    return say(f"{name} is {installed}, not {wanted}", f"{name}是{installed}，不是{wanted}")


def device() -> Finding:
    """What a student trains on here, by an actual sum."""
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a shared library that is missing
        return Finding(
            f"PyTorch: {error}",
            say(
                "Type `make clean study` to install everything anew.",
                "运行`make clean study`，把所有软件包重新装一遍。",
            ),
        )
    try:
        found = default_device()
    except StudyError as error:
        return Finding(f"PyTorch {torch.__version__}: {error}", _another_device())
    name = torch.cuda.get_device_name(found) if found.type == "cuda" else _threads(torch.get_num_threads())
    what = say(f"PyTorch {torch.__version__} on {found}", f"PyTorch {torch.__version__}，使用{found}")
    try:
        torch.ones(2, device=found).sum().item()
    except RuntimeError as error:
        return Finding(f"{what}: {str(error).splitlines()[0]}", _another_device())
    return Finding(f"{what} ({name})")


def asset(name: str) -> Finding:
    """Whether the files are there and, where their hashes are pinned, whole."""
    variable, folder, title = ASSETS[name].variable, cached_folder(name), ASSET_TITLES[name]
    if folder is None:
        return _absent(title, name, variable)
    for path in damaged_files(name):
        return Finding(
            say(f"{title}: {path}", f"{title}：{path}"),
            say(
                f"The file is damaged: delete {folder} and type `python -m kd_study assets`.",
                f"文件已损坏：删除{folder}，再运行`python -m kd_study assets`。",
            ),
        )
    return Finding(say(f"{title}: {folder}", f"{title}：{folder}"))


def _another_device() -> str:
    return say(
        f"Update the graphics card's driver, or set {DEVICE_VARIABLE}=cpu to study on the CPU.",
        f"请更新显卡驱动，或设{DEVICE_VARIABLE}=cpu改用CPU。",
    )


def _threads(count: int) -> str:
    return say(f"{count} thread{'s' * (count > 1)}", f"{count}线程")


def _absent(title: Text, name: str, variable: str) -> Finding:
    """An asset that is not here: not fetched yet, or replaced by something that doesn't exist."""
    chosen = os.environ.get(variable)
    if chosen and looks_like_a_path(chosen) and not Path(chosen).expanduser().exists():
        return Finding(
            say(f"{title}: there is no {chosen}", f"{title}：{chosen}不存在"),
            say(f"Correct {variable}, or unset it.", f"请改正{variable}，或取消它。"),
        )
    where = f"{variable}={chosen}" if chosen else ASSETS[name].package
    what = say(f"{title}: not here yet ({where})", f"{title}：尚未就绪（{where}）")
    if chosen:
        return Finding(
            what,
            say(
                f"Type `python -m kd_study assets`; if that finds nothing, correct or unset {variable}.",
                f"运行`python -m kd_study assets`；如果仍找不到，请改正或取消{variable}。",
            ),
        )
    return Finding(
        what,
        say(
            f"Type `python -m kd_study assets`, or set {variable} to a local copy.",
            f"运行`python -m kd_study assets`，或用{variable}指定本地副本。",
        ),
    )


def lessons() -> Finding:
    """Whether JupyterLab can open every copy in the workspace."""
    if not (broken := unreadable_copies()):
        return Finding(say("every lesson in the workspace can be read", "工作区里的每一课都能打开"))
    command = "python -m kd_study reset"
    names = dict.fromkeys(Path(name).stem for name in broken)
    advice = ", ".join(f"`{command} {name}`" for name in names)
    return Finding(
        say(
            f"lessons that are no notebooks: {', '.join(broken)}", f"不是合法的notebook：{'、'.join(broken)}"
        ),
        say(
            f"Type {advice}: your copy is kept under a dated name, and a fresh one laid down.",
            f"运行{advice}：你的副本会按日期另存，再放一份新的。",
        ),
    )


def writable(what: str, folder: Path, variable: str) -> Finding:
    """Whether a file can really be written there, found out by writing one."""
    if folder.exists() and not folder.is_dir():
        return Finding(
            say(f"{what}: {folder} is a file", f"{what}：{folder}是一个文件"),
            say(
                f"Move the file away, or set {variable} to a folder.",
                f"请移走这个文件，或用{variable}指定一个文件夹。",
            ),
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"study")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return Finding(
            say(f"{what}: {folder} ({error.strerror})", f"{what}：{folder}（{error.strerror}）"),
            _more_room(variable) if full else _other_folder(variable),
        )
    return Finding(say(f"{what}: {folder}", f"{what}：{folder}"))


def _other_folder(variable: str) -> str:
    return say(
        f"Make the folder writable, or set {variable} to another.",
        f"请让这个文件夹可写，或用{variable}换一个。",
    )


def _more_room(variable: str) -> str:
    return say(
        f"Free some space, or set {variable} to a folder on another disk.",
        f"请腾出空间，或用{variable}换到别的磁盘。",
    )


def free_space(folder: Path) -> Finding:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    what = say(f"{free / 1e9:.1f} GB free on the disk", f"磁盘剩余{free / 1e9:.1f} GB")
    if free >= FREE_BYTES:
        return Finding(what)
    return Finding(what, _more_room(CACHE_VARIABLE))
