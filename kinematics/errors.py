"""Errors as one sentence: what was wanted, what came, what to do."""

import os
import sys
import zipfile
from collections.abc import Callable

from kinematics.busy_machine import considerate_threads

BAD_INPUT_EXIT_CODE = 2


class PoseFKError(Exception):
    """Bad input in one sentence. Commands print it and leave with exit code 2."""


# What a user's files and flags can cause. Anything else is a defect of ours and keeps its traceback.
BAD_INPUT = (PoseFKError, ValueError, OSError, zipfile.BadZipFile, KeyboardInterrupt)


def exit_with_one_sentence(main: Callable[[], object]) -> None:
    """Run a command; bad input becomes one line on stderr and exit code 2 (130 for Ctrl-C).

    Set POSEFK_TRACEBACK=1 to see where an error came from.
    """
    try:
        with considerate_threads():
            main()
    except BAD_INPUT as error:
        if os.environ.get("POSEFK_TRACEBACK"):
            raise
        if isinstance(error, KeyboardInterrupt):
            print(str(error) or "Stopped by Ctrl-C.", file=sys.stderr)
            sys.exit(130)
        print(" ".join(str(error).split()) or type(error).__name__, file=sys.stderr)
        sys.exit(BAD_INPUT_EXIT_CODE)
