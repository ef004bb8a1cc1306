"""ESMformer: several cameras' views of one body, lifted together without knowing where the cameras stand.

Each view is encoded at three levels (`view_encoder`), the views are fused, each level is refined over the frames, and
the levels attend to each other. Names and shapes of the weights are ESMformer's, unused ones included. Joints are
relative to the hip, itself predicted near 0; as published, training uses world axes, not a camera's.
"""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from posenets.base import PoseNet, check_positive, check_probability, drop_path, dropped, forward_in_parts
from posenets.checkpoints.shapes import count_modules, length
from posenets.registry import LifterSpec, Sizes, register_lifter
from posenets.transformer import Attention, Block, Mlp, attend, rising_rates
from posenets.views.encoder import LEVELS, Encoder, ViewEncoder, encode_views

FRAME_MLP_UNITS, PUBLISHED_HEADS = 64, 9
# Without gradients, so many frames of a view pass at a time: some 0.3 GB at the published size.
FRAMES_AT_ONCE = 2**14

Level = Float[Tensor, "batch frames channel"]


class _ViewFusion(nn.Module):
    """Fuses the (frames, channels) maps of all views into one, by a convolution."""

    def __init__(self, views: int, channel: int, kernel: int) -> None:
        super().__init__()
        mix = nn.Conv2d(views, 1, kernel, padding=kernel // 2, bias=False)
        self.conv1 = nn.Sequential(nn.BatchNorm2d(views), mix)
        self.norm = nn.LayerNorm(channel)

    def forward(self, features: Float[Tensor, "batch views frames channel"]) -> Level:
        return self.norm(F.relu(self.conv1(features)).squeeze(1))


class _OverFrames(nn.Module):
    """Attention over the frames, each level by itself."""

    def __init__(
        self, frames: int, channel: int, hidden: int, depths: Sequence[int], num_heads: int, dropout: float | int,
        drop_path_rate: float | int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.dropout = dropout
        self.MIFE_blocks = nn.ModuleDict()
        for level, depth in zip(LEVELS, depths, strict=True):
            rates = rising_rates(drop_path_rate, depth)
            blocks = [Block(channel, Attention(channel, num_heads), hidden, dropout, rate) for rate in rates]
            self.register_parameter(f"pos_embed_{level}", nn.Parameter(torch.zeros(1, frames, channel)))
            self.MIFE_blocks[f"trans{level}"] = Encoder(frames, blocks)
        self.norm = nn.LayerNorm(3 * channel, eps=1e-6)  # unused

    def forward(self, levels: list[Level]) -> list[Level]:
        return [self._over_frames(level, number) for level, number in zip(levels, LEVELS, strict=True)]

    def _over_frames(self, features: Level, level: int) -> Level:
        stage = self.MIFE_blocks[f"trans{level}"]
        features = dropped(features + self.get_parameter(f"pos_embed_{level}"), self.dropout, self.training)
        # The original adds the stage's own embedding in place, so that its skip carries it too.
        features = features + stage.get_parameter("pos_embed")
        tokens = dropped(features, self.dropout, self.training)
        for block in stage.get_submodule("blocks").children():
            tokens = block(tokens)
        return features + stage.get_submodule("norm")(tokens)


class _CrossAttention(nn.Module):
    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.linear_q, self.linear_k, self.linear_v, self.proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, query: Level, key: Level, value: Level) -> Level:
        return self.proj(attend(self.linear_q(query), self.linear_k(key), self.linear_v(value), self.num_heads))


class _CrossLevelBlock(nn.Module):
    """Cross attention: each level attends to itself with the other two as queries and keys, in the order 1, 2, 3."""

    def __init__(self, channel: int, hidden: int, num_heads: int, rate: float | int) -> None:
        super().__init__()
        for level in LEVELS:
            for part in (1, 2, 3):  # query, key, value
                self.add_module(f"norm3_{level}{part}", nn.LayerNorm(channel, eps=1e-6))
            self.add_module(f"attn_{level}", _CrossAttention(channel, num_heads))
        self.norm2, self.mlp = nn.LayerNorm(3 * channel, eps=1e-6), Mlp(3 * channel, hidden)  # unused
        self.drop_path = rate

    def forward(self, levels: list[Level]) -> list[Level]:
        levels = list(levels)
        for level in LEVELS:
            query, key = (number for number in LEVELS if number != level)
            read = [
                self.get_submodule(f"norm3_{level}{part}")(levels[number - 1])
                for part, number in enumerate((query, key, level), start=1)
            ]
            attended = self.get_submodule(f"attn_{level}")(*read)
            levels[level - 1] = levels[level - 1] + drop_path(attended, self.drop_path, self.training)
        return levels


class _AcrossLevels(nn.Module):
    """Attention across the three levels, which are then concatenated."""

    def __init__(self, channel: int, hidden: int, num_heads: int, drop_path_rate: float | int) -> None:
        super().__init__()
        width = 3 * channel
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width, hidden)  # unused
        self.MCFF_blocks = nn.ModuleList([_CrossLevelBlock(channel, hidden, num_heads, drop_path_rate)])
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, levels: list[Level]) -> Float[Tensor, "batch frames width"]:
        return self.norm(torch.cat(self.MCFF_blocks[0](levels), dim=-1))


def _sizes_from_weights(weights: Mapping[str, Tensor]) -> Sizes:
    num_joints = length(weights, "regression.1.bias") // 3
    depths = {
        stack: [count_modules(weights, rf"{stage}{level}\.blocks\.(\d+)\.") for level in LEVELS]
        for stack, stage in (("smfe", r"ssfe1\.Transformer_encoder_"), ("milf", r"mife\.MIFE_blocks\.trans"))
    }
    return dict(
        num_joints=num_joints, frames=length(weights, "mife.pos_embed_1", 1),
        views=count_modules(weights, r"ssfe(\d+)\.") - 1, channel=length(weights, "mife.pos_embed_1", 2),
        d_hid=length(weights, "mcff.mlp.fc1.weight"), mvf_kernel=length(weights, "mvf1.conv1.1.weight", 2),
        in_features=length(weights, "ssfe1.Transformer_encoder_1.pos_embed", 1) // max(num_joints, 1), **depths,
    )  # fmt: skip


def _sizes_of_run(*, frames: int, views: int, input_mode: str, self_supervised: bool) -> Sizes:
    """Choose heads that divide the frames; without labels predict one frame, unless the input is rays."""
    heads = math.gcd(frames, min(PUBLISHED_HEADS, max(frames // 3, 1)))
    return dict(views=views, smfe_heads=heads, self_supervised=self_supervised and input_mode == "screen")


_TRAINING = {
    "lifter": {"frames": 27},
    "learning": {
        "lr": 1e-3, "lr_schedule": "exponential", "lr_decay": 0.95, "large_decay_epoch": 5, "amsgrad": True,
        "loss": "mpjpe", "loss_frames": "all", "max_grad_norm": 0.0,
    },
}  # fmt: skip
# 23 million weights as published: in the short runs of a laptop 0.3 million over a third of a second.
_SMALL = {
    "lifter": {"frames": 9, "posenet_width": 64, "posenet_blocks": 1, "dropout": 0.0},
    "learning": {
        "lr": 1e-3, "lr_schedule": "cosine", "amsgrad": False, "max_grad_norm": 1.0, "batch_size": 128,
        "steps_per_epoch": 25,
    },
}  # fmt: skip


@register_lifter(
    LifterSpec(
        name="esmformer", multi_view=True, signature="ssfe1.norm_1.weight", sizes_from_weights=_sizes_from_weights,
        width=lambda units, frames: dict(channel=units, d_hid=2 * units),
        blocks=lambda depth, frames: dict(smfe=[depth] * 3, milf=[depth] * 3),
        dropout=lambda rate, frames: dict.fromkeys(("dropout", "embedding_dropout", "drop_path_rate"), rate),
        settings=("smfe", "milf", "d_hid", "mvf_kernel"), sizes=_sizes_of_run, training={"esmformer": _TRAINING},
        h36m_length={"esmformer": {"learning": {"epochs": 50}}}, small=_SMALL,
    )
)  # fmt: skip
class ESMformer(PoseNet):
    """Transformer lifter of a window seen by several cameras: (B, V, T, J, 2) screen -> (B, J, 3) or (B, T, J, 3).

    views: cameras; channel: units of a frame at each of the three levels; d_hid: hidden units of the MLPs over frames;
    smfe, milf: blocks of each level inside a view and over the frames (the original's words); mvf_kernel: frames and
    channels that a fused entry sees; smfe_heads: of the attention inside a view, a divisor of the frames; num_heads:
    of all other attention; embedding_dropout: of each view's features, up to 27 frames; drop_path_rate: stochastic
    depth of each stack's last block, growing evenly from 0; self_supervised: answer the centre frame alone, from the
    answers for all frames by an MLP (the original has it for training without 3D labels).
    """

    def __init__(
        self, num_joints: int = 17, frames: int = 27, views: int = 4, channel: int = 512, d_hid: int = 1024,
        smfe: Sequence[int] = (5, 5, 5), milf: Sequence[int] = (2, 2, 2), mvf_kernel: int = 7, smfe_heads: int = 9,
        num_heads: int = 8, dropout: float | int = 0.1, embedding_dropout: float | int = 0.25,
        drop_path_rate: float | int = 0.2, self_supervised: bool = False, in_features: int = 2,
    ) -> None:  # fmt: skip
        sizes = dict(
            views=views, channel=channel, d_hid=d_hid, smfe=list(smfe), milf=list(milf), mvf_kernel=mvf_kernel,
            smfe_heads=smfe_heads, num_heads=num_heads, dropout=dropout, embedding_dropout=embedding_dropout,
            drop_path_rate=drop_path_rate, self_supervised=self_supervised,
        )  # fmt: skip
        _check_sizes(num_joints, frames, sizes)
        super().__init__(num_joints, frames, in_features, sizes)
        self.views, self.self_supervised, self.embedding_dropout = views, self_supervised, embedding_dropout
        rates = (dropout, drop_path_rate)
        for view in range(1, views + 1):
            encoder = ViewEncoder(num_joints * in_features, frames, channel, smfe, smfe_heads, *rates)
            self.add_module(f"ssfe{view}", encoder)
        for level in LEVELS:
            self.add_module(f"mvf{level}", _ViewFusion(views, channel, mvf_kernel))
            self.add_module(f"norm{level}", nn.LayerNorm(channel))
        self.mife = _OverFrames(frames, channel, d_hid, milf, num_heads, *rates)
        self.mcff = _AcrossLevels(channel, d_hid, num_heads, drop_path_rate)
        self.regression = nn.Sequential(nn.BatchNorm1d(3 * channel), nn.Conv1d(3 * channel, 3 * num_joints, 1))
        self.mlp = Mlp(frames, FRAME_MLP_UNITS, width_out=1)  # unused without self_supervised, but published

    def forward(
        self, joints_2d: Float[Tensor, "batch views frames joints features"]
    ) -> Float[Tensor, "batch joints 3"]:
        """Predict the window's centre frame, metres."""
        frames = self._lift(joints_2d)
        if not self.self_supervised:
            return frames[:, self.target_frame]
        return self.mlp(frames.movedim(1, -1)).squeeze(-1)

    def forward_window(
        self, joints_2d: Float[Tensor, "batch views frames joints features"]
    ) -> Float[Tensor, "batch frames joints 3"]:
        """Predict every frame of the window, metres."""
        if self.self_supervised:
            raise ValueError("esmformer predicts one frame of its window if self_supervised: build it without.")
        return self._lift(joints_2d)

    @property
    def predicts_window(self) -> bool:
        return not self.self_supervised

    def zero_output(self) -> None:
        for parameter in self.regression[1].parameters():
            nn.init.zeros_(parameter)

    def _lift(self, joints_2d: Tensor) -> Tensor:
        """Lift (B, V, T, J, 2) to (B, T, J, 3), in parts unless gradients or batch statistics need all at once."""
        self.check_input(joints_2d)
        if self.training:
            return self._lift_windows(joints_2d)
        return forward_in_parts(self._lift_windows, joints_2d, FRAMES_AT_ONCE // (self.views * self.frames))

    def _lift_windows(self, joints_2d: Tensor) -> Tensor:
        tokens = joints_2d.flatten(3).permute(1, 0, 3, 2)  # (V, B, 2 J, T)
        encoders = [self.get_submodule(f"ssfe{view}") for view in range(1, self.views + 1)]
        levels = []
        for number, features in zip(LEVELS, encode_views(tokens, encoders, self.embedding_dropout), strict=True):
            fused = self.get_submodule(f"mvf{number}")(features)
            levels.append(self.get_submodule(f"norm{number}")(fused + features.sum(1)))
        refined = self.mcff(self.mife(levels))  # (B, T, 3 channel)
        return self.regression(refined.transpose(1, 2)).transpose(1, 2).unflatten(-1, (self.num_joints, 3))


def _check_sizes(num_joints: int, frames: int, sizes: dict) -> None:
    positive = ("views", "channel", "mvf_kernel", "smfe_heads", "num_heads", "d_hid")
    check_positive(num_joints=num_joints, frames=frames, **{size: sizes[size] for size in positive})
    views, channel, kernel, smfe_heads, num_heads = (sizes[size] for size in positive[:-1])
    for stack in ("smfe", "milf"):
        if len(sizes[stack]) != len(LEVELS):
            raise ValueError(f"{stack} is {sizes[stack]}, expected 3 numbers of blocks, one of each level.")
        check_positive(**{f"{stack}[{level}]": depth for level, depth in enumerate(sizes[stack])})
    check_probability(**{rate: sizes[rate] for rate in ("dropout", "embedding_dropout", "drop_path_rate")})
    if views < 2:
        raise ValueError(f"views is {views}, expected at least 2: for one camera choose, say, poseformer.")
    if kernel % 2 == 0:
        raise ValueError(f"mvf_kernel is {kernel}, expected an odd number, so that it has a middle.")
    if frames % smfe_heads:
        divisors = ", ".join(str(heads) for heads in range(1, frames + 1) if frames % heads == 0)
        raise ValueError(
            f"frames is {frames}, expected a multiple of smfe_heads, {smfe_heads}: choose other frames, or smfe_heads "
            f"from {divisors}."
        )
    if channel % num_heads:
        raise ValueError(f"channel is {channel}, expected a multiple of num_heads, {num_heads}.")
