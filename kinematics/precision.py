"""Full precision inside autocast: bfloat16's three digits are centimetres."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
DEVICES = ("cpu", "cuda")


def no_autocast(like: Tensor) -> torch.autocast:
    """Disable autocast on a tensor's device."""
    return torch.autocast(like.device.type, enabled=False)


def full_precision(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorate a function that computes positions, angles or gradients of them, so that no autocast reaches it."""

    @functools.wraps(function)
    def in_full(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        active = [device for device in DEVICES if torch.is_autocast_enabled(device)]
        if not active:
            return function(*arguments, **named)
        with ExitStack() as stack:
            for device in active:
                stack.enter_context(torch.autocast(device, enabled=False))
            return function(*arguments, **named)

    return in_full
