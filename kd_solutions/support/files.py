"""Files that appear whole or not at all, and names for what was computed."""

import errno
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

FORMAT = "json 2"  # of what `write_json` writes; part of every name that `fingerprint` makes


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """The one way in which a file is written: it appears with all of its content, or stays what it was.

    Durable: after a power cut it is the old file or the new one, never an empty one. Several processes may
    write at once, and the last wins. A link stays one: what it names is written.
    Raises: OSError, also for a missing folder, and where a device, a pipe or a folder has the name already;
    nothing half-written stays.
    """
    try:
        path = Path(os.path.realpath(path))
    except ValueError as error:  # a NUL in it
        raise OSError(errno.EINVAL, str(error), str(path)) from error
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
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
        content = path.read_bytes()
        body = content[len(_head(b"")) : -1]
        if content != _head(body) + body + b"}":
            raise ValueError("its checksum is wrong")
        return json.loads(body)
    except (OSError, ValueError) as error:
        folder = cache_folder() / "data"
        raise StudyError(
            say(
                f"The cached file {path} can't be read ({error}): delete {folder}, and it is made anew.",
                f"缓存文件{path}无法读取（{error}）：请删除{folder}，之后会重新生成。",
            )
        ) from error


def write_json(path: Path, content) -> None:
    """`write_whole` of JSON with its checksum into the cache; StudyError where it can't be written."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")  # as json.loads decodes
    with writing_to(path.parent, CACHE_VARIABLE):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, _head(body) + body + b"}")


def _head(body: bytes) -> bytes:
    return b'{"sha256": "%s", "content": ' % hashlib.sha256(body).hexdigest().encode()


def fingerprint(*made_of: ModuleType | str) -> str:
    """Twelve characters that change with these modules' code and these texts: a name for what they made."""
    digest = hashlib.sha256(FORMAT.encode())
    for part in made_of:
        digest.update(part.encode() if isinstance(part, str) else Path(part.__file__).read_bytes())
    return digest.hexdigest()[:12]
