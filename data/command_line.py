"""The command line of the prepare commands: argparse whose refusals are one sentence with the nearest known flag."""

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn

from kinematics.errors import PoseFKError


class OneSentenceParser(argparse.ArgumentParser):
    """An ArgumentParser that raises PoseFKError instead of printing its usage; flags are never abbreviated."""

    def __init__(self, prog: str, description: str | None) -> None:
        super().__init__(
            prog=prog, description=description, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
        )

    def parse(self, argv: Sequence[str] | None = None) -> argparse.Namespace:
        """The arguments (default: sys.argv); an unknown flag is refused with the nearest known one."""
        arguments, unknown = self.parse_known_args(argv)
        if unknown:
            known = [flag for action in self._actions for flag in action.option_strings]
            near = difflib.get_close_matches(unknown[0].partition("=")[0], known, n=1)
            hint = f" Perhaps you meant: {near[0]}" if near else f" See {self.prog} --help"
            raise PoseFKError(f"{unknown[0]} is not a flag of {self.prog}: choose from {', '.join(known)}.{hint}")
        return arguments

    def error(self, message: str) -> NoReturn:
        raise PoseFKError(f"{message}. See: {self.prog} --help")
