"""Reading the command line of a run."""

from collections.abc import Mapping, Sequence
from typing import Any

from data.command_line import run_tyro
from data.plugins import load_plugins_typed
from training.config.checks import check
from training.config.flags import read_typed
from training.config.resolve import explain, resolve
from training.config.settings import Settings
from training.config.values import flat, with_values

# Where a resumed run may differ.
FREE = {"plugins", "device", "threads", "resume", "compare", "checkpoint_minutes", "keep"}


def read_settings(arguments: Sequence[str], recipe: str | None = None, stored: Settings | None = None) -> Settings:
    """Settings of a command line. recipe: overrules --recipe (one of --compare); stored: of the run to be resumed."""
    load_plugins_typed(arguments)
    typed: Mapping[str, Any] = read_typed([word for word in arguments if word not in ("-h", "--help")])
    if {"-h", "--help"} & set(arguments):
        run_tyro(Settings, "run_fk_gan.py", ["--help"], default=resolve(typed)[0])
    if recipe is not None:
        typed = {**typed, "recipe": recipe}
    if typed.get("explain"):
        print(explain(typed))
        raise SystemExit
    if stored is None:
        settings, _ = resolve(typed)
        check(settings)
        return settings
    settings = with_values(stored, typed)
    _refuse_changes(settings, stored)
    return settings


def _refuse_changes(settings: Settings, stored: Settings) -> None:
    """A resumed run goes on as it began; only where it computes and when it saves may change."""
    now, before = flat(settings), flat(stored)
    changed = [name for name in now if name not in FREE and now[name] != before[name]]
    if changed:
        name = changed[0]
        raise ValueError(
            f"--{name} {now[name]} differs from the run's own {before[name]}: --resume continues a run as it began; "
            "leave the flag out, or start a new run."
        )
