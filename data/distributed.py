"""Several processes: torchrun starts them, gradients are averaged by hand, the first process writes."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from data.devices import chosen_device
from kinematics.errors import BAD_INPUT_EXIT_CODE, PoseFKError


class LostProcessError(PoseFKError):
    """Another process of the run has ended."""


@contextlib.contextmanager
def _together() -> Iterator[None]:
    """Around what all processes do at once."""
    try:
        yield
    except RuntimeError as error:
        raise LostProcessError("Another process of this run has ended or cannot be reached.") from error


@dataclass(frozen=True)
class Processes:
    """This process among its equals, which call the last three methods together. rank: 0 to count - 1."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def share(self, batch_size: int) -> int:
        if batch_size % self.count:
            raise ValueError(f"--batch_size {batch_size}: expected a multiple of the {self.count} processes.")
        return batch_size // self.count

    def part(self, length: int) -> slice:
        """This process's part of so many things in a row."""
        return slice(length * self.rank // self.count, length * (self.rank + 1) // self.count)

    def sum_up(self, tensor: Tensor) -> None:
        """Add up what each has filled in of a tensor of zeros."""
        if self.count > 1:
            sum_up(tensor)

    def any(self, flag: bool) -> bool:
        return any(gather(flag)) if self.count > 1 else flag

    def failing_together(self) -> contextlib.AbstractContextManager[None]:
        return failing_together() if self.count > 1 else contextlib.nullcontext()


ALONE = Processes(0, 1, torch.device("cpu"))


def start(device: str = "auto") -> Processes:
    """Join the processes torchrun started, or be the only one. device: auto, cpu, cuda or cuda:1."""
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    chosen = _device(device)
    if count > 1 and not dist.is_initialized():
        import torch.distributed.nn  # noqa: F401, before a group begins: it keeps one that runs, whose threads outlive stop()

        # what lies on the CPU is told over gloo: nobody has to wait for a GPU to agree on something
        dist.init_process_group("cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo")
    return Processes(rank, count, chosen)


def _device(name: str) -> torch.device:
    device = chosen_device(name, int(os.environ.get("LOCAL_RANK", 0)))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def stop() -> None:
    """Leave the group. Its threads end here: one that let go of a tensor after Python ended would abort the process."""
    if dist.is_initialized():
        dist.destroy_process_group()


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over the processes: one all-reduce of all of them, laid end to end."""
    if not dist.is_initialized():
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    _average(gradients)


def average_buffers(module: nn.Module) -> None:
    """Replace running statistics (batch norm) by their mean over the processes."""
    if dist.is_initialized():
        _average([buffer for buffer in module.buffers() if buffer.is_floating_point()])


def _average(tensors: list[Tensor]) -> None:
    if not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    sum_up(flat)
    flat /= dist.get_world_size()
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def sum_up(tensor: Tensor) -> None:
    if dist.is_initialized():
        with _together():
            dist.all_reduce(tensor)


def broadcast(module: nn.Module) -> None:
    if not dist.is_initialized():
        return
    with _together():
        for tensor in (*module.parameters(), *module.buffers()):
            dist.broadcast(tensor.data, src=0)


def gather(value: Any) -> list[Any]:
    """Gather the values of all processes, in order of rank."""
    if not dist.is_initialized():
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    with _together():
        dist.all_gather_object(values, value)
    return values


def from_first(value: Any) -> Any:
    return gather(value)[0]


def largest(values: Sequence[int]) -> list[int]:
    """Return the largest value of each number over the processes."""
    if not dist.is_initialized():
        return list(values)
    shared = torch.tensor([int(value) for value in values])
    with _together():
        dist.all_reduce(shared, dist.ReduceOp.MAX)
    return shared.tolist()


def speaks_first() -> bool:
    """Whether this is the first process that asks, which is then the one that says what all of them would."""
    try:
        return dist.distributed_c10d._get_default_store().add("spoken", 1) == 1
    except (RuntimeError, ValueError):  # the store is gone, and with it whoever else might speak
        return True


@contextlib.contextmanager
def failing_together() -> Iterator[None]:
    """Around what a process does alone, or all do alike: where one fails all leave, one of them with its error."""
    failed = None
    try:
        yield
    except LostProcessError:
        raise
    except Exception as error:
        if getattr(error, "all_know", False):  # of a context like this inside
            raise
        failed = error
    who = [rank for rank, fails in enumerate(gather(failed is not None)) if fails]
    if failed is not None and (not dist.is_initialized() or dist.get_rank() == who[0]):
        setattr(failed, "all_know", True)  # noqa: B010
        raise failed
    if who:
        sys.exit(BAD_INPUT_EXIT_CODE)
