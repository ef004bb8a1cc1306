"""Plain values as checkpoints and JSON files keep them: held against the types they should have, and as dataclasses."""

from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

SettingsType = TypeVar("SettingsType")
LARGEST_INT = 2**62


def from_plain(plain: Any, settings_class: type[SettingsType]) -> SettingsType:
    """The dataclass that dataclasses.asdict() made plain (JSON has turned tuples into lists)."""
    assert is_dataclass(settings_class)
    hints = get_type_hints(settings_class)
    check_plain(plain, dict[str, Any], settings_class.__name__)
    strangers = sorted(set(plain) - set(hints))
    if strangers:
        raise ValueError(f"The stored settings have {', '.join(strangers)[:80]}, which this version does not know.")
    absent = [
        entry.name for entry in fields(settings_class)
        if entry.name not in plain and entry.default is MISSING and entry.default_factory is MISSING
    ]  # fmt: skip
    if absent:
        raise ValueError(f"The stored settings lack {', '.join(absent)}.")
    values = {}
    for name, value in plain.items():
        if is_dataclass(hints[name]):
            values[name] = from_plain(value, hints[name])
        else:
            check_plain(value, hints[name], name)
            values[name] = tuple(value) if isinstance(value, list) else value
    return settings_class(**values)


def check_plain(value: Any, hint: Any, name: str) -> None:
    """Refuse a value that is not of a type, such as dict[str, float], tuple[int, ...] or a TypedDict (whose
    dictionaries may have more keys). Lists pass for tuples, whole numbers for floats. name: of the value.
    """
    problem = _misfit(value, hint)
    if problem:
        place, what, wanted = problem
        shown = str(what)[:40] if isinstance(what, (str, int, float, NoneType)) else f"a {type(what).__name__}"
        raise ValueError(f"{name}{place[:80]} is {shown}, expected {wanted}.")


def _misfit(value: Any, hint: Any) -> tuple[str, Any, str] | None:
    """Where a value is not of its type: place inside it, what is there, what should be; None if all is right."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return None
    if origin is NotRequired:
        return _misfit(value, inner[0])
    if origin in (Union, UnionType):
        problems = [_misfit(value, option) for option in inner]
        return None if None in problems else max(problems, key=lambda problem: len(problem[0]) if problem else 0)
    if origin is Literal:
        known = any(type(value) is type(word) and value == word for word in inner)
        return None if known else ("", value, f"one of {', '.join(map(str, inner))}")
    if is_typeddict(hint):
        return _misfit_of_keys(value, hint)
    if origin in (list, tuple, dict):
        return _misfit_inside(value, origin, inner)
    right = isinstance(value, hint) if hint not in (int, float) else isinstance(value, (int, hint))
    if right and hint in (int, float):
        right = not isinstance(value, bool) and (isinstance(value, float) or abs(value) < LARGEST_INT)
    words = {int: "a whole number", float: "a number", str: "a word", NoneType: "nothing", bool: "True or False"}
    return None if right else ("", value, words.get(hint, f"a {hint.__name__}"))


def _misfit_of_keys(value: Any, hint: Any) -> tuple[str, Any, str] | None:
    """Of a TypedDict."""
    if not isinstance(value, dict):
        return "", value, "a dictionary"
    for key, value_hint in get_type_hints(hint, include_extras=True).items():
        if key not in value:
            if key in hint.__required_keys__:
                return f".{key}", None, "a value"
        elif problem := _misfit(value[key], value_hint):
            return f".{key}{problem[0]}", *problem[1:]
    return None


def _misfit_inside(value: Any, origin: type, inner: tuple[Any, ...]) -> tuple[str, Any, str] | None:
    """Of lists, tuples and dictionaries."""
    if origin is dict:
        for key, part in value.items() if isinstance(value, dict) else ():
            problem = _misfit(key, inner[0]) or _misfit(part, inner[1])
            if problem:
                return f".{str(key)[:40]}{problem[0]}", *problem[1:]
        return None if isinstance(value, dict) else ("", value, "a dictionary")
    if not isinstance(value, (list, tuple)):
        return "", value, "a list"
    kinds = inner if origin is tuple and inner[-1] is not ... else (inner[0],) * len(value)
    if len(kinds) != len(value):
        return "", value, f"{len(kinds)} values"
    for place, (part, part_hint) in enumerate(zip(value, kinds, strict=True)):
        if problem := _misfit(part, part_hint):
            return f"[{place}]{problem[0]}", *problem[1:]
    return None
