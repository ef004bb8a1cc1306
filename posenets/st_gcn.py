"""ST-GCN lifter (Cai et al., ICCV 2019) of a single frame, as in PoseAug (`stgcn`), or of a window's centre frame.

The graph is that of Human3.6M's 17 joints; 16 joints get a neck midway between thorax and head. In a window a joint's
neighbours include itself one frame before and after, and `conv4` spans three frames, so weights of single frames do not
fit.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from kinematics.constants import indices
from kinematics.skeleton import Skeleton
from posenets.base import PoseNet, check_positive, check_probability, dropped
from posenets.checkpoints.shapes import count_modules, length
from posenets.fast_cpu import norm_relu_dropout
from posenets.registry import LifterSpec, Sizes, register_lifter

LAYOUT = Skeleton("h36m_17")
NECK = LAYOUT.joints.index("NeckNose")
# Arms, legs, trunk.
PARTS = ((11, 12, 13), (14, 15, 16), (4, 5, 6), (1, 2, 3), (0, 7, 8, 9, 10))
PART_OF_JOINT = [next(part for part, joints in enumerate(PARTS) if joint in joints) for joint in range(17)]
# Dropout of (blocks, conv4, conv2 and the output layer) unless `dropout` is given.
PUBLISHED_RATES = (0.05, 0.25, 0.1)
# The original passes its batch norm's momentum as eps, and the published weights were trained with that.
INPUT_EPS = 0.1


class _Graph(nn.Module):
    """Sums over kinds of neighbours: itself, outwards, inwards, mirror joint; in windows the frame before and after."""

    links: Tensor
    share: Tensor
    ones: Tensor

    def __init__(
        self, nodes: int, bones: Sequence[tuple[int, int]], mirrored: Sequence[tuple[int, int]], centre: int,
        frames: int,
    ) -> None:  # fmt: skip
        super().__init__()
        links = torch.zeros(4, nodes, nodes)  # kind, node, its neighbour
        links[0] = torch.eye(nodes)
        distance = _distances(nodes, bones, centre)
        for one, other in bones:
            near, far = sorted((one, other), key=lambda node: distance[node])
            links[1, near, far] = links[2, far, near] = 1
        for one, other in mirrored:
            links[3, one, other] = links[3, other, one] = 1
        in_time = torch.tensor([(t > 0) + (t < frames - 1) for t in range(frames)])
        neighbours = links.sum((0, 2)) + in_time[:, None]  # (T, N)
        self.nodes, self.frames, self.kinds = nodes, frames, 4 if frames == 1 else 6
        self.register_buffer("links", links.transpose(0, 1).flatten(0, 1), persistent=False)  # (N * 4, N)
        share = (1 / neighbours)[..., None]
        self.register_buffer("share", share, persistent=False)  # (T, N, 1)
        ones = self(torch.ones(1, frames, nodes, 1))[0] * share
        self.register_buffer("ones", ones, persistent=False)  # (T, N, kinds)

    def forward(self, features: Float[Tensor, "batch frames nodes width"]) -> Float[Tensor, "batch frames nodes all"]:
        """Concatenate the kinds' sums; they become means by `share` after a layer has made them narrower."""
        nodes = features.flatten(0, 1)  # (B * T, N, C)
        links = self.links.expand(nodes.shape[0], -1, -1)  # len() would fix the batch size in an export
        sums = torch.bmm(links, nodes).view(*features.shape[:3], -1)  # kinds * C wide
        if self.frames > 1:
            sums = torch.cat([sums, _frame_before(features), _frame_after(features)], dim=3)
        return sums


class _GraphConv(nn.Module):
    """One matrix per kind of neighbour; key `gcn.conv` of the originals."""

    def __init__(self, inputs: int, outputs: int, kinds: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs * kinds, 1)

    def forward(self, features: Tensor, graph: _Graph) -> Tensor:
        assert self.conv.bias is not None
        weight = self.conv.weight.flatten(1).unflatten(0, (graph.kinds, -1)).transpose(0, 1).flatten(1)
        bias = graph.ones @ self.conv.bias.view(graph.kinds, -1)  # (T, N, C): nodes differ in their kinds of neighbours
        return torch.addcmul(bias, F.linear(graph(features), weight), graph.share)


class _Block(nn.Module):
    """Graph convolution and a layer on each node, beside a skip."""

    def __init__(self, inputs: int, outputs: int, kinds: int, rate: float | int, skip: bool = True) -> None:
        super().__init__()
        self.gcn = _GraphConv(inputs, outputs, kinds)
        self.tcn = nn.ModuleDict(
            {"0": nn.BatchNorm1d(outputs), "3": nn.Conv2d(outputs, outputs, 1), "4": nn.BatchNorm1d(outputs)}
        )
        if skip and inputs != outputs:
            self.residual = nn.ModuleList([nn.Conv2d(inputs, outputs, 1), nn.BatchNorm1d(outputs)])
        else:
            self.residual = None
        self.skip, self.rate = skip, rate

    def forward(self, features: Tensor, graph: _Graph) -> Tensor:
        hidden = _norm_relu_dropout(self.gcn(features, graph), self.tcn["0"], self.rate)
        hidden = _norm(_linear(hidden, self.tcn["3"]), self.tcn["4"])
        hidden = dropped(hidden, self.rate, self.training)
        if self.residual is not None:
            features = _norm(_linear(features, self.residual[0]), self.residual[1])
        return F.relu(features + hidden if self.skip else hidden)


class _NonLocal(nn.Module):
    """Non-local block (Wang et al., CVPR 2018), 'embedded Gaussian' form: attention without a scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = max(width // 2, 1)
        norm = nn.BatchNorm1d(width)
        nn.init.zeros_(norm.weight)  # the block begins as the identity
        self.g = nn.Conv2d(width, inner, 1)
        self.W = nn.ModuleList([nn.Conv2d(inner, width, 1), norm])
        self.theta, self.phi = nn.Conv2d(width, inner, 1), nn.Conv2d(width, inner, 1)

    def forward(self, features: Tensor) -> Tensor:
        nodes = features.flatten(1, 2)  # (B, T * J, C)
        query, key, value = (_linear(nodes, conv) for conv in (self.theta, self.phi, self.g))
        if torch.compiler.is_exporting():  # ONNX knows attention of several heads only
            attended = F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None], scale=1.0)[:, 0]
        else:
            attended = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return features + _norm(_linear(attended, self.W[0]), self.W[1]).view_as(features)


class _Network(nn.Module):
    """Network of 17 joints, named `stgcn` in the state dict as in PoseAug."""

    def __init__(
        self, frames: int, in_features: int, inter_channels: Sequence[int], fc_out: int, fc_unit: int,
        dropout: float | int | None,
    ) -> None:  # fmt: skip
        super().__init__()
        of_block, of_body, self.rate = PUBLISHED_RATES if dropout is None else (dropout,) * 3
        mirrored = list(zip(LAYOUT.left, LAYOUT.right, strict=True))
        self.joint_graph = _Graph(17, LAYOUT.bones, mirrored, LAYOUT.joints.index("Spine"), frames)
        limbs_to_trunk = [(limb, 4) for limb in range(4)]
        self.part_graph = _Graph(5, limbs_to_trunk, [(0, 1), (2, 3)], 4, frames)
        kinds, self.body_rate = self.joint_graph.kinds, of_body
        widths = (in_features, *inter_channels)
        self.data_bn = nn.BatchNorm1d(17 * in_features, eps=INPUT_EPS)
        self.st_gcn_networks = nn.ModuleList(
            _Block(inputs, outputs, kinds, of_block, skip=place > 0)
            for place, (inputs, outputs) in enumerate(zip(widths, widths[1:], strict=False))
        )
        self.st_gcn_pool = nn.ModuleList(_Block(inputs, fc_unit, kinds, of_block) for inputs in (widths[-1], fc_unit))
        size = 1 if frames == 1 else 3
        self.conv4 = nn.ModuleList([nn.Conv2d(fc_unit, fc_unit, (size, 1)), nn.BatchNorm1d(fc_unit)])
        self.conv2 = nn.ModuleList([nn.Conv2d(fc_unit * 2, fc_out, 1), nn.BatchNorm1d(fc_out)])
        self.non_local = _NonLocal(widths[-1] + fc_out)
        self.fcn = nn.ModuleDict({"1": nn.Conv2d(widths[-1] + fc_out, 3, 1)})

    def forward(self, joints_2d: Float[Tensor, "batch frames 17 features"]) -> Float[Tensor, "batch frames 17 3"]:
        features = _norm(joints_2d.flatten(2), self.data_bn).view_as(joints_2d)
        for block in self.st_gcn_networks:
            features = block(features, self.joint_graph)
        parts = [features[:, :, indices(joints, features)].amax(2) for joints in PARTS]
        parts = torch.stack(parts, dim=2)  # (B, T, 5, C)
        for block in self.st_gcn_pool:
            parts = block(parts, self.part_graph)
        body = _norm_relu_dropout(self._over_time(parts.amax(2)), self.conv4[1], self.body_rate)  # (B, T, C)
        parts = torch.cat([body[:, :, None].expand_as(parts), parts], dim=-1)
        parts = _norm_relu_dropout(_linear(parts, self.conv2[0]), self.conv2[1], self.rate)
        features = torch.cat([features, parts[:, :, indices(PART_OF_JOINT, parts)]], dim=-1)  # (B, T, 17, C)
        features = dropped(self.non_local(features), self.rate, self.training)
        return _linear(features, self.fcn["1"])

    def _over_time(self, body: Tensor) -> Tensor:
        """Apply conv4 to each frame, or to each frame and its two neighbours."""
        conv = self.conv4[0]
        assert isinstance(conv, nn.Conv2d)
        if conv.kernel_size[0] == 1:
            return _linear(body, conv)
        seen = torch.cat([_frame_before(body), body, _frame_after(body)], dim=-1)
        return F.linear(seen, conv.weight.squeeze(-1).transpose(1, 2).flatten(1), conv.bias)


def _sizes_from_weights(weights: Mapping[str, Tensor]) -> Sizes:
    blocks = count_modules(weights, r"stgcn\.st_gcn_networks\.(\d+)\.")
    channels = [length(weights, f"stgcn.st_gcn_networks.{block}.tcn.0.weight") for block in range(blocks)]
    kinds = length(weights, "stgcn.st_gcn_networks.0.gcn.conv.bias") // channels[0] if channels else 4
    return dict(
        num_joints=16, frames=1 if kinds == 4 else None, inter_channels=channels,
        fc_out=length(weights, "stgcn.conv2.0.weight"), fc_unit=length(weights, "stgcn.conv4.0.weight"),
    )  # fmt: skip


@register_lifter(
    LifterSpec(
        name="st_gcn", aliases=("stgcn",), signature="stgcn.data_bn.weight", sizes_from_weights=_sizes_from_weights,
        width="hid_dim", blocks="num_layers", dropout="dropout", budget_sizes=False,
        dh_aug_sizes=lambda frames: dict(hid_dim=128, num_layers=3),
    )
)  # fmt: skip
class STGCN(PoseNet):
    """Graph convolution lifter of a window's centre frame.

    hid_dim: channels of the num_layers graph convolutions; the last has twice as many. inter_channels, fc_out, fc_unit:
    these channels one by one, those that parts add to their joints, and those of parts, instead of 2 and 4 times
    hid_dim for the last two. dropout: one rate everywhere; None: the published 0.05, 0.25 and 0.1.
    """

    def __init__(
        self, num_joints: int = 16, frames: int = 1, hid_dim: int = 128, num_layers: int = 3,
        inter_channels: Sequence[int] | None = None, fc_out: int | None = None, fc_unit: int | None = None,
        dropout: float | int | None = None, in_features: int = 2,
    ) -> None:  # fmt: skip
        check_positive(num_joints=num_joints, frames=frames, hid_dim=hid_dim, num_layers=num_layers)
        if num_joints not in (16, 17):
            raise ValueError(f"num_joints is {num_joints}, expected 16 or 17: the graph is Human3.6M's, COCO has none.")
        channels = [hid_dim] * (num_layers - 1) + [2 * hid_dim] if inter_channels is None else list(inter_channels)
        fc_out, fc_unit = 2 * hid_dim if fc_out is None else fc_out, 4 * hid_dim if fc_unit is None else fc_unit
        check_positive(**{f"inter_channels[{i}]": width for i, width in enumerate(channels)})
        check_positive(**{"len(inter_channels)": len(channels)}, fc_out=fc_out, fc_unit=fc_unit)
        check_probability(dropout=dropout or 0)
        sizes = dict(inter_channels=channels, fc_out=fc_out, fc_unit=fc_unit, dropout=dropout)
        super().__init__(num_joints, frames, in_features, sizes)
        self.stgcn = _Network(frames, in_features, channels, fc_out, fc_unit, dropout)

    def forward_window(
        self, joints_2d: Float[Tensor, "batch frames joints features"]
    ) -> Float[Tensor, "batch frames joints 3"]:
        """Predict every frame of the window, metres."""
        self.check_input(joints_2d)
        if self.num_joints == 17:
            return self.stgcn(joints_2d)
        below, above = joints_2d[:, :, :NECK], joints_2d[:, :, NECK:]
        neck = (below[:, :, -1:] + above[:, :, :1]) / 2  # of thorax and head
        joints = self.stgcn(torch.cat([below, neck, above], dim=2))
        return torch.cat([joints[:, :, :NECK], joints[:, :, NECK + 1 :]], dim=2)


def _distances(nodes: int, bones: Sequence[tuple[int, int]], centre: int) -> list[int]:
    """Count the bones between each node and the centre."""
    distance = {centre: 0}
    while len(distance) < nodes:
        for one, other in bones:
            for known, new in ((one, other), (other, one)):
                if known in distance:
                    distance.setdefault(new, distance[known] + 1)
    return [distance[node] for node in range(nodes)]


def _frame_before(features: Tensor) -> Tensor:
    """Shift features (B, T, ...) by one frame, zeros first."""
    return torch.cat([torch.zeros_like(features[:, :1]), features[:, :-1]], dim=1)


def _frame_after(features: Tensor) -> Tensor:
    return torch.cat([features[:, 1:], torch.zeros_like(features[:, :1])], dim=1)


def _linear(features: Tensor, conv: nn.Module) -> Tensor:
    """Apply a 1x1 convolution to the last dimension."""
    assert isinstance(conv, nn.Conv2d)
    return F.linear(features, conv.weight.flatten(1), conv.bias)


def _norm(features: Tensor, norm: nn.Module) -> Tensor:
    """Apply batch norm to the last dimension."""
    return norm(features.flatten(0, -2)).view_as(features)


def _norm_relu_dropout(features: Tensor, norm: nn.Module, rate: float | int) -> Tensor:
    assert isinstance(norm, nn.BatchNorm1d)
    return norm_relu_dropout(features.flatten(0, -2), norm, rate).view_as(features)
