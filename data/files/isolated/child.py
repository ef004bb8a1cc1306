"""The process that reads: requests on stdin, answers on stdout, until stdin ends or nothing has come for a while.

Run by its path, with the asking process's module path as its one argument. It does not import the package `data`,
whose torch takes seconds to load. Before each file it limits its own memory and computing time, so that what a
damaged file makes a library do ends by itself.
"""

import contextlib
import errno
import importlib
import io
import json
import os
import queue
import resource
import sys
import tempfile
import threading
import types
from pathlib import Path
from typing import Any, BinaryIO

IDLE_SECONDS = 20
SYSTEM_TROUBLE = (
    errno.EIO, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ESTALE, errno.ETIMEDOUT, errno.ENOSPC, errno.EMFILE,
)  # fmt: skip
Request = tuple[dict[str, Any], bytes]


def main() -> None:
    sys.path[:] = json.loads(sys.argv[1])
    package = types.ModuleType("data")
    package.__path__ = [str(Path(__file__).parents[2])]
    sys.modules["data"] = package  # in place of the one that imports torch
    questions, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)  # what a library prints is no answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    tempfile.template = f"posefk-{os.getpid()}-"
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(questions, requests), daemon=True).start()
    _write(answers, b"\n")
    while True:
        try:
            request, content = requests.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            os._exit(0)
        _answer(request, content, answers)


def _listen(questions: BinaryIO, requests: "queue.SimpleQueue[Request]") -> None:
    """Take requests; end at once, whatever is being read, when the asking process is gone."""
    try:
        while line := questions.readline():
            request = json.loads(line)
            requests.put((request, questions.read(request["file_bytes"] if request["inside"] else 0)))
    finally:
        for left in Path(tempfile.gettempdir()).glob(f"{tempfile.template}*"):
            left.unlink(missing_ok=True)
        os._exit(0)


def _write(handle: int, buffer: Any) -> None:
    left = memoryview(buffer)
    try:
        while left:
            left = left[os.write(handle, left) :]
    except BrokenPipeError:
        os._exit(0)


def _limit_memory(most: int) -> None:
    """`most` bytes beyond what is in use, and as much in files; 0: as it was."""
    _limit(resource.RLIMIT_FSIZE, most or sys.maxsize)
    with contextlib.suppress(OSError):  # a system without /proc does not keep to this limit either
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + most if most else sys.maxsize)


def _limit_computing(seconds: int) -> None:
    """`seconds` from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + seconds)


def _limit(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _answer(request: dict[str, Any], content: bytes, answers: int) -> None:
    from data.files.isolated.answers import Sender, room, seconds

    size = request["file_bytes"]

    def write(buffer: Any) -> None:
        _write(answers, buffer)
        _limit_computing(seconds(size))

    sender = Sender(write, room(size))
    try:
        reader = importlib.import_module(f"data.files.isolated.{request['reader']}")
    except ImportError as error:
        return sender.frame({"error": str(error), "cause": "import"})
    _limit_memory(2 * room(size))
    _limit_computing(seconds(size))
    try:
        reader.read(io.BytesIO(content) if request["inside"] else request["path"], request, sender)
    except MemoryError:
        words = f"reading it asks for more than {2 * room(size) >> 20:,} MB of memory"
        sender.frame({"error": words, "cause": "content"})
    except Exception as error:  # scipy, cdflib and h5py take damaged bytes for sizes and types and fail in any way
        words = " ".join(str(error).split())[:200] or type(error).__name__
        sender.frame({"error": words, "cause": _cause(error)})
    _limit_memory(0)


def _cause(error: Exception) -> str:
    from data.files.isolated.answers import OtherContentError

    if isinstance(error, OSError) and error.errno in SYSTEM_TROUBLE:
        return "system"
    return "other content" if isinstance(error, OtherContentError) else "content"


if __name__ == "__main__":
    main()
