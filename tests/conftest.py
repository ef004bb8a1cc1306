"""What all tests share."""

import pytest
import torch

torch.set_num_threads(1)  # small tensors: threads only cost


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def float_dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param
