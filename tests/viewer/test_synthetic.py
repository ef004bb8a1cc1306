"""Synthetic poses by number: those of a run, and of a recipe where there is no run."""

import pytest
import torch

from kinematics import in_front
from posenets.checkpoints.files import read_checkpoint
from tests.tiny_cmu import ROOT
from viewer.synthetic import CLIP_FRAMES, MIXED, SyntheticPoses, load_synthetic


@pytest.fixture(scope="module")
def poses(run_pt) -> SyntheticPoses:
    poses, about = load_synthetic(read_checkpoint(run_pt), run_pt, str(ROOT))
    assert "last.pt" in about
    return poses


def test_the_same_number_gives_the_same_pose_and_another_another(poses):
    for source in (MIXED, *poses.shares):
        first, again, other = (poses.sample(seed, source) for seed in (3, 3, 4))
        assert first.joints_world.shape == (9, 16, 3) and first.source == again.source
        torch.testing.assert_close(first.joints_world, again.joints_world)
        assert float((first.joints_world - other.joints_world).abs().max()) > 0.01


def test_poses_come_from_the_source_asked_for_or_from_all_by_their_shares(poses):
    assert poses.shares == {"range_of_motion": 0.5, "limb_swap": 0.5}
    assert {poses.sample(seed, "limb_swap").source for seed in range(3)} == {"limb_swap"}
    counts = [poses.sample(seed).source for seed in range(20)].count("limb_swap")
    assert 4 <= counts <= 16


def test_the_picture_is_what_the_pose_s_camera_sees(poses):
    sample = poses.sample(0)
    seen = sample.camera.world_to_camera(sample.joints_world)
    assert in_front(seen, 0.1).all()
    torch.testing.assert_close(sample.camera.project(seen), sample.joints_screen, atol=1e-4, rtol=0)
    assert -0.5 < float(sample.joints_world[..., 2].min()) < 0.5, "it stands about the floor"


def test_without_a_run_a_recipe_s_clips_are_shown_and_a_lifter_s_checkpoint_is_told(lifter_pt):
    poses, about = load_synthetic(read_checkpoint(lifter_pt), lifter_pt, str(ROOT))
    assert about.startswith("best_demo.pt is of no run with augmentation. Recipe `limb_swap`")
    sample = poses.sample(0)
    assert sample.joints_world.shape == (CLIP_FRAMES, 16, 3)
    still = sample.joints_world[:1] - sample.joints_world[:1, :1]
    assert float((sample.joints_world - sample.joints_world[:, :1] - still).abs().max()) > 0.01
