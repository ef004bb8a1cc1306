"""What comes of one input: accepted, refused in one sentence, or a finding, with a word for its kind."""

import contextlib
import linecache
import os
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from kinematics.errors import BAD_INPUT, one_sentence

ACCEPTED, REFUSED = "accepted", "refused"
SECONDS, MEMORY, LONGEST_SENTENCE, LONGEST_QUOTE = 10, 1 << 30, 600, 80
_REPOSITORY = Path(__file__).parents[2]
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_RUNNING = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn", "socket.connect", "ctypes.dlopen")


class Verdict(NamedTuple):
    """kind: accepted, refused, or what is wrong and where; words: the sentence or the last lines of the traceback."""

    kind: str
    words: str = ""

    @property
    def is_finding(self) -> bool:
        return self.kind not in (ACCEPTED, REFUSED)


class _TooLong(BaseException):
    pass


class _Watched:
    """Files written and programs started outside of the input's folder. Audit hooks cannot be taken away again."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple) -> None:
        if self.folder is None:
            return
        if event.startswith(_RUNNING):
            self.seen.append(f"{event} {str(arguments)[:60]}")
        elif event == "open":
            path, mode, flags = arguments
            writes = flags & _WRITING if isinstance(flags, int) else any(letter in str(mode) for letter in "wax+")
            if writes and isinstance(path, str | bytes | os.PathLike) and self._is_outside(os.fsdecode(path)):
                self.seen.append(f"open {os.fsdecode(path)[:60]}")
        elif event in ("os.remove", "os.rename", "os.mkdir", "os.symlink", "os.link", "os.rmdir"):
            if arguments[-1] == -1 and self._is_outside(os.fsdecode(arguments[0])):  # no handle of a folder
                self.seen.append(f"{event} {arguments[0]}")

    def _is_outside(self, path: str) -> bool:
        inside = (str(self.folder), "/dev/null", "/proc/self", os.path.join(os.environ.get("TMPDIR", "/tmp"), ""))
        return not os.path.abspath(path).startswith(inside)


_watched: _Watched | None = None


def judge(read: Callable[[Path], object], folder: Path, content: bytes) -> Verdict:
    """Read what is in the folder. content: the changed file's bytes, of which no message may quote much."""
    global _watched
    _watched = _watched or _Watched()
    _watched.folder, _watched.seen = folder, []
    before = _start_measuring()
    try:
        with _time_limit(), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ResourceWarning)
            read(folder)
        verdict = Verdict(ACCEPTED)
    except _TooLong as late:
        verdict = Verdict(f"hang: {_place(late)}", _traceback(late))
    except BAD_INPUT as error:
        verdict = _judge_sentence(error, folder, content)
    except Exception as error:
        verdict = Verdict(f"{type(error).__name__}: {_place(error)}", _traceback(error))
    finally:
        _watched.folder = None
    if _watched.seen:
        return Verdict("outside of its folder", ", ".join(_watched.seen))
    if (grown := _most_memory() - before) > MEMORY + 16 * len(content):
        return Verdict(f"memory: {verdict.kind}", f"{grown >> 20:,} MB, {verdict.words}")
    return verdict


def _judge_sentence(error: BaseException, folder: Path, content: bytes) -> Verdict:
    words = one_sentence(error).replace(str(folder), ".")
    place = _place(error)
    if not _is_ours(error):
        return Verdict(f"not our sentence, {type(error).__name__}: {place}", _traceback(error))
    if len(words) > LONGEST_SENTENCE:
        return Verdict(f"long sentence: {place}", f"{len(words)} characters: {words}")
    if quote := _quote(words, content):
        return Verdict(f"long quote: {place}", quote)
    return Verdict(REFUSED, words)


def _is_ours(error: BaseException) -> bool:
    """Whether a `raise` in the repository's own files made the message."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    if not _is_in_repository(last) or last.lineno is None:
        return False
    lines = range(last.lineno, (last.end_lineno or last.lineno) + 1)
    return any("raise" in linecache.getline(last.filename, line) for line in lines)


def _quote(words: str, content: bytes) -> str:
    """What a message has of a file, if that is more than LONGEST_QUOTE characters in a row."""
    raw = words.encode("latin-1", "replace")
    windows = (raw[start : start + LONGEST_QUOTE + 1] for start in range(len(raw) - LONGEST_QUOTE))
    return next((window.decode("latin-1") for window in windows if window in content), "")


def _place(error: BaseException) -> str:
    """The innermost line of the repository that an error went through, without its number."""
    last = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_in_repository(frame)][-1]
    return f"{Path(last.filename).relative_to(_REPOSITORY)}, {last.name}, {(last.line or '')[:60]}"


def _is_in_repository(frame: traceback.FrameSummary) -> bool:
    return Path(frame.filename).is_relative_to(_REPOSITORY) and "site-packages" not in frame.filename


def _traceback(error: BaseException) -> str:
    lines = traceback.format_exception(error)
    return "".join(lines)[-1500:]


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    def stop(signal_number: int, frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of computing: a busy machine is no hang
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _start_measuring() -> int:
    """Bytes in use now; from here on the most is counted, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _most_memory()


def _most_memory() -> int:
    try:
        text = Path("/proc/self/status").read_text()
        return int(text.partition("VmHWM:")[2].split()[0]) << 10
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
