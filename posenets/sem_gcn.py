"""SemGCN (Zhao et al., CVPR 2019): graph convolutions with learned edge weights, optionally with non-local blocks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from kinematics.constants import indices
from kinematics.skeleton import Skeleton
from posenets.base import PoseNet, check_positive, check_probability
from posenets.checkpoints.shapes import count_modules, length
from posenets.fast_cpu import norm_relu_dropout
from posenets.registry import LifterSpec, Sizes, register_lifter

# Pairs of joints that SemGCN's non-local blocks pool (`joints_group`), for its 16 joints.
H36M_16_PAIRS = ((2, 3), (5, 6), (1, 4), (0, 7), (8, 9), (14, 15), (11, 12), (10, 13))


def build_adjacency(skeleton: Skeleton) -> Bool[Tensor, "joints joints"]:
    """Build the adjacency matrix: both ends of every bone, and each joint with itself."""
    adjacency = torch.eye(skeleton.num_joints, dtype=torch.bool)
    for parent, child in skeleton.bones:
        adjacency[parent, child] = adjacency[child, parent] = True
    return adjacency


class SemGraphConv(nn.Module):
    """Graph convolution. adjacency: (J, J) bool with a true diagonal."""

    edges: Tensor

    def __init__(self, inputs: int, outputs: int, adjacency: Bool[Tensor, "joints joints"]) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(2, inputs, outputs))
        nn.init.xavier_uniform_(self.W, gain=1.414)
        self.register_buffer("edges", adjacency.nonzero(), persistent=False)  # (E, 2), row by row
        self.num_joints = adjacency.shape[0]
        self.e = nn.Parameter(torch.ones(1, len(self.edges)))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-(outputs**-0.5), outputs**-0.5))

    def forward(self, features: Float[Tensor, "batch joints inputs"]) -> Float[Tensor, "batch joints outputs"]:
        itself, neighbours = (features @ torch.cat([self.W[0], self.W[1]], dim=-1)).chunk(2, dim=-1)
        logits = self.e.new_full((self.num_joints, self.num_joints), -torch.inf)
        weights = logits.index_put((self.edges[:, 0], self.edges[:, 1]), self.e[0]).softmax(dim=1)
        diagonal = weights.diagonal()
        return diagonal[:, None] * itself + (weights - diagonal.diag()) @ neighbours + self.bias


class _GraphConv(nn.Module):
    """Graph convolution, norm over batch and joints, ReLU, dropout."""

    def __init__(self, inputs: int, outputs: int, adjacency: Tensor, rate: float | int) -> None:
        super().__init__()
        self.gconv = SemGraphConv(inputs, outputs, adjacency)
        self.bn = nn.BatchNorm1d(outputs)
        self.rate = rate

    def forward(self, features: Tensor) -> Tensor:
        features = self.gconv(features)
        return norm_relu_dropout(features.flatten(0, 1), self.bn, self.rate).unflatten(0, features.shape[:2])


class _ResGraphConv(nn.Module):
    """Two graph convolutions with a skip."""

    def __init__(self, width: int, adjacency: Tensor, rate: float | int) -> None:
        super().__init__()
        self.gconv1 = _GraphConv(width, width, adjacency, rate)
        self.gconv2 = _GraphConv(width, width, adjacency, rate)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.gconv2(self.gconv1(features))


class _ConcatAttention(nn.Module):
    """Non-local block (Wang et al., CVPR 2018), 'concatenation' form, keys and values max-pooled over joint groups."""

    def __init__(self, width: int, group_size: int) -> None:
        super().__init__()
        inner = max(width // 2, 1)
        self.theta = nn.Conv1d(width, inner, 1)
        self.g = nn.Sequential(nn.Conv1d(width, inner, 1), nn.MaxPool1d(group_size))
        self.phi = nn.Sequential(nn.Conv1d(width, inner, 1), nn.MaxPool1d(group_size))
        self.concat_project = nn.Sequential(nn.Conv2d(inner * 2, 1, 1, bias=False), nn.ReLU())
        norm = nn.BatchNorm1d(width)
        nn.init.zeros_(norm.weight)  # the block begins as the identity
        self.W = nn.Sequential(nn.Conv1d(inner, width, 1), norm)

    def forward(self, features: Tensor) -> Tensor:
        """Attend between joints. features: (B, C, J) with the joints of a group side by side."""
        projection = self.concat_project[0]
        assert isinstance(projection, nn.Conv2d)
        of_query, of_key = projection.weight.flatten().chunk(2)
        query = torch.einsum("c,bcj->bj", of_query, self.theta(features))
        key = torch.einsum("c,bcg->bg", of_key, self.phi(features))
        affinity = F.relu(query[:, :, None] + key[:, None, :]) / key.shape[1]  # (B, J, groups)
        return features + self.W(self.g(features) @ affinity.transpose(1, 2))


class _NonLocal(nn.Module):
    """The attention between joints, told which joints to pool together."""

    def __init__(self, width: int, groups: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.order = [joint for group in groups for joint in group]
        self.restored = [self.order.index(joint) for joint in range(len(self.order))]
        # SemGCN's weights are called `nonlocal.*`, a name Python keeps for itself.
        self.add_module("nonlocal", _ConcatAttention(width, len(groups[0])))

    def forward(self, features: Tensor) -> Tensor:
        grouped = features[:, indices(self.order, features)].transpose(1, 2)  # (B, C, J)
        return self.get_submodule("nonlocal")(grouped).transpose(1, 2)[:, indices(self.restored, features)]


def _sizes_from_weights(weights: Mapping[str, Tensor]) -> Sizes:
    edges = length(weights, "gconv_input.0.gconv.e", 1)
    non_local = any(key.startswith("gconv_input.1.nonlocal.") for key in weights)
    blocks = count_modules(weights, r"gconv_layers\.(\d+)\.")
    return dict(
        # A tree of J joints has J - 1 bones, each twice in the matrix, and J ones on the diagonal.
        num_joints=math.ceil((edges + 2) / 3), hid_dim=length(weights, "gconv_input.0.gconv.W", 2),
        num_layers=blocks // 2 if non_local else blocks, non_local=non_local,
    )  # fmt: skip


@register_lifter(
    LifterSpec(
        name="sem_gcn", aliases=("gcn",), signature="gconv_input.0.gconv.W", sizes_from_weights=_sizes_from_weights,
        width="hid_dim", blocks="num_layers", dropout="dropout", budget_sizes=False,
        dh_aug_sizes=lambda frames: dict(hid_dim=128, num_layers=4, dropout=0.25),
    )
)  # fmt: skip
class SemGCN(PoseNet):
    """Graph convolution lifter of a single frame.

    hid_dim: channels; num_layers: residual blocks; non_local: attention after every block; adjacency: (J, J) list or
    tensor of neighbours (None: the bones of the layout with num_joints joints); groups: joints the attention pools.
    """

    def __init__(
        self, num_joints: int = 16, hid_dim: int = 128, num_layers: int = 4, dropout: float | int = 0.0,
        non_local: bool = False, adjacency: Sequence[Sequence[float | int]] | Tensor | None = None,
        groups: Sequence[Sequence[int]] | None = None, in_features: int = 2,
    ) -> None:  # fmt: skip
        check_positive(num_joints=num_joints, hid_dim=hid_dim, num_layers=num_layers)
        check_probability(dropout=dropout)
        sizes: dict[str, Any] = dict(hid_dim=hid_dim, num_layers=num_layers, dropout=dropout, non_local=non_local)
        neighbours = _checked_adjacency(adjacency, num_joints)
        if adjacency is not None:
            sizes["adjacency"] = neighbours.int().tolist()
        if non_local:
            groups = _checked_groups(groups, num_joints)
            sizes["groups"] = [list(group) for group in groups]
        super().__init__(num_joints, 1, in_features, sizes)
        attention = [[_NonLocal(hid_dim, groups)] if groups and non_local else [] for _ in range(num_layers + 1)]
        blocks = [[_ResGraphConv(hid_dim, neighbours, dropout), *attention[i + 1]] for i in range(num_layers)]
        self.gconv_input = nn.Sequential(_GraphConv(in_features, hid_dim, neighbours, dropout), *attention[0])
        self.gconv_layers = nn.Sequential(*[module for block in blocks for module in block])
        self.gconv_output = SemGraphConv(hid_dim, 3, neighbours)

    def forward(self, joints_2d: Float[Tensor, "batch frames joints features"]) -> Float[Tensor, "batch joints 3"]:
        """Predict joints, metres. joints_2d: one frame, T = 1."""
        self.check_input(joints_2d)
        return self.gconv_output(self.gconv_layers(self.gconv_input(joints_2d[:, 0])))


def _checked_adjacency(adjacency: Sequence[Sequence[float | int]] | Tensor | None, num_joints: int) -> Tensor:
    """Convert a matrix that is above 0 where joints are neighbours (maybe row-normalised) to (J, J) bool."""
    if adjacency is None:
        return build_adjacency(Skeleton.from_num_joints(num_joints))
    neighbours = torch.as_tensor(adjacency) > 0
    if neighbours.shape != (num_joints, num_joints) or not bool(neighbours.diagonal().all()):
        raise ValueError(
            f"adjacency has shape {tuple(neighbours.shape)}, expected ({num_joints}, {num_joints}) with every joint "
            "a neighbour of itself."
        )
    return neighbours


def _checked_groups(groups: Sequence[Sequence[int]] | None, num_joints: int) -> Sequence[Sequence[int]]:
    if groups is None and num_joints == 16:
        return H36M_16_PAIRS
    joints = sorted(joint for group in groups or () for joint in group)
    if groups is None or joints != list(range(num_joints)) or len({len(group) for group in groups}) != 1:
        raise ValueError(
            f"non_local needs groups: {num_joints} joints, each once, in groups of one size; got {groups}."
        )
    return groups
