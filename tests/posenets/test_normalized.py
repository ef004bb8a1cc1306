"""SimpleBaseline in standard deviations, as Martinez trained it. (Seq2Seq's statistics: test_seq2seq.)"""

import pytest
import torch

from data import PoseBatch
from posenets import ScreenLifter, build_posenet, load_lifter, load_published


def small(normalized: bool = True, **sizes):
    torch.manual_seed(0)
    return build_posenet("simple_baseline", linear_size=12, normalized=normalized, **sizes).eval()


def poses(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    joints_2d = 0.3 * torch.randn(200, 1, 16, 2, generator=generator) + 0.1
    return joints_2d, 0.4 * torch.randn(200, 1, 16, 3, generator=generator) + torch.tensor([0.0, 0.0, 4.0])


def test_the_network_inside_is_the_plain_one_between_two_changes_of_unit(generator):
    joints_2d, joints_3d = poses(generator)
    posenet, inside = small(), small(False, predict_hip=False)
    posenet.fit_normalization(joints_2d, joints_3d)
    inside.load_state_dict({key: value for key, value in posenet.state_dict().items() if key in inside.state_dict()})
    relative = (joints_3d - joints_3d[:, :, :1])[:, 0]
    seen = (joints_2d - joints_2d.mean(0)) / joints_2d.std(0, correction=0)
    std = relative.std(0, correction=0)
    expected = inside(seen) * std + relative.mean(0)
    torch.testing.assert_close(posenet(joints_2d), expected, atol=1e-5, rtol=0)
    assert torch.equal(posenet(joints_2d)[:, 0], torch.zeros(200, 3))
    torch.testing.assert_close(posenet.target_std()[1:], std[1:])


def test_statistics_travel_with_checkpoints(generator, tmp_path):
    joints_2d, joints_3d = poses(generator)
    lifter = ScreenLifter(small(), "root").eval()
    lifter.fit_normalization(PoseBatch.of(joints_3d, joints_2d, None))
    torch.save(lifter.to_checkpoint(), tmp_path / "last.pt")
    again = load_lifter(tmp_path / "last.pt")
    assert torch.equal(again.posenet.mean_3d, lifter.posenet.mean_3d) and again.posenet.std_2d.std() > 0
    assert torch.equal(again.predict(joints_2d), lifter.predict(joints_2d))
    torch.save(lifter.posenet.state_dict(), tmp_path / "weights.pt")
    assert torch.equal(load_published(tmp_path / "weights.pt", "martinez").mean_2d, lifter.posenet.mean_2d)


def test_without_statistics_the_weights_are_the_published_ones(tmp_path):
    plain = small(False)
    assert not {key for key in plain.state_dict() if key.startswith(("mean_", "std_"))}
    assert plain.target_std() is None
    torch.save({"state_dict": plain.state_dict()}, tmp_path / "weights.pt")
    assert not load_published(tmp_path / "weights.pt", "mlp").sizes["normalized"]
    with pytest.raises(ValueError, match="lacks mean_2d"):
        normalized = small().to(torch.float32)
        plain = small(False, predict_hip=False).state_dict()
        content = {**ScreenLifter(normalized).to_checkpoint(), "model_pos": plain}
        torch.save(content, tmp_path / "last.pt")
        load_lifter(tmp_path / "last.pt")
