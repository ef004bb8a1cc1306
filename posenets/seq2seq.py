"""Sequence to sequence (Hossain & Little, ECCV 2018, as reimplemented in seq2seq-3Dpose): two LSTM cells.

The encoder reads the window backwards; the decoder starts from its state and a token of ones and goes frame by frame.
Unlike the original it reads screen coordinates of all joints and outputs metres with the hip at 0, normalized inside.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posenets.base import check_positive, check_probability, dropped
from posenets.checkpoints.shapes import length
from posenets.normalized import NormalizedNet
from posenets.registry import LifterSpec, Sizes, register_lifter

State = tuple[Tensor, Tensor]


class _NormLSTMCell(nn.Module):
    """LSTM cell with layer norm of each gate and of the cell state, as TensorFlow's layer-norm cell has."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(4 * width, inputs))
        self.weight_hh = nn.Parameter(torch.empty(4 * width, width))
        self.gate_gain, self.gate_bias = nn.Parameter(torch.ones(4, width)), nn.Parameter(torch.zeros(4, width))
        self.cell_norm = nn.LayerNorm(width)
        nn.init.ones_(self.gate_bias[1])  # of the forget gate: remember at first

    def forward(self, features: Tensor, state: State) -> State:
        hidden, cell = state
        gates = F.linear(features, self.weight_ih) + F.linear(hidden, self.weight_hh)
        gates = F.layer_norm(gates.unflatten(-1, (4, -1)), hidden.shape[-1:]) * self.gate_gain + self.gate_bias
        entry, forget, new, leave = gates.unbind(-2)
        cell = self.cell_norm(forget.sigmoid() * cell + entry.sigmoid() * new.tanh())
        return leave.sigmoid() * cell.tanh(), cell


def _sizes_from_weights(weights: Mapping[str, Tensor]) -> Sizes:
    return dict(
        num_joints=length(weights, "output.bias") // 3 + 1, frames=None, width=length(weights, "decoder.weight_hh", 1),
        layer_norm=any(key.endswith("gate_gain") for key in weights),
    )  # fmt: skip


_TRAINING = {
    "lifter": {"frames": 5},
    "learning": {
        "lr": 1e-3, "lr_schedule": "exponential", "lr_decay": 0.96, "loss": "standard_mse", "loss_frames": "all",
        "difference_weight": 4.0, "max_grad_norm": 0.0,  # of means; with 5 frames the paper's 5 of sums
    },
}  # fmt: skip


@register_lifter(
    LifterSpec(
        name="seq2seq", signature="decoder.weight_hh", sizes_from_weights=_sizes_from_weights, width="width",
        dropout="dropout2", settings=("middle_frame",), training={"seq2seq": _TRAINING},
        h36m_length={"seq2seq": {"learning": {"epochs": 100, "batch_size": 64}}},
        # Published is the window's last frame, which seq2seq knows worse than the middle.
        recipes={"posefk": {"lifter": {"middle_frame": True}}},
    )
)  # fmt: skip
class Seq2Seq(NormalizedNet):
    """Recurrent lifter: it predicts all frames of the window; the target frame is the last, as published.

    width: units of each cell; dropout1: of the cells' inputs; dropout2: of the output layer's input; layer_norm:
    normalised cells (the paper's; the reimplementation has plain ones); middle_frame: the target frame is the middle
    one, which the network predicts best (it compresses motion towards there). The batch may have any size.
    """

    def __init__(
        self, num_joints: int = 16, frames: int = 5, width: int = 1024, dropout1: float | int = 0.0,
        dropout2: float | int = 0.5, layer_norm: bool = False, middle_frame: bool = False, in_features: int = 2,
    ) -> None:  # fmt: skip
        check_positive(num_joints=num_joints, frames=frames, width=width)
        check_probability(dropout1=dropout1, dropout2=dropout2)
        sizes = dict(
            width=width, dropout1=dropout1, dropout2=dropout2, layer_norm=layer_norm, middle_frame=middle_frame
        )
        super().__init__(num_joints, frames, in_features, sizes)
        self.register_statistics()
        self.dropout1, self.dropout2, self.middle_frame = dropout1, dropout2, middle_frame
        numbers_out = 3 * (num_joints - 1)
        cell = _NormLSTMCell if layer_norm else nn.LSTMCell
        self.encoder, self.decoder = cell(in_features * num_joints, width), cell(numbers_out, width)
        self.output = nn.Linear(width, numbers_out)
        for name, parameter in self.named_parameters():
            if name.endswith(("weight_ih", "weight_hh", "output.weight")):
                nn.init.xavier_uniform_(parameter)
            elif name.endswith(("bias_ih", "bias_hh", "output.bias")):
                nn.init.zeros_(parameter)

    @property
    def target_frame(self) -> int:
        """Index of the window's last frame, which the original evaluates, or of its middle."""
        return self.frames // 2 if self.middle_frame else self.frames - 1

    def forward_window(
        self, joints_2d: Float[Tensor, "batch frames joints features"]
    ) -> Float[Tensor, "batch frames joints 3"]:
        """Predict every frame of the window, metres: for losses over time."""
        self.check_input(joints_2d)
        seen = self.normalize(joints_2d).flatten(2)  # (B, T, in_features * J)
        batch = seen.shape[0]  # len() would fix the batch size in an export
        zeros = seen.new_zeros(batch, self.output.in_features)
        state = (zeros, zeros)
        for frame in seen.flip(1).unbind(1):
            state = self.encoder(dropped(frame, self.dropout1, self.training), state)
        answer, answers = seen.new_ones(batch, self.output.out_features), []
        for _ in range(self.frames):
            state = self.decoder(dropped(answer, self.dropout1, self.training), state)
            answer = answer + self.output(dropped(state[0], self.dropout2, self.training))
            answers.append(answer)
        standard = torch.stack(answers, dim=1).unflatten(-1, (-1, 3))  # (B, T, J - 1, 3)
        return self.denormalize(standard)
