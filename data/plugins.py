"""Plugins: a user's modules, imported before a command line is read.

They register lifters, data sets, pose sources, metrics and export formats.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# what was imported (dotted name, or path of a file) -> the name that checkpoints compare
_imported: dict[str, str] = {}


def load_plugins(plugins: Sequence[str]) -> None:
    """Import each plugin once. plugins: dotted names (from the current folder too), or paths of .py files."""
    for plugin in plugins:
        identity = str(Path(plugin).resolve()) if plugin.endswith(".py") else plugin
        if identity in _imported:
            continue
        if plugin.endswith(".py"):
            _import_file(Path(plugin), f"posefk_plugin_{len(_imported)}_{Path(plugin).stem}")
        else:
            _import_module(plugin)
        _imported[identity] = _name(plugin)


def load_plugins_typed(arguments: Sequence[str]) -> None:
    """Import what --plugins of a command line names, whatever else stands there."""
    reading = False
    for argument in arguments:
        flag, _, value = argument.partition("=")
        if argument.startswith("-"):
            reading = flag == "--plugins"
        if reading:
            load_plugins([word for word in (value if argument.startswith("-") else argument).split(",") if word])


def refuse_missing_plugins(content: Any, path: str | Path) -> None:
    """Refuse a checkpoint whose settings name plugins that are not imported. Nothing a file names is imported."""
    settings = content.get("settings") if isinstance(content, dict) else None
    needed = settings.get("plugins", ()) if isinstance(settings, dict) else ()
    names = [name for name in needed if isinstance(name, str)] if isinstance(needed, list | tuple) else []
    missing = [name for name in names if _name(name) not in _imported.values()]
    if missing:
        raise ValueError(f"{path} was made with plugins that are not imported: add --plugins {' '.join(names)}")


def _name(plugin: str) -> str:
    """A plugin whatever folder it is in."""
    return Path(plugin).name if plugin.endswith(".py") else plugin


def _import_file(path: Path, name: str) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"--plugins {path} is missing: expected a .py file, or the dotted name of a module.")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _import_module(name: str) -> None:
    if os.getcwd() not in sys.path:  # as python -m has it
        sys.path.append(os.getcwd())
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # a module that the plugin itself imports
        raise ValueError(f"--plugins {name}: no such module; expected a dotted name or a path of a .py file.") from None
