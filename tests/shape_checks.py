"""The checks of jaxtyping's import hook at a fraction of their cost (docs/decisions.md).

jaxtyping's decorator checks parameters before a call and once more, with the result, after it. Here beartype checks
both in one go, and only functions of arrays get the memory in which sizes of one name are held against each other.
"""

import dataclasses
import functools
from collections.abc import Callable
from inspect import isgeneratorfunction
from types import FunctionType
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

jaxtyped = jaxtyping.jaxtyped
_once = beartype(conf=BeartypeConf(violation_type=jaxtyping.TypeCheckError))  # a TypeError, as jaxtyping raises it


def jaxtyped_once(checked: Any = None, *, typechecker: Callable[[Any], Any]) -> Any:
    """Decorate as jaxtyping.jaxtyped does: functions, and the fields of data classes."""
    if checked is None:
        return functools.partial(jaxtyped_once, typechecker=typechecker)
    if isinstance(checked, type):
        if dataclasses.is_dataclass(checked) and "__init__" in vars(checked):
            checked.__init__ = jaxtyped_once(checked.__init__, typechecker=typechecker)
        return checked
    hints = getattr(checked, "__annotations__", {}).values()
    if not isinstance(checked, FunctionType) or isgeneratorfunction(checked):  # its checks would come after the call
        return jaxtyped(checked, typechecker=typechecker)
    try:
        call = _once(checked)
    except Exception:  # a hint in quotes that is nothing Python could resolve
        return jaxtyped(checked, typechecker=typechecker)
    return _with_sizes(call) if any("jaxtyping." in repr(hint) or isinstance(hint, str) for hint in hints) else call


def _with_sizes(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def with_sizes(*args: Any, **kwargs: Any) -> Any:
        with jaxtyped("context"):
            return call(*args, **kwargs)

    return with_sizes
