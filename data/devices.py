"""The device that a flag names, and random numbers that go on where a run was saved."""

import re
from typing import Any

import torch
from torch import Tensor

OTHER_DEVICE = (
    "The run was saved on another kind of device, whose random numbers cannot go on here: from now on others are drawn."
)
_STATES = (torch.Generator().get_state().shape, torch.Size([16]))  # of a CPU's generator and a GPU's


def chosen_device(name: str, rank: int = 0) -> torch.device:
    """The device of --device: auto (a GPU if there is one), cpu, cuda or cuda:1. rank: which GPU if none is said."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise ValueError(f"--device {name[:80]}: choose from auto, cpu, cuda (or cuda:1, the second GPU).")
    if name == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ValueError(f"--device {name}: PyTorch finds no CUDA device here; use --device cpu or auto.")
    index, count = int(name.partition(":")[2] or rank), torch.cuda.device_count()
    if index >= count:
        raise ValueError(
            f"--device {name}: process {rank} wants GPU {index}, but there are {count} (the first is cuda:0): "
            f"start at most {count} processes here, or name one that is there."
        )
    return torch.device("cuda", index)


def go_on(generator: torch.Generator, state: Any, saved: str) -> bool:
    """Let a generator go on from a state. Returns whether it does: not if that is of another kind of device.

    saved: what the state is of ("The saved run"), for the refusal of one that is no generator's.
    """
    if not isinstance(state, Tensor) or state.dtype != torch.uint8 or state.shape not in _STATES:
        raise ValueError(f"{saved} does not fit: its random numbers are of no generator of PyTorch's.")
    if state.shape != generator.get_state().shape:
        return False
    try:
        generator.set_state(state.cpu())
    except RuntimeError as error:
        raise ValueError(f"{saved} does not fit: its random numbers are of no generator of PyTorch's.") from error
    return True
