"""What runs in a test is checked: types of every call, and sizes of one name against each other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import torch
from beartype import beartype
from jaxtyping import Float, jaxtyped
from torch import Tensor

from kinematics import DHHuman
from tests.tiny_cmu import SETTINGS

checked = jaxtyped(typechecker=beartype)


@checked
def rows_of(first: Float[Tensor, "B 3"], second: Float[Tensor, "B 3"], count: int = 0) -> Float[Tensor, "B"]:
    return torch.zeros(len(first) + count)


@checked
def later(batch: "Sized", size: int) -> "Sized":
    return batch


@checked
@dataclass(frozen=True)
class Sized:
    points: Float[Tensor, "B 3"]
    weights: Float[Tensor, "B"]
    name: str = ""

    @property
    @checked
    def number(self) -> int:
        return self.name  # type: ignore


@checked
def doubled(number: int) -> int:
    return number * 2 if number < 9 else "many"  # type: ignore


@checked
def pieces(points: Float[Tensor, "B 3"], size: int) -> Iterator[Float[Tensor, "N 3"]]:
    yield from points.split(size)


FINE = Sized(torch.zeros(2, 3), torch.zeros(2))


@pytest.mark.parametrize(
    "call",
    [
        lambda: rows_of(torch.zeros(2, 3), torch.zeros(4, 3)),
        lambda: rows_of(torch.zeros(2, 3), torch.zeros(2, 4)),
        lambda: rows_of(torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.int64)),
        lambda: rows_of(torch.zeros(2, 3), torch.zeros(2, 3), 1),
        lambda: rows_of(torch.zeros(2, 3), torch.zeros(2, 3), 0.5),
        lambda: doubled("4"),
        lambda: doubled(10),
        lambda: later(FINE, "4"),
        lambda: later(3, 4),
        lambda: FINE.number,
        lambda: list(pieces(torch.zeros(3), 2)),
        lambda: Sized(torch.zeros(2, 3), torch.zeros(3)),
        lambda: Sized(torch.zeros(2, 3), torch.zeros(2), 7),
    ],
)
def test_a_call_of_wrong_types_or_sizes_is_refused(call):
    with pytest.raises(TypeError, match="violates|Type-check"):
        call()


def test_a_call_of_right_sizes_passes_and_no_size_outlives_a_call():
    for size in (2, 5):
        assert rows_of(torch.zeros(size, 3), second=torch.zeros(size, 3)).shape == (size,)
        assert later(Sized(torch.zeros(size, 3), torch.zeros(size)), size).weights.shape == (size,)
        assert [len(piece) for piece in pieces(torch.zeros(size, 3), 4)] == ([2] if size == 2 else [4, 1])
    assert doubled(number=4) == 8


@checked
def in_pieces(points: Float[Tensor, "B 3"]) -> int:
    return sum(1 for piece in pieces(points, 2) for _ in pieces(piece, 1))


def test_a_generator_has_sizes_of_its_own():
    assert in_pieces(torch.zeros(5, 3)) == 5


def test_the_product_s_functions_and_data_classes_are_checked():
    with pytest.raises(TypeError, match="violates|Type-check"):
        DHHuman()(torch.zeros(2, 28), torch.zeros(2, 15), torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.int64))
    with pytest.raises(TypeError, match="violates|Type-check"):
        replace(SETTINGS, num_joints="16")
