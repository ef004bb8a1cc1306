"""A folder that one process at a time writes into."""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from data.files.writing import is_alive, unwritable

LOCK = ".lock"


@contextlib.contextmanager
def folder_lock(folder: str | Path, task: str) -> Iterator[None]:
    """Hold `folder`/.lock, which names this host and process, while the body runs; refuse if another process has it.

    task: what the holder does there, for the sentence the other one gets ("a training run"). The operating system lets
    go of the lock of a process that died, so a stale file of this host is taken over; whether one of another host is
    stale cannot be known from here on every file system, so that one is refused with the way out.
    """
    path = Path(folder) / LOCK
    handle = _acquire(path, task)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before letting go: whoever waits finds that the file is no longer this one
        os.close(handle)


def _acquire(path: Path, task: str) -> int:
    """An open, locked file descriptor of `path` that holds our name."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise unwritable(path, error) from error
        locked = True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(handle)
            os.close(handle)
            raise BlockingIOError(_sentence(path, task, holder)) from None
        except OSError:
            locked = False  # a file system without locks: the names in the file have to do
        if _is_current(handle, path):
            break
        os.close(handle)  # its holder removed it between our opening and locking
    holder = _holder(handle)
    here = holder.get("host") == socket.gethostname()
    if holder and (not here or (not locked and is_alive(holder.get("process")))):
        os.close(handle)
        raise BlockingIOError(_sentence(path, task, holder))
    content = json.dumps({"host": socket.gethostname(), "process": os.getpid(), "task": task}) + "\n"
    os.ftruncate(handle, 0)
    os.pwrite(handle, content.encode(), 0)
    return handle


def _is_current(handle: int, path: Path) -> bool:
    try:
        return os.fstat(handle).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _holder(handle: int) -> dict[str, object]:
    """What the file says of who holds it; empty where it says nothing that can be read."""
    try:
        content = json.loads(os.pread(handle, 1000, 0))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _sentence(path: Path, task: str, holder: dict[str, object]) -> str:
    who = f"process {holder.get('process')} on {holder.get('host')}" if holder else "another process"
    return (
        f"{path.parent} is being written to by {who} ({str(holder.get('task', task))[:80]}): wait for it or stop it. "
        f"If that process is no longer there, delete {path}."
    )
