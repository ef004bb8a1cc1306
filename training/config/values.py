"""Settings as flat names and values, and as the plain values that files hold."""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from data.plain import from_plain as plain_to_dataclass
from training.config.checks import check_values
from training.config.settings import Settings

Group = TypeVar("Group")
RENAMED = {  # in the settings that older runs have stored
    "lifter": {"standardised": "normalized"},
    "learning": {"gan_every": "gan_interval", "mirrored": "flip_augment", "playback": "time_reversal"},
    "self_supervision": {"noise_again": "noisier2noise"},
}
AS_PUBLISHED = {"posenet_width": 0, "posenet_blocks": 0, "d_hid": 0, "mvf_kernel": 0, "dropout": -1, "input_layout": ""}


def setting_types(group: type = Settings) -> dict[str, Any]:
    """Type of every setting by its flat name."""
    types: dict[str, Any] = {}
    for name, hint in get_type_hints(group).items():
        types.update(setting_types(hint) if isinstance(hint, type) and is_dataclass(hint) else {name: hint})
    return types


def flat(settings: Any) -> dict[str, Any]:
    """Value of every setting by its flat name."""
    values: dict[str, Any] = {}
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        values.update(flat(value) if is_dataclass(value) else {entry.name: value})
    return values


def with_values(settings: Group, values: Mapping[str, Any]) -> Group:
    """Settings with other values, by their flat names."""
    changed = {}
    for entry in fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, entry.name)
        if is_dataclass(value):
            changed[entry.name] = with_values(value, values)
        elif entry.name in values:
            changed[entry.name] = values[entry.name]
    return replace(settings, **changed)  # type: ignore[type-var]


def to_plain(settings: Settings) -> dict[str, Any]:
    """Nested plain values, for settings.json and checkpoints."""
    return asdict(settings)


def from_plain(plain: dict[str, Any]) -> Settings:
    """The settings that to_plain() made plain, of this version or an older one; those of a file may be anything."""
    for group, names in RENAMED.items():
        if isinstance(plain, dict) and isinstance(content := plain.get(group), dict):
            plain = plain | {group: {names.get(name, name): value for name, value in content.items()}}
    if isinstance(plain, dict) and isinstance(lifter := plain.get("lifter"), dict):
        published = {name: None for name, value in AS_PUBLISHED.items() if name in lifter and lifter[name] == value}
        plain = plain | {"lifter": lifter | published}
    if isinstance(plain, dict) and isinstance(learning := plain.get("learning"), dict):
        plain = plain | {"learning": {"updates": 0} | learning}  # before there was a rule epochs said it all
    settings = plain_to_dataclass(plain, Settings)
    check_values(settings)
    return settings
