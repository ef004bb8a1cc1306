"""The layers that the generator and the critics are made of."""

from jaxtyping import Float
from torch import Tensor, nn

from augment.gan import fast_cpu


class Dense(nn.Linear):
    """relu(W x + b + skip), leaky with `slope`; the weights are named as nn.Linear's."""

    def forward(
        self,
        x: Float[Tensor, "batch inputs"],
        slope: float = 0.0,
        skip: Float[Tensor, "batch outputs"] | None = None,
    ) -> Float[Tensor, "batch outputs"]:
        return fast_cpu.dense(x, self.weight, self.bias, slope, skip)


class ResidualBlock(nn.Module):
    """relu(x + fc2(relu(fc1(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        return fast_cpu.residual(x, self.fc1.weight, self.fc1.bias, self.fc2.weight, self.fc2.bias)
