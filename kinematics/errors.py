"""Errors as one sentence: what was wanted, what came, what to do."""

import difflib
import os
import sys
import zipfile
from collections.abc import Callable, Iterable

from kinematics.busy_machine import considerate_threads
from kinematics.early_stop import STOPPED_EXIT_CODE, release

BAD_INPUT_EXIT_CODE = 2


class PoseFKError(Exception):
    """Bad input in one sentence. Commands print it and leave with exit code 2."""


# What a user's files and flags can cause. Anything else is a defect of ours and keeps its traceback.
BAD_INPUT = (PoseFKError, ValueError, OSError, zipfile.BadZipFile, KeyboardInterrupt)


def nearest(word: str, known: Iterable[str]) -> str:
    """End a refusal: " Perhaps you meant: ...", or nothing."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), list(by_lower), n=1)
    return f" Perhaps you meant: {by_lower[near[0]]}" if near else ""


def choose(what: str, value: str, known: Iterable[str], of: str = "") -> str:
    """Return a value if it is known, or refuse it with the nearest. what: flag before it; of: whose the known are."""
    known = list(known)
    if value not in known:
        raise ValueError(f"{what} {value}: choose from {', '.join(known)}{of}.{nearest(value, known)}")
    return value


def one_sentence(error: BaseException) -> str:
    """An error's words in one line, without the control characters that a file may have brought into them."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if words.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words)


def exit_with_one_sentence(main: Callable[[], object]) -> None:
    """Run a command; bad input becomes one line on stderr and exit code 2 (130 for Ctrl-C).

    Set POSEFK_TRACEBACK=1 to see where an error came from.
    """
    release()
    try:
        with considerate_threads():
            main()
    except BAD_INPUT as error:
        if os.environ.get("POSEFK_TRACEBACK"):
            raise
        if isinstance(error, KeyboardInterrupt):
            print(str(error) or "Stopped by Ctrl-C.", file=sys.stderr)
            sys.exit(STOPPED_EXIT_CODE)
        print(one_sentence(error), file=sys.stderr)
        sys.exit(BAD_INPUT_EXIT_CODE)
