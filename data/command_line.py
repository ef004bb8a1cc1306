"""Command lines whose refusals are one sentence with the nearest known flag: argparse's, or a dataclass by tyro."""

import argparse
import contextlib
import difflib
import io
import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NoReturn, TypeVar

import tyro

from data.plugins import load_plugins_typed
from kinematics.errors import PoseFKError

Settings = TypeVar("Settings")


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


def read_flags(kind: type[Settings], prog: str, description: str | None, arguments: Sequence[str]) -> Settings:
    """A dataclass of settings from a command line; tyro's boxed refusal becomes one sentence."""
    known = [f"--{setting.name}" for setting in fields(kind)]  # type: ignore[arg-type]
    if "--plugins" in known:
        load_plugins_typed(arguments)
    for word in arguments:
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag.replace("-", "_").replace("__", "--", 1) not in [*known, "--help"]:
            near = difflib.get_close_matches(flag, known, n=1)
            hint = f" Perhaps you meant: {near[0]}" if near else ""
            raise ValueError(f"{flag} is not a flag of {prog}: choose from {', '.join(known)}.{hint}")
    printed = io.StringIO()
    config: Any = (tyro.conf.FlagConversionOff,)
    try:
        with contextlib.redirect_stderr(printed):
            return tyro.cli(
                kind, prog=prog, description=description, args=arguments, config=config, use_underscores=True
            )
    except SystemExit as stop:
        if not stop.code:
            raise
        raise ValueError(unboxed(printed.getvalue())) from None


def unboxed(printed: str) -> str:
    """tyro's refusal as one sentence: without its box, its markup and what it tried to read the words as."""
    lines = [line.strip("│ ") for line in printed.splitlines()[1:]]
    end = next((i for i, line in enumerate(lines) if line.startswith("──")), len(lines))
    sentence = re.sub(r"\[/?bold\]", "", " ".join(lines[:end])).partition(" Got errors:")[0]
    return f"{sentence.rstrip()} (--help explains every flag)"
