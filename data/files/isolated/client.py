"""The asking end: one child process reads files for as long as they come, and another after it was brought down."""

import atexit
import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, NoReturn

from data.files.isolated.answers import OddAnswerError, OtherContentError, Receiver, room, seconds

CHILD = Path(__file__).with_name("child.py")
NAMES = {"matlab": "MATLAB", "cdf": "CDF", "hdf5": "HDF5"}
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS)
STARTING_SECONDS, SILENT_SECONDS, SILENT_SECONDS_PER_MB = 300, 60, 1  # for slow disks: loops end by computing time
PIPE_BYTES = 1 << 20


class UnreadableError(ValueError):
    """What is wrong with a file's content, as a clause for the sentence that names the file."""


class _EndedError(Exception):
    """The child is gone."""


def read_isolated(reader: str, path: str | Path, content: bytes | None = None, **request: Any) -> Any:
    """What a reader (data/files/isolated/) finds in a file: dicts, object arrays, strings, numbers, None for the rest.

    reader: matlab, cdf or hdf5. content: the file's bytes where it lies in an archive, `path` its name. request: what
    the reader takes. Raises UnreadableError where the content is at fault, OtherContentError where it is sound but not
    what is wanted, OSError where something else is the matter.
    """
    size = os.stat(path).st_size if content is None else len(content)
    about = {"reader": reader, "path": os.path.abspath(path), "file_bytes": size, "inside": content is not None}
    return _reader.read(about | request, content or b"", str(path))


class _Child:
    """One process. between: it waits for a question; touched: it has begun to answer."""

    def __init__(self) -> None:
        modules = json.dumps([os.path.abspath(place) for place in sys.path if place])
        one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}  # each would take memory
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(CHILD), modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, bufsize=0, env=os.environ | one_thread,
            start_new_session=True,  # Ctrl-C is for the command: this one ends with it
        )  # fmt: skip
        assert self.process.stdin and self.process.stdout
        self.questions, self.answers = self.process.stdin.fileno(), self.process.stdout.fileno()
        self.greeted = self.between = self.touched = False
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # more than this user may have
                fcntl.fcntl(self.answers, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def ask(self, about: dict[str, Any], content: bytes) -> Any:
        self.between = self.touched = False
        if not self.greeted:
            self._wait_for_greeting()
        self.patience = SILENT_SECONDS + SILENT_SECONDS_PER_MB * about["file_bytes"] / 1e6
        self._write(json.dumps(about).encode() + b"\n")
        self._write(content)
        receiver = Receiver(self._read, room(about["file_bytes"]), lambda frame: self._refuse(frame, about["path"]))
        answer = receiver.answer()
        self.between = True
        return answer

    def _wait_for_greeting(self) -> None:
        self.patience = STARTING_SECONDS
        try:
            self._read(memoryview(bytearray(1)))
        except (_EndedError, TimeoutError):
            raise OSError(
                f"The process that reads files of this kind ended with exit code {self.stop(5.0)} before it could: "
                f"{sys.executable} {CHILD}. Does this Python still work?"
            ) from None
        self.greeted, self.touched = True, False

    def stop(self, grace: float = 0.0) -> int:
        """Its exit status. grace: seconds for it to end by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        self.process.kill()
        status = self.process.wait()
        self._close()
        for left in Path(tempfile.gettempdir()).glob(f"posefk-{self.process.pid}-*"):
            left.unlink(missing_ok=True)
        return status

    def forget(self) -> None:
        """Leave it to the process that started it."""
        self.process.returncode = 0
        self._close()

    def _close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def _write(self, content: bytes) -> None:
        left = memoryview(content)
        try:
            while left:
                left = left[os.write(self.questions, left) :]
        except BrokenPipeError:
            raise _EndedError from None

    def _read(self, into: memoryview) -> None:
        poll = select.poll()
        poll.register(self.answers, select.POLLIN)
        while into:
            if not poll.poll(1000 * self.patience):
                raise TimeoutError
            count = os.readv(self.answers, [into])
            if count == 0:
                raise _EndedError
            self.touched = True
            into = into[count:]

    def _refuse(self, frame: dict[str, Any], path: str) -> NoReturn:
        words = str(frame["error"])[:300]
        self.between = True
        if frame.get("cause") == "import":
            raise ModuleNotFoundError(words)
        if frame.get("cause") == "system":
            raise OSError(f"{path} cannot be read: {words}.")
        raise (OtherContentError if frame.get("cause") == "other content" else UnreadableError)(words)


class _Reader:
    """Keeps the child between files. One question at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.child: _Child | None = None

    def read(self, about: dict[str, Any], content: bytes, path: str) -> Any:
        name = NAMES[about["reader"]]
        with self.lock:
            try:
                return self._ask(about, content)
            except _EndedError:
                status = self.stop(grace=5.0)
            except OddAnswerError:
                raise UnreadableError(f"reading it made the {name} reader answer what no file can hold") from None
            except TimeoutError:
                patience = SILENT_SECONDS + SILENT_SECONDS_PER_MB * about["file_bytes"] // 1_000_000
                raise TimeoutError(
                    f"Reading {path} came to nothing in {patience} s, though it took no computing: does the disk it "
                    "lies on answer? Copy it to another one."
                ) from None
            finally:
                if self.child and not self.child.between:
                    self.stop()
        if status == -signal.SIGXCPU:
            raise UnreadableError(f"reading it came to no end within {seconds(about['file_bytes'])} s of computing")
        if status >= 0 or -status in CRASHES:
            how = f"signal {-status}" if status < 0 else f"exit code {status}"
            raise UnreadableError(f"reading it crashed the {name} reader, {how}")
        raise OSError(f"The process that was reading {path} was killed from outside (signal {-status}): try again.")

    def _ask(self, about: dict[str, Any], content: bytes) -> Any:
        if self.child:
            try:
                return self.child.ask(about, content)
            except _EndedError:
                if self.child.touched or self.child.stop(grace=5.0) != 0:
                    raise
        self.child = _Child()  # the first one, or the last one had been idle and has left just now
        return self.child.ask(about, content)

    def stop(self, grace: float = 0.0) -> int:
        child, self.child = self.child, None
        return child.stop(grace) if child else 0


_reader = _Reader()
atexit.register(lambda: _reader.stop())


def _after_fork() -> None:
    """A forked process has a child of its own: two that write into one pipe would get each other's answers."""
    global _reader
    child, _reader = _reader.child, _Reader()
    if child:
        child.forget()


os.register_at_fork(after_in_child=_after_fork)
