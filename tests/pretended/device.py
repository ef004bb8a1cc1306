"""A device that is not there: tensors that say they lie on it, computed with on the CPU.

What a GPU would refuse is refused here: an operation on tensors of both devices, a generator of the other device. What
a GPU would be waited for is counted: whatever brings numbers back to the program (`item`, `tolist`, copies), makes
tensors of a size that only the device knows (`nonzero`, boolean indices), or copies from the program's memory
(constants, indices in lists), which PyTorch waits for as well unless the memory is pinned.

It changes how PyTorch behaves for the rest of the process, so whoever uses it is a process of its own, and imports this
before anything of PoseFK.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._contextlib import _DecoratorContextManager
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

NAME = "pretended"
ROOT = Path(__file__).parents[2]
TO_HOST, OF_UNKNOWN_SIZE, FROM_HOST = "numbers to the host", "sizes only the device knows", "constants from the host"
_aten = torch.ops.aten
_UNKNOWN_SIZES = {
    _aten.nonzero.default, _aten.masked_select.default, _aten.unique_dim.default, _aten._unique2.default,
    _aten.unique_consecutive.default, _aten.repeat_interleave.Tensor,
}  # fmt: skip
_INDEXING = {_aten.index.Tensor, _aten.index_put.default, _aten.index_put_.default, _aten._index_put_impl_.default}
_ACROSS = {_aten._to_copy.default, _aten.copy_.default, _aten.lift_fresh.default}


class _Backend(_DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


class _NoGrad(_DecoratorContextManager):
    """In place of inference mode, which subclasses of tensors do not know."""

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self.before = torch.is_grad_enabled()
        torch.set_grad_enabled(not self.mode)

    def __exit__(self, *error: object) -> None:
        torch.set_grad_enabled(self.before)

    def clone(self) -> "_NoGrad":
        return _NoGrad(self.mode)


def _lstm_cell(features: Tensor, state: tuple[Tensor, Tensor], *weights: Tensor) -> tuple[Tensor, Tensor]:
    """In place of the one kernel that devices have and the CPU has not."""
    hidden, cell = state
    gates = torch.nn.functional.linear(features, weights[0], weights[2])
    gates = gates + torch.nn.functional.linear(hidden, weights[1], weights[3])
    entry, forget, new, leave = gates.chunk(4, dim=1)
    cell = forget.sigmoid() * cell + entry.sigmoid() * new.tanh()
    return leave.sigmoid() * cell.tanh(), cell


torch._VF.lstm_cell = _lstm_cell  # pyright: ignore[reportAttributeAccessIssue]
torch.inference_mode = _NoGrad
_setup_privateuseone_for_python_backend(NAME, _Backend())
DEVICE = torch.device(NAME, 0)


class PretendedTensor(Tensor):
    """inner: the numbers, on the CPU."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> "PretendedTensor":
        made = torch.Tensor._make_wrapper_subclass(  # pyright: ignore[reportAttributeAccessIssue]
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            device=DEVICE,
        )  # fmt: skip
        made.inner = inner
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} outside of the pretended device")

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copied = self.detach().clone().requires_grad_(self.requires_grad)
        memo[id(self)] = copied
        return copied


class _Generator(torch.Generator):
    """A generator that says where it is."""

    place: torch.device

    def __new__(cls, device: torch.device | str = "cpu") -> "_Generator":
        made = super().__new__(cls)
        made.place = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return DEVICE if self.place.type == NAME else self.place


class _GeneratorsAtHome(TorchFunctionMode):
    """Inside, what is drawn lies where its generator is."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        drawn = func(*args, **(kwargs or {}))
        generator = (kwargs or {}).get("generator")
        if generator is not None and isinstance(drawn, Tensor) and drawn.device.type != generator.device.type:
            raise RuntimeError(f"{func} on {drawn.device} with a generator on {generator.device}")
        return drawn


class PretendedDevice(TorchDispatchMode):
    """Inside, torch.device("pretended") is there. waits: how often it would be waited for, by kind; places: where."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.places: Counter[tuple[str, str]] = Counter()
        self._at_home = _GeneratorsAtHome()

    def __enter__(self) -> "PretendedDevice":
        self._generator, torch.Generator = torch.Generator, _Generator
        torch._C._set_only_lift_cpu_tensors(True)  # so that constants are copied where this sees it
        self._at_home.__enter__()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._at_home.__exit__(*error)
        torch._C._set_only_lift_cpu_tensors(False)
        torch.Generator = self._generator

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        flat = [value for value in _leaves([*args, *kwargs.values()]) if isinstance(value, Tensor)]
        here = [value for value in flat if isinstance(value, PretendedTensor)]
        wanted = kwargs.get("device")
        stays = bool(here) if wanted is None else torch.device(wanted).type == NAME
        if wanted is not None:
            kwargs["device"] = torch.device("cpu")
        self._check(func, flat, here, stays)
        self._count(func, args, kwargs, here, stays)
        outer = {id(value.inner): value for value in here}
        result = func(*_mapped(_inner, args), **{name: _mapped(_inner, value) for name, value in kwargs.items()})

        def known(value: Any) -> Any:
            return outer.get(id(value)) if id(value) in outer else PretendedTensor(value) if stays else value

        if func is _aten._local_scalar_dense.default:
            return result
        return args[0] if func is _aten.copy_.default else _mapped(known, result)

    def _check(self, func: Any, flat: list[Any], here: list[Any], stays: bool) -> None:
        elsewhere = [value for value in flat if not isinstance(value, PretendedTensor) and value.ndim]
        may_be_moved = func in _ACROSS or (func in _INDEXING and isinstance(flat[0], PretendedTensor))
        if here and elsewhere and not may_be_moved:
            raise RuntimeError(f"{func} of tensors on {DEVICE} and on the CPU")

    def _count(self, func: Any, args: Any, kwargs: Any, here: list[Any], stays: bool) -> None:
        kind = None
        if func in _ACROSS and args and isinstance(args[0], Tensor):
            source = args[1] if func is _aten.copy_.default else args[0]
            stays = isinstance(args[0], PretendedTensor) if func is _aten.copy_.default else stays
            came = isinstance(source, PretendedTensor)
            waits = not (kwargs.get("non_blocking") or (func is _aten.copy_.default and args[2:] == (True,)))
            if came != stays and (waits or came):
                kind = TO_HOST if came else FROM_HOST
        elif func is _aten._local_scalar_dense.default and here:
            kind = TO_HOST
        elif here and func in _UNKNOWN_SIZES:
            kind = OF_UNKNOWN_SIZE
        elif here and func in _INDEXING:
            indices = [index for index in args[1] if index is not None]
            if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
                kind = OF_UNKNOWN_SIZE
            elif not all(isinstance(index, PretendedTensor) for index in indices):
                kind = FROM_HOST
        if kind is not None:
            self.waits[kind] += 1
            self.places[kind, _place()] += 1


def _inner(value: Tensor) -> Tensor:
    return value.inner if isinstance(value, PretendedTensor) else value


def _mapped(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same change to every tensor in lists and tuples."""
    if isinstance(value, Tensor):
        return change(value)
    return type(value)(_mapped(change, part) for part in value) if type(value) in (list, tuple) else value


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if type(value) in (list, tuple):
            yield from _leaves(value)
        else:
            yield value


def _place() -> str:
    """The innermost line of this repository that is being run."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT) and not path.is_relative_to(Path(__file__).parent) and ".venv" not in path.parts:
            return f"{path.relative_to(ROOT)}:{frame.lineno}"
    return "?"
