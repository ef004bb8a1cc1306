"""Command lines whose refusals are one sentence with the nearest known flag: argparse's, or a dataclass by tyro."""

import argparse
import contextlib
import io
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NoReturn, TypeVar

import tyro

from data.plugins import load_plugins_typed
from kinematics.errors import PoseFKError, nearest

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
            hint = nearest(unknown[0].partition("=")[0], known) or f" See {self.prog} --help"
            raise PoseFKError(f"{unknown[0]} is not a flag of {self.prog}: choose from {', '.join(known)}.{hint}")
        return arguments

    def error(self, message: str) -> NoReturn:
        raise PoseFKError(f"{message}. See: {self.prog} --help")


def read_flags(
    settings: type[Settings], prog: str, description: str | None, arguments: Sequence[str] | None = None
) -> Settings:
    """A dataclass of settings from a command line (default: sys.argv); refuses an unknown flag with the nearest one."""
    arguments = sys.argv[1:] if arguments is None else arguments
    known = [f"--{entry.name}" for entry in fields(settings)]  # type: ignore[arg-type]
    if "--plugins" in known:
        load_plugins_typed(arguments)
    for word in arguments:
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag.replace("-", "_").replace("__", "--", 1) not in [*known, "--help"]:
            raise ValueError(f"{flag} is not a flag of {prog}: choose from {', '.join(known)}.{nearest(flag, known)}")
    return run_tyro(settings, prog, arguments, description=description)


def run_tyro(settings: type[Settings], prog: str, arguments: Sequence[str], **options: Any) -> Settings:
    """tyro's parsing, whose boxed refusal becomes one sentence. options: further ones of tyro.cli."""
    printed = io.StringIO()
    config: Any = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagConversionOff)
    try:
        with contextlib.redirect_stderr(printed):
            return tyro.cli(settings, prog=prog, args=arguments, config=config, use_underscores=True, **options)
    except SystemExit as stop:
        if not stop.code:
            raise
        lines = [line.strip("│ ") for line in printed.getvalue().splitlines()[1:]]  # without the box
        end = next((i for i, line in enumerate(lines) if line.startswith("──")), len(lines))
        sentence = re.sub(r"\[/?bold\]", "", " ".join(lines[:end])).partition(" Got errors:")[0]
        raise ValueError(f"{sentence.rstrip()} (--help explains every flag)") from None
