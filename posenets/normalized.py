"""Lifters that standardize inputs and outputs with training statistics and put the hip at 0 (Martinez, seq2seq)."""

import torch
from jaxtyping import Float
from torch import Tensor

from posenets.base import PoseNet, prepend_zero_root

CONSTANT = 1e-6  # a coordinate with a smaller deviation (a root-centred hip) is centred, not scaled


class NormalizedNet(PoseNet):
    """A lifter with optional statistics in buffers: mean_2d, std_2d (J, in_features), mean_3d, std_3d (J - 1, 3) m."""

    mean_2d: Tensor
    std_2d: Tensor
    mean_3d: Tensor
    std_3d: Tensor

    def register_statistics(self) -> None:
        """Register the buffers, with means 0 and deviations 1."""
        if self.num_joints < 2:
            raise ValueError(f"num_joints is {self.num_joints}, expected at least 2: the hip is not predicted.")
        for side, shape in (("2d", (self.num_joints, self.in_features)), ("3d", (self.num_joints - 1, 3))):
            self.register_buffer(f"mean_{side}", torch.zeros(shape))
            self.register_buffer(f"std_{side}", torch.ones(shape))

    @property
    def has_statistics(self) -> bool:
        """Whether register_statistics was called."""
        return hasattr(self, "mean_2d")

    @torch.no_grad()
    def fit_normalization(
        self,
        joints_2d: Float[Tensor, "*batch_2d joints_2d features"],
        joints_3d: Float[Tensor, "*batch_3d joints_3d 3"],
    ) -> None:
        """Compute mean and deviation of every coordinate from training poses as the network sees them."""
        if not self.has_statistics:
            return
        for name, joints in (("joints_2d", joints_2d), ("joints_3d", joints_3d)):
            if joints.shape[-2] != self.num_joints or joints.numel() == 0:
                raise ValueError(f"{name} has shape {tuple(joints.shape)}, expected poses of {self.num_joints} joints.")
        relative = joints_3d[..., 1:, :] - joints_3d[..., :1, :]
        for side, joints in (("2d", joints_2d), ("3d", relative)):
            std, mean = torch.std_mean(joints.reshape(-1, *joints.shape[-2:]), dim=0, correction=0)
            self.get_buffer(f"mean_{side}").copy_(mean)
            self.get_buffer(f"std_{side}").copy_(torch.where(std > CONSTANT, std, 1.0))

    def target_std(self) -> Float[Tensor, "joints 3"] | None:
        """Return the standard deviation of every predicted coordinate, metres; 1 for the hip's."""
        if not self.has_statistics:
            return None
        return torch.cat([torch.ones_like(self.std_3d[:1]), self.std_3d])

    def normalize(self, joints_2d: Float[Tensor, "*batch joints features"]) -> Float[Tensor, "*batch joints features"]:
        """Standardize joints_2d."""
        return (joints_2d - self.mean_2d) / self.std_2d

    def denormalize(self, standard: Float[Tensor, "*batch joints_without_hip 3"]) -> Float[Tensor, "*batch joints 3"]:
        """Convert the network's standardized output to metres, and put the hip back at 0."""
        return prepend_zero_root(standard * self.std_3d + self.mean_3d)
