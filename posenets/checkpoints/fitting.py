"""Load weights into networks and optimisers: names, shapes and types must match, and values be finite."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Built = TypeVar("Built")
SHOWN = 3  # names in a sentence
MOST_SHARED = 8  # times that tensors of a file may claim the same bytes, all together
SPARE, SPARE_TENSORS = 2**22, 1000  # numbers and tensors a network may make besides its weights
LARGEST_WEIGHT = torch.finfo(torch.float32).max  # of doubles too: networks are float32, where more is infinite
LARGEST_SIZE, LARGEST_LIST = 1_000_000, 100


class _Within(TorchFunctionMode):
    """Refuses to create more numbers than a file holds weights, before memory is allocated."""

    _MAKERS = (torch.empty, torch.zeros, torch.ones)

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._numbers = sum(weight.numel() for weight in weights.values()) + SPARE
        self._tensors = 2 * len(weights) + SPARE_TENSORS

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in self._MAKERS:
            size = args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args
            count = 1
            for length in size:
                count *= int(length)
            self._numbers, self._tensors = self._numbers - count, self._tensors - 1
            if self._numbers < 0 or self._tensors < 0:
                raise ValueError("its sizes describe a network of more weights than it holds.")
        return func(*args, **(kwargs or {}))


def build_within(weights: Mapping[str, Tensor], build: Callable[[], Built]) -> Built:
    """Call `build`; ValueError if it creates more numbers than the weights have, or its sizes are invalid."""
    try:
        with _Within(weights):
            return build()
    except (TypeError, ArithmeticError, LookupError, AttributeError, RuntimeError) as error:
        raise ValueError(f"its sizes make no network ({' '.join(str(error).split())[:80]}).") from error


def check_sizes(sizes: Mapping[str, Any]) -> None:
    """Refuse sizes of a network that are not plain numbers, or absurdly large."""
    for name, value in sizes.items():
        for number in _flat(value, 3):
            plain = number is None or isinstance(number, (bool, int, float))
            if not plain or not abs(number or 0) <= LARGEST_SIZE:
                raise ValueError(f"its {str(name)[:40]} is {str(number)[:40]}, not a number up to {LARGEST_SIZE:,}.")


def _flat(value: Any, depth: int) -> Iterator[Any]:
    """Yield the values of nested lists."""
    if isinstance(value, (list, tuple)) and depth and len(value) <= LARGEST_LIST:
        for part in value:
            yield from _flat(part, depth - 1)
    else:
        yield value


def fill(network: nn.Module, weights: Mapping[str, Tensor], path: object) -> None:
    """Load weights strictly: missing, unexpected, misshapen or infinite ones are named. path: of their file."""
    expected = network.state_dict()
    optional = {key for key in expected if key.endswith("num_batches_tracked")}  # not in files older than PyTorch 0.4.1
    both = [key for key in expected if key in weights]
    shapes = [
        f"{key} {tuple(weights[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in both
        if weights[key].shape != expected[key].shape
    ]
    kinds = [
        f"{key} of {_kind(weights[key])} instead of {_kind(expected[key])}"
        for key in both
        if weights[key].is_floating_point() != expected[key].is_floating_point()
    ]
    missing = [key for key in expected if key not in weights and key not in optional]
    unexpected = [str(key)[:80] for key in weights if key not in expected]
    problems = {"lacks": missing, "also has": unexpected, "has other sizes:": shapes, "has other numbers:": kinds}
    for problem, keys in problems.items():
        if keys:
            name = getattr(network, "name", type(network).__name__.lower())
            more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
            raise ValueError(f"{path} does not fit this {name}: it {problem} {', '.join(keys[:SHOWN])}{more}.")
    refuse_not_finite({key: weights[key] for key in both}, path)
    network.load_state_dict(dict(weights), strict=not optional - set(weights))


def fill_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any], path: object) -> None:
    """Load an optimiser's state of each weight; its settings stay as constructed."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    amsgrad = any(group.get("amsgrad") for group in optimizer.param_groups)
    wanted = {"step", "exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if amsgrad else [])}
    memory = state["state"]
    for number, entry in memory.items():
        if not 0 <= number < len(parameters) or set(entry) != wanted:
            raise ValueError(f"{path} does not fit: its optimiser has state {number} of a weight that does not exist.")
        for name, value in entry.items():
            shape = () if name == "step" else tuple(parameters[number].shape)
            if tuple(value.shape) != shape or not value.is_floating_point():
                raise ValueError(f"{path} does not fit: its optimiser has {name} {tuple(value.shape)}, not {shape}.")
    refuse_not_finite(memory, path)
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})


def refuse_not_finite(content: Any, path: object) -> None:
    """Refuse NaN and infinity in any tensor of nested dictionaries, and name it."""
    waiting: list[tuple[str, Any]] = [("", content)]
    claimed, held = 0, {}
    while waiting:
        name, thing = waiting.pop()
        if isinstance(thing, Mapping):
            waiting += [(f"{name}.{key}" if name else str(key), value) for key, value in thing.items()]
        elif isinstance(thing, Tensor) and thing.numel() and thing.is_floating_point():
            claimed += thing.numel() * thing.itemsize
            held[thing.untyped_storage().data_ptr()] = thing.untyped_storage().nbytes()
            if claimed > MOST_SHARED * sum(held.values()):
                raise ValueError(f"{path} is not a checkpoint of a network: its tensors overlap in memory.")
            low, high = (float(bound) for bound in torch.aminmax(thing))
            if not -LARGEST_WEIGHT <= low <= high <= LARGEST_WEIGHT:
                raise ValueError(
                    f"{path} holds NaN or infinite numbers in {name[-80:]}, expected finite ones: its training had "
                    "diverged. Use an earlier checkpoint."
                )


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
