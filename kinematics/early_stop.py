"""Ctrl-C and SIGTERM while a command is still importing: one word, no traceback. Imported before all else."""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

STOPPED_EXIT_CODE = 130
SCRIPTS = ("run_fk_gan.py", "prepare_data_3dhp.py", "posefk")
ROOMS = ("data", "posenets", "augment", "evaluation", "training", "viewer", "prepare_data_3dhp", "run_fk_gan")
DEFAULT = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


def is_command(program: str, words: list[str]) -> bool:
    """Whether a command of ours starts: no other's Ctrl-C is touched. program, words: of sys.argv and sys.orig_argv."""
    if program == "-m":  # what Python says while it imports the packages that the module is in
        return words[words.index("-m") + 1].split(".")[0] in ROOMS
    return Path(program).name.split(" ")[0] in SCRIPTS


def _stop(number: int, frame: FrameType | None) -> None:
    if not int(os.environ.get("RANK", 0)):  # of several processes one says so
        os.write(2, b"Stopped.\n")
    os._exit(STOPPED_EXIT_CODE)


def watch_imports() -> None:
    """From here on the first signal ends a command, until release()."""
    if threading.current_thread() is not threading.main_thread() or not is_command(sys.argv[0], sys.orig_argv):
        return
    for number, default in DEFAULT.items():
        if signal.getsignal(number) is default:  # not where somebody has asked for it to be ignored (nohup)
            signal.signal(number, _stop)


def release() -> None:
    """Give the signals back to Python: the imports are done."""
    for number, default in DEFAULT.items():
        if signal.getsignal(number) is _stop:
            signal.signal(number, default)


watch_imports()
