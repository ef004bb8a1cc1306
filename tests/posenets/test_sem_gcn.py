"""SemGCN: the graph, and a convolution written joint by joint."""

import pytest
import torch

from kinematics.skeleton import Skeleton
from posenets import build_posenet
from posenets.sem_gcn import SemGraphConv, build_adjacency


def test_neighbours_are_the_bones():
    adjacency = build_adjacency(Skeleton("h36m_16"))
    assert torch.equal(adjacency, adjacency.T) and adjacency.diagonal().all()
    assert int(adjacency.sum()) == 16 + 2 * 15


def test_convolution_equals_a_loop_over_joints():
    torch.manual_seed(0)
    adjacency = build_adjacency(Skeleton("h36m_16"))
    conv = SemGraphConv(3, 5, adjacency)
    torch.nn.init.normal_(conv.e)
    features = torch.randn(2, 16, 3)
    expected = torch.zeros(2, 16, 5)
    edge = 0
    for joint in range(16):
        neighbours = [other for other in range(16) if adjacency[joint, other]]
        weights = torch.softmax(conv.e[0, edge : edge + len(neighbours)], 0)
        edge += len(neighbours)
        for weight, other in zip(weights, neighbours, strict=True):
            matrix = conv.W[0] if other == joint else conv.W[1]
            expected[:, joint] += weight * (features[:, other] @ matrix)
    assert torch.allclose(conv(features), expected + conv.bias, atol=1e-5)


def test_a_non_local_block_begins_as_the_identity():
    torch.manual_seed(0)
    posenet = build_posenet("sem_gcn", hid_dim=8, non_local=True).eval()
    plain = build_posenet("sem_gcn", hid_dim=8).eval()
    own = {key: value for key, value in posenet.state_dict().items() if "nonlocal" not in key}
    for key in list(own):  # blocks sit at even places between the attention
        head, dot, place = key.partition("gconv_layers.")
        if dot:
            number, rest = place.split(".", 1)
            own[f"gconv_layers.{int(number) // 2}.{rest}"] = own.pop(key)
    plain.load_state_dict(own)
    joints_2d = torch.randn(2, 1, 16, 2)
    assert torch.allclose(posenet(joints_2d), plain(joints_2d), atol=1e-6)


def test_row_normalised_adjacency_means_the_same_graph():
    ones = build_adjacency(Skeleton("h36m_16")).float()
    posenet = build_posenet("gcn", hid_dim=4, adjacency=(ones / ones.sum(1, keepdim=True)).tolist())
    again = build_posenet("gcn", **posenet.sizes)
    again.load_state_dict(posenet.state_dict())
    joints_2d = torch.randn(2, 1, 16, 2)
    assert torch.equal(posenet.eval()(joints_2d), again.eval()(joints_2d))


def test_bad_graphs_are_refused():
    with pytest.raises(ValueError, match="neighbour of itself"):
        build_posenet("gcn", adjacency=torch.zeros(16, 16))
    with pytest.raises(ValueError, match="non_local needs groups"):
        build_posenet("gcn", num_joints=17, non_local=True)
