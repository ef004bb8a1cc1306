"""ST-GCN: the graph against a dense matrix made link by link, windows, the neck of 16 joints."""

import pytest
import torch

from kinematics.skeleton import Skeleton
from posenets import build_posenet
from posenets.st_gcn import PART_OF_JOINT, PARTS

LAYOUT = Skeleton("h36m_17")


def small(num_joints: int = 17, frames: int = 1, **sizes):
    torch.manual_seed(0)
    return build_posenet("st_gcn", num_joints, frames, **{"hid_dim": 4, **sizes})


def shaken(posenet):
    """Weights and norms of a trained network: no zeros that shut a branch."""
    for parameter in posenet.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    for name, buffer in posenet.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(std=0.3)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    return posenet.eval()


def dense_adjacency(frames: int) -> torch.Tensor:
    """(kinds, T * 17, T * 17), from neighbour to node: every link by itself, divided by the node's links."""
    steps_to_spine = [1, 2, 3, 4, 2, 3, 4, 0, 1, 2, 3, 2, 3, 4, 2, 3, 4]
    adjacency = torch.zeros(6, frames * 17, frames * 17)
    for frame in range(frames):
        first = frame * 17
        for joint in range(17):
            adjacency[0, first + joint, first + joint] = 1
            if frame > 0:
                adjacency[4, first - 17 + joint, first + joint] = 1
                adjacency[5, first + joint, first - 17 + joint] = 1
        for one, other in [*LAYOUT.bones, *[pair[::-1] for pair in LAYOUT.bones]]:
            kind = 1 if steps_to_spine[one] > steps_to_spine[other] else 2
            adjacency[kind, first + one, first + other] = 1
        for left, right in zip(LAYOUT.left, LAYOUT.right, strict=True):
            adjacency[3, first + left, first + right] = adjacency[3, first + right, first + left] = 1
    return (adjacency / adjacency.sum((0, 1)))[: 4 if frames == 1 else 6]


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_graph_convolution_equals_the_dense_sum(frames, float_dtype):
    posenet = small(frames=frames).to(float_dtype)
    conv, graph = posenet.stgcn.st_gcn_networks[1].gcn, posenet.stgcn.joint_graph
    features = torch.randn(2, frames, 17, 4, dtype=float_dtype)
    adjacency = dense_adjacency(frames).to(float_dtype)
    projected = conv.conv(features.flatten(1, 2).transpose(1, 2)[:, :, None])  # (B, kinds * C, 1, T * J)
    projected = projected.squeeze(2).unflatten(1, (len(adjacency), -1))
    expected = torch.einsum("bkcv,kvw->bwc", projected, adjacency).unflatten(1, (frames, 17))
    assert torch.allclose(conv(features, graph), expected, atol=1e-5)


def test_parts_cover_every_joint_once_and_arms_and_legs_mirror():
    assert sorted(joint for part in PARTS for joint in part) == list(range(17))
    assert [PARTS[part].index(joint) >= 0 for joint, part in enumerate(PART_OF_JOINT)] == [True] * 17
    mirrored = [tuple(LAYOUT.mirror[joint] for joint in part) for part in PARTS[:4]]
    assert mirrored == [PARTS[1], PARTS[0], PARTS[3], PARTS[2]]


def test_published_size_is_the_same_for_16_and_17_joints():
    counts = [sum(p.numel() for p in build_posenet("stgcn", joints).parameters()) for joints in (16, 17)]
    assert counts == [3_627_847] * 2


def test_16_joints_are_17_with_a_neck_between_thorax_and_head(float_dtype):
    posenet, of_17 = shaken(small(16, 3).to(float_dtype)), small(17, 3).to(float_dtype).eval()
    of_17.load_state_dict(posenet.state_dict())
    joints_2d = torch.randn(4, 3, 16, 2, dtype=float_dtype)
    with_neck = torch.cat([joints_2d[:, :, :9], joints_2d[:, :, 8:10].mean(2, keepdim=True), joints_2d[:, :, 9:]], 2)
    kept = [joint for joint in range(17) if LAYOUT.joints[joint] != "NeckNose"]
    assert torch.allclose(posenet(joints_2d), of_17(with_neck)[:, kept], atol=1e-5)


@pytest.mark.parametrize("frames", [1, 4, 5])
def test_the_answer_is_the_windows_centre_frame(frames):
    posenet = shaken(small(16, frames))
    joints_2d = torch.randn(2, frames, 16, 2)
    assert torch.equal(posenet(joints_2d), posenet.forward_window(joints_2d)[:, frames // 2])


def test_without_attention_a_frame_reaches_as_far_as_there_are_layers():
    """Three graph convolutions of joints, two of parts and conv4 go one frame each; the attention begins shut."""
    posenet = small(17, 15).eval()
    joints_2d = torch.randn(1, 15, 17, 2)
    changed = joints_2d.clone()
    changed[:, 0] += 5 * torch.randn(1, 17, 2)
    moved = (posenet.forward_window(changed) - posenet.forward_window(joints_2d)).abs().amax((0, 2, 3)) > 0
    assert not moved[7:].any() and moved[:4].all()
    torch.nn.init.ones_(posenet.stgcn.non_local.W[1].weight)
    moved = (posenet.forward_window(changed) - posenet.forward_window(joints_2d)).abs().amax((0, 2, 3)) > 0
    assert moved.all()


def test_one_rate_replaces_the_published_ones():
    posenet, other = small(), small(dropout=0.3)
    assert posenet.sizes["dropout"] is None and posenet.stgcn.body_rate == 0.25
    assert {block.rate for block in posenet.stgcn.st_gcn_networks} == {0.05}
    assert {block.rate for block in [*other.stgcn.st_gcn_networks, *other.stgcn.st_gcn_pool, other.stgcn]} == {0.3}
    joints_2d = torch.randn(3, 1, 17, 2)
    assert not torch.equal(other(joints_2d), other(joints_2d))
    assert torch.equal(other.eval()(joints_2d), other(joints_2d))


def test_weights_of_one_frame_do_not_fit_a_window():
    with pytest.raises(RuntimeError, match="gcn.conv.weight"):
        small(frames=3).load_state_dict(small().state_dict())
