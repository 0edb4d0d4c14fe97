"""Files that appear whole or not at all, and names for what was computed."""

import hashlib
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from kd_solutions.support.errors import StudyError, writing_to
from kd_solutions.support.language import say
from kd_solutions.support.paths import CACHE_VARIABLE, cache_folder


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """The one way in which a file is written: it appears with all of its content, or stays what it was.

    Durable: after a power cut it is the old file or the new one, never an empty one. Several processes may
    write at once, and the last wins. Raises: OSError, also for a missing folder; nothing half-written stays.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.part")  # a name of its own, for each writer
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with suppress(OSError):  # gone already, if all went well
            partial.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable too; a no-op where a system can't."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_json(path: Path):
    """What `write_json` wrote into the cache; StudyError where a disk or a person damaged it since."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        folder = cache_folder() / "data"
        reason = type(error).__name__
        raise StudyError(
            say(
                f"The cached file {path} can't be read ({reason}): delete {folder}, and it is made anew.",
                f"缓存文件{path}无法读取（{reason}）：请删除{folder}，之后会重新生成。",
            )
        ) from error


def write_json(path: Path, content) -> None:
    """`write_whole` of JSON into the cache; StudyError for a full disk or a folder that can't be written."""
    with writing_to(path.parent, CACHE_VARIABLE):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content, ensure_ascii=False).encode())


def fingerprint(*made_of: ModuleType | str) -> str:
    """Twelve characters that change with these modules' code and these texts: a name for what they made."""
    digest = hashlib.sha256()
    for part in made_of:
        digest.update(part.encode() if isinstance(part, str) else Path(part.__file__).read_bytes())
    return digest.hexdigest()[:12]
