"""What this system offers to hold a forked copy in. Each function confines the process that calls it.

Resource limits are POSIX. The rest is Linux: namespaces (no other process, no network), a view of the disk in
which only the temporary folder can be written, and Landlock, which holds where namespaces are refused, as in
most containers. Whatever a system refuses is left out, and said by the return value.
"""

import contextlib
import ctypes
import os
import signal
import stat
import struct
import sys
from pathlib import Path

MEMORY_BYTES = 2 * 1024**3
FILE_BYTES = 64 * 1024**2  # in the temporary folder, the one place that can be written
SHARED_MEMORY = Path("/dev/shm")
MORE_PROCESSES = 256  # than run on the whole machine now

_LINUX = sys.platform == "linux"
_PDEATHSIG, _CHILD_SUBREAPER, _NO_NEW_PRIVILEGES = 1, 36, 38  # <linux/prctl.h>
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PIDS, _NEW_NETWORK = (
    0x0002_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
)  # fmt: skip  # <linux/sched.h>
_AT_FDCWD, _RECURSIVE, _READ_ONLY, _PRIVATE = -100, 0x8000, 1, 1 << 18  # <linux/mount.h>
_MOUNT_SETATTR, _CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 442, 444, 445, 446  # one number on all machines
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14  # <linux/landlock.h>
_CHANGES_A_FOLDER = sum(1 << bit for bit in range(4, 13))  # remove and make, of every kind
_ASK_VERSION, _SCOPE_SIGNALS = 1, 1 << 1
_CAN_TRUNCATE, _CAN_SCOPE_SIGNALS = 3, 6  # the versions of Landlock from which on it can
_READ_EVERYTHING = 1 << 2  # CAP_DAC_READ_SEARCH: root grades files of others


def bound(cpu_seconds: float | None) -> bool:
    """Limits memory, the size of a file, processes, and processor time unless None. Whether memory is."""
    import resource

    def at_most(kind: int, value: int) -> None:
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (value, value))

    at_most(resource.RLIMIT_CORE, 0)
    at_most(resource.RLIMIT_FSIZE, FILE_BYTES)
    if cpu_seconds is not None:
        at_most(resource.RLIMIT_CPU, int(cpu_seconds) + 2)
    try:
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        at_most(resource.RLIMIT_AS, in_use + MEMORY_BYTES)
        running = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
        at_most(resource.RLIMIT_NPROC, running + MORE_PROCESSES)
    except OSError:
        return False  # no such bound on this system
    return True


def end_with_parent(how: signal.Signals) -> None:
    """Has this signal sent to the caller when the thread that forked it ends."""
    _prctl(_PDEATHSIG, how)


def adopt_orphans() -> bool:
    """Makes the caller the parent of every descendant whose own parent ends; whether it can find them."""
    return _prctl(_CHILD_SUBREAPER, 1) and _CHILDREN.exists()


def own_namespaces() -> bool:
    """Gives the caller's next children processes, network, mounts and IPC of their own.

    The first child must live as long as the others: all of them end with it. Whether it was granted.
    """
    if not _LINUX:
        return False
    wanted = _NEW_PIDS | _NEW_MOUNTS | _NEW_NETWORK | _NEW_IPC
    if _call("unshare", wanted):  # root
        return True
    user, group = os.geteuid(), os.getegid()
    if not _call("unshare", wanted | _NEW_USER):
        return False
    with contextlib.suppress(OSError):  # without a name for its user it runs as "nobody"
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def read_only_disk(writable: list[Path]) -> bool:
    """In mounts of one's own: makes all read-only; `writable` and SHARED_MEMORY become empty, in memory."""
    everything = struct.pack("=4Q", _READ_ONLY, 0, _PRIVATE, 0)
    if not _call("syscall", _MOUNT_SETATTR, _AT_FDCWD, b"/", _RECURSIVE, everything, len(everything)):
        return False
    for folder in (*writable, SHARED_MEMORY):
        _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=%d" % FILE_BYTES)
    return True


def landlock(writable: list[Path]) -> tuple[bool, bool]:
    """Forbids to write outside `writable`, and to signal other processes. Which of the two was granted."""
    if not _LINUX:
        return False, False
    version = _libc().syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < 1:
        return False, False
    writes = _WRITE_FILE | _CHANGES_A_FOLDER | (_TRUNCATE if version >= _CAN_TRUNCATE else 0)
    signals = _SCOPE_SIGNALS if version >= _CAN_SCOPE_SIGNALS else 0
    attributes = struct.pack("=3Q", writes, 0, signals)
    rules = _libc().syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False, False
    _allow(rules, Path(os.devnull), writes & (_WRITE_FILE | _TRUNCATE))
    for folder in writable:
        _allow(rules, folder, writes)
    granted = _prctl(_NO_NEW_PRIVILEGES, 1) and _call("syscall", _RESTRICT_SELF, rules, 0)
    os.close(rules)
    return granted and version >= _CAN_TRUNCATE, granted and bool(signals)


def drop_privileges() -> None:
    """Gives up what root may do, for good, but for reading the files of others."""
    _prctl(_NO_NEW_PRIVILEGES, 1)
    if _LINUX:
        kept = _READ_EVERYTHING if os.geteuid() == 0 else 0
        header = struct.pack("=Ii", 0x2008_0522, 0)  # version 3: two sets of 32 bits, one after the other
        _call("capset", header, struct.pack("=6I", kept, kept, 0, 0, 0, 0))


def cut_ties(keep: set[int]) -> None:
    """Turns every inherited socket, pipe and open file that can be written into /dev/null, but for `keep`."""
    import fcntl

    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in map(int, os.listdir("/dev/fd")):
        with contextlib.suppress(OSError):  # one is the folder's own, and gone
            mode = os.fstat(descriptor).st_mode
            read_only = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
            writes = stat.S_ISSOCK(mode) or (not read_only and (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)))
            if writes and descriptor not in keep:
                os.dup2(nowhere, descriptor, inheritable=False)


def children() -> list[int]:
    """The caller's children, where the system tells; those that it has adopted too."""
    try:
        return [int(child) for child in _CHILDREN.read_text().split()]
    except OSError:
        return []


_CHILDREN = Path("/proc/thread-self/children")


def _allow(rules: int, path: Path, access: int) -> None:
    with contextlib.suppress(OSError):
        place = os.open(path, os.O_PATH)
        rule = struct.pack("=Qi", access, place)
        _call("syscall", _ADD_RULE, rules, 1, rule, 0)
        os.close(place)


def _prctl(option: int, value: int) -> bool:
    return _LINUX and _call("prctl", option, value, 0, 0, 0)


def _call(name: str, *arguments) -> bool:
    return getattr(_libc(), name)(*arguments) == 0


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
