"""Wasserstein critics of single poses, in 3D and on the screen. Layers and state_dict keys are DH-AUG's."""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from augment.gan.layers import Dense, ResidualBlock
from kinematics import BONE_JOINTS

# Pairs of adjacent bones whose cosine the 3D critic sees (bone numbers of kinematics.BONES).
COSINE_PAIRS = (
    (0, 2), (1, 3), (2, 4), (3, 5), (4, 5), (4, 6), (5, 6), (6, 7), (7, 14), (7, 8), (7, 9), (8, 10), (9, 11), (10, 12),
    (11, 13),
)  # fmt: skip
NUM_JOINTS = 16
# Bones shorter than a millimetre have no direction: below it the length is held, so that a collapsed bone gives
# finite cosines and gradients. Above it nothing changes.
SHORTEST_BONE_M = 1e-3


@lru_cache
def _tables(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Joints to bone vectors (15, 16): +1 at the child, -1 at the parent; and COSINE_PAIRS (2, 15)."""
    with torch.inference_mode(False):  # kept also for those who learn
        incidence = torch.zeros(len(BONE_JOINTS), NUM_JOINTS)
        for bone, (parent, child) in enumerate(BONE_JOINTS):
            incidence[bone, parent], incidence[bone, child] = -1, 1
        return incidence.to(device, dtype), torch.tensor(COSINE_PAIRS, device=device).T.contiguous()


def kcs_features(joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 30"]:
    """Kinematic chain space: 15 cosines between adjacent bones, 15 bone lengths in metres; laid out bone by bone."""
    incidence, (first, second) = _tables(joints.device, joints.dtype)
    vectors = incidence @ joints.reshape(-1, NUM_JOINTS, 3).permute(2, 1, 0)  # (3, 15, N)
    x, y, z = vectors
    lengths = (x * x).addcmul(y, y).addcmul(z, z).clamp_min(SHORTEST_BONE_M**2).sqrt()  # (15, N)
    directions = vectors / lengths
    products = _rows(directions, first) * _rows(directions, second)
    features = torch.cat([products[0] + products[1] + products[2], lengths])  # (30, N)
    return features.t().reshape(*joints.shape[:-2], len(features))


def _rows(directions: Float[Tensor, "3 bones N"], chosen: Int[Tensor, "pairs"]) -> Float[Tensor, "3 pairs N"]:
    """Those of some bones. On a GPU index_select adds gradients up in whatever order they come, and no run repeats."""
    return directions.index_select(1, chosen) if directions.device.type == "cpu" else directions[:, chosen]


class Critic3D(nn.Module):
    """Scores root-centred poses by coordinates and kinematic chain space. merge_width: of the head of both branches."""

    def __init__(self, width: int = 1000, merge_width: int = 100) -> None:
        super().__init__()
        self.previous = nn.ModuleList([Dense(NUM_JOINTS * 3, width)])
        self.block1, self.block2, self.block3 = (ResidualBlock(width) for _ in range(3))
        self.special_KCS_previous = nn.ModuleList([Dense(30, width)])
        self.special_KCS_block1, self.special_KCS_block2, self.special_KCS_block3 = (
            ResidualBlock(width) for _ in range(3)
        )
        self.merge_previous = nn.ModuleList([Dense(2 * width, merge_width)])
        self.merge_block1 = ResidualBlock(merge_width)
        self.output = nn.Linear(merge_width, 1)

    def forward(self, joints: Float[Tensor, "*batch 16 3"]) -> Float[Tensor, "*batch 1"]:
        """joints: metres, root at 0, world axes. Returns scores, larger = more real."""
        flat = joints.reshape(-1, NUM_JOINTS, 3)
        positions = self.previous[0](flat.flatten(1))
        for block in (self.block1, self.block2, self.block3):
            positions = block(positions)
        chain = self.special_KCS_previous[0](kcs_features(flat))
        for block in (self.special_KCS_block1, self.special_KCS_block2, self.special_KCS_block3):
            chain = block(chain)
        merged = self.merge_previous[0](torch.cat([chain, positions], dim=1))
        return self.output(self.merge_block1(merged)).reshape(*joints.shape[:-2], 1)


class Critic2D(nn.Module):
    """Judges poses on the screen: four layers with one skip, leaky ReLU."""

    SLOPE = 0.01

    def __init__(self, width: int = 1000) -> None:
        super().__init__()
        self.pose_layer_1 = Dense(NUM_JOINTS * 2, width)
        self.pose_layer_2 = Dense(width, width)
        self.pose_layer_3 = Dense(width, width)
        self.pose_layer_4 = nn.Linear(width, width)
        self.layer_last = Dense(width, width)
        self.layer_pred = nn.Linear(width, 1)

    def forward(self, joints: Float[Tensor, "*batch 16 2"]) -> Float[Tensor, "*batch 1"]:
        """joints: screen coordinates. Returns scores, larger = more real."""
        first = self.pose_layer_1(joints.reshape(-1, NUM_JOINTS * 2), self.SLOPE)
        second = self.pose_layer_2(first, self.SLOPE)
        third = self.pose_layer_3(second, self.SLOPE, skip=first)
        # The published net has no activation between layer 4 and the last one.
        last = self.layer_last(self.pose_layer_4(third), self.SLOPE)
        return self.layer_pred(last).reshape(*joints.shape[:-2], 1)
