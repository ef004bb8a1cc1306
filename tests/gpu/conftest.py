"""A device beside the CPU. In a rehearsal (--gpu-device cpu) it is the CPU itself: what is run is the same, what is
compared are equals.
"""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

CPU = torch.device("cpu")
DOUBLE = 1e-9  # of the largest number
Compute = Callable[[torch.device, torch.dtype], dict[str, Tensor]]


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    name = request.config.getoption("--gpu-device")
    if name is None and not torch.cuda.is_available():
        pytest.skip("no GPU here (--gpu-device cpu rehearses)")
    return torch.device(name or "cuda:0")


@pytest.fixture
def without_tf32() -> Iterator[None]:
    """Convolutions in all of float32's digits."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=False):
        yield


@pytest.fixture
def agree(device: torch.device, without_tf32: None) -> Callable[..., None]:
    """(compute, single): what `compute` gives on the device in float64 and float32 is what the CPU gives in float64.

    single: the largest difference in float32, over the largest number of its tensor.
    """

    def check(compute: Compute, single: float = 1e-5) -> None:
        exact = compute(CPU, torch.float64)
        for dtype, allowed in ((torch.float64, DOUBLE), (torch.float32, single)):
            found = compute(device, dtype)
            for name, wanted in exact.items():
                assert found[name].device.type == device.type and found[name].dtype == dtype, name
                off = (found[name].detach().cpu().double() - wanted.detach()).abs().max() / wanted.detach().abs().max()
                assert off <= allowed, f"{name} in {dtype}: {off:.2g} of its largest number, expected {allowed:.2g}"

    return check
