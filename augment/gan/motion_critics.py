"""Wasserstein critics of clips as in DH-AUG's video mode: joints frame by frame, and their changes between frames."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from augment.gan.critics import NUM_JOINTS, kcs_features
from augment.gan.layers import Dense, ResidualBlock

NUM_COSINES = 15
ROOT = 0


class _Branches(nn.Module):
    """Some flat inputs, each through a layer and three residual blocks, merged to one score."""

    def __init__(self, inputs: dict[str, int], width: int, merge_width: int) -> None:
        super().__init__()
        sizes = inputs.items()
        self.branches = nn.ModuleDict(
            {name: nn.Sequential(Dense(size, width), *(ResidualBlock(width) for _ in range(3))) for name, size in sizes}
        )
        self.merge = nn.Sequential(Dense(len(inputs) * width, merge_width), ResidualBlock(merge_width))
        self.output = nn.Linear(merge_width, 1)

    def score(self, inputs: dict[str, Tensor]) -> Float[Tensor, "batch 1"]:
        seen = [branch(inputs[name].flatten(1)) for name, branch in self.branches.items()]
        return self.output(self.merge(torch.cat(seen, dim=1)))


def _check_frames(frames: int) -> None:
    if frames < 2:
        raise ValueError(f"A motion critic sees clips of 2 or more frames, not {frames}.")


class MotionCritic3D(_Branches):
    """Scores root-centred clips by cosines and positions and their changes; both of the latter can be left out."""

    def __init__(
        self, frames: int, width: int = 1000, merge_width: int = 100, use_positions: bool = True,
        use_differences: bool = True,
    ) -> None:  # fmt: skip
        _check_frames(frames)
        inputs = {"cosines": frames * NUM_COSINES, "cosine_changes": (frames - 1) * NUM_COSINES}
        if use_positions:
            inputs["positions"] = frames * NUM_JOINTS * 3
        if use_differences:
            inputs["position_changes"] = (frames - 1) * NUM_JOINTS * 3
        super().__init__(inputs, width, merge_width)

    def forward(self, joints: Float[Tensor, "batch frames 16 3"]) -> Float[Tensor, "batch 1"]:
        """joints: metres, root of each frame at 0, world axes. Returns scores, larger = more real."""
        cosines = kcs_features(joints)[..., :NUM_COSINES]
        inputs = {"cosines": cosines, "cosine_changes": cosines.diff(dim=1), "positions": joints}
        return self.score({**inputs, "position_changes": joints.diff(dim=1)})


class MotionCritic2D(_Branches):
    """Judges clips on the screen, and how their root moves there."""

    def __init__(self, frames: int, width: int = 1000, merge_width: int = 100) -> None:
        _check_frames(frames)
        super().__init__({"positions": frames * NUM_JOINTS * 2, "root_changes": (frames - 1) * 2}, width, merge_width)

    def forward(self, joints: Float[Tensor, "batch frames 16 2"]) -> Float[Tensor, "batch 1"]:
        """joints: screen coordinates. Returns scores, larger = more real."""
        return self.score({"positions": joints, "root_changes": joints[:, :, ROOT].diff(dim=1)})
