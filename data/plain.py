"""Dataclasses of settings from plain values, as checkpoints and JSON files keep them."""

from dataclasses import is_dataclass
from typing import Any, TypeVar, get_type_hints

SettingsType = TypeVar("SettingsType")


def from_plain(plain: dict[str, Any], kind: type[SettingsType]) -> SettingsType:
    """The dataclass that dataclasses.asdict() made plain (JSON has turned tuples into lists)."""
    hints = get_type_hints(kind)
    strangers = sorted(set(plain) - set(hints))
    if strangers:
        raise ValueError(f"The stored settings have {', '.join(strangers)}, which this version does not know.")
    values = {}
    for name, value in plain.items():
        if is_dataclass(hints[name]):
            value = from_plain(value, hints[name])
        values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)
