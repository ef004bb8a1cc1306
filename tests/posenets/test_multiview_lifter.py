"""Lifters of several cameras: input modes, axes, mirror images, checkpoints."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from data import PoseBatch
from data.h36m.cameras import H36M_CAMERAS
from kinematics import Camera
from posenets import Lifter, RayLifter, ScreenLifter, build_posenet, lifter_from_posenet, load_lifter

SIZES = dict(views=3, channel=16, d_hid=16, smfe=[1, 1, 1], milf=[1, 1, 1], smfe_heads=1, num_heads=2)


def small(input_mode: str = "rays", frames: int = 3, **sizes) -> Lifter:
    torch.manual_seed(0)
    features = {"rays": 4, "screen": 2}[input_mode]
    posenet = build_posenet("esmformer", frames=frames, in_features=features, **{**SIZES, **sizes})
    return lifter_from_posenet(posenet, input_mode, "h36m_16").double().eval()


def taught(lifter: Lifter) -> Lifter:
    """A lifter that adds something."""
    torch.nn.init.normal_(lifter.posenet.regression[-1].weight, std=0.1)
    return lifter


@pytest.fixture
def batch(generator: torch.Generator) -> PoseBatch:
    """Five clips of three frames, seen by three of Human3.6M's cameras, float64."""
    body = 0.3 * torch.randn(5, 1, 16, 3, generator=generator, dtype=torch.float64)
    moved = 0.05 * torch.randn(5, 3, 16, 3, generator=generator, dtype=torch.float64)
    world = body + moved + torch.tensor([0.0, 0.5, 1.0])
    rig = Camera.stack(H36M_CAMERAS["S1"][:3]).to(torch.float64)
    camera = Camera(*(values.expand(5, *values.shape) for values in vars(rig).values()))
    seen = camera.world_to_camera(world[:, None].expand(-1, 3, -1, -1, -1))
    return PoseBatch.of(seen, camera.project(seen), camera)


def test_before_it_has_learnt_anything_mode_rays_triangulates(batch: PoseBatch):
    lifter = small()
    lifter.posenet.zero_output()
    torch.testing.assert_close(lifter.forward_batch(batch, every_frame=True), lifter.target(batch), atol=1e-6, rtol=0)
    torch.testing.assert_close(lifter.predict_batch(batch), lifter.target(batch)[:, 1], atol=1e-6, rtol=0)


def test_one_frame_is_the_middle_of_all(batch: PoseBatch):
    for mode in ("rays", "screen"):
        lifter = taught(small(mode))
        torch.testing.assert_close(lifter.forward_batch(batch), lifter.forward_batch(batch, every_frame=True)[:, 1])


def test_what_mode_rays_adds_turns_with_the_person(batch: PoseBatch):
    """The same people at another heading, seen by a rig turned with them: the same answer, turned."""
    lifter = taught(small())
    turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    quarter = torch.tensor([0.5**0.5, 0.0, 0.0, 0.5**0.5], dtype=torch.float64)
    camera = batch.camera
    turned = Camera(_product(quarter, camera.orientation_wxyz), camera.translation @ turn.mT, *(
        camera.intrinsics, camera.aspect))  # fmt: skip
    answer = lifter.forward_batch(batch)
    torch.testing.assert_close(lifter.forward_batch(replace(batch, camera=turned)), answer @ turn.mT, atol=1e-6, rtol=0)


def test_the_mirror_image_is_lifted_and_turned_back(batch: PoseBatch):
    lifter = taught(small())
    both = lifter.predict_batch(batch, test_flip=True)
    mirrored = lifter.predict_batch(batch.mirrored(), test_flip=True)
    back = mirrored[:, lifter.skeleton.mirror] * torch.tensor([-1.0, 1.0, 1.0]).double()
    torch.testing.assert_close(both, back, atol=1e-6, rtol=0)
    assert not torch.allclose(both, lifter.predict_batch(batch, test_flip=False), atol=1e-3)


def test_the_target_of_a_mirror_image_is_the_mirror_image_of_the_target(batch: PoseBatch):
    lifter = small()
    back = lifter.target(batch.mirrored())[:, :, lifter.skeleton.mirror] * torch.tensor([-1.0, 1.0, 1.0]).double()
    torch.testing.assert_close(lifter.target(batch), back, atol=1e-6, rtol=0)


def test_the_target_comes_from_a_view_that_is_not_missing(batch: PoseBatch):
    missing = batch.visible.clone()
    missing[:, 0] = False
    broken = batch.joints_3d.clone()
    broken[:, 0] = 99.0
    lifter = small()
    target = lifter.target(replace(batch, joints_3d=broken, visible=missing))
    torch.testing.assert_close(target, lifter.target(batch), atol=1e-6, rtol=0)


def test_a_missing_view_is_not_read_in_mode_rays(batch: PoseBatch):
    lifter, missing = taught(small()), batch.visible.clone()
    missing[:, 2] = False
    one = lifter.forward_batch(replace(batch, visible=missing))
    screen = batch.joints_2d.clone()
    screen[:, 2] = 0.3
    torch.testing.assert_close(one, lifter.forward_batch(replace(batch, visible=missing, joints_2d=screen)))


@pytest.mark.parametrize("mode", ["rays", "screen"])
def test_a_checkpoint_gives_the_same_lifter_back(mode: str, batch: PoseBatch, tmp_path: Path):
    lifter = taught(small(mode))
    torch.save(lifter.to_checkpoint(3), tmp_path / "last.pt")
    loaded = load_lifter(tmp_path / "last.pt").double()
    assert type(loaded) is type(lifter) and (loaded.views, loaded.input_mode, loaded.epoch) == (3, mode, 3)
    torch.testing.assert_close(loaded.forward_batch(batch), lifter.forward_batch(batch))


def test_screen_joints_are_lifted_as_their_batch_is(batch: PoseBatch):
    lifter = taught(small("screen"))
    torch.testing.assert_close(lifter.predict(batch.joints_2d), lifter.predict_batch(batch))
    every = lifter.forward_window(batch.joints_2d)
    torch.testing.assert_close(every, lifter.forward_batch(batch, every_frame=True))


def test_narrow_numbers_stay_inside_the_network(batch: PoseBatch):
    """bfloat16 has three digits: geometry computed with them would be centimetres off."""
    lifter = small().float()
    lifter.posenet.zero_output()
    cameras = Camera(*(getattr(batch.camera, part).float() for part in vars(batch.camera)))
    poses = replace(batch, joints_3d=batch.joints_3d.float(), joints_2d=batch.joints_2d.float(), camera=cameras)
    target = lifter.target(poses)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        centre, every = lifter.forward_batch(poses), lifter.forward_batch(poses, every_frame=True)
    torch.testing.assert_close(centre, target[:, 1], atol=1e-4, rtol=0)
    torch.testing.assert_close(every, target, atol=1e-4, rtol=0)


def test_what_does_not_go_together_is_refused(batch: PoseBatch):
    with pytest.raises(ValueError, match="input_mode root: choose from screen, rays"):
        ScreenLifter(build_posenet("esmformer", frames=3, **SIZES), "root")
    with pytest.raises(ValueError, match="input_mode rays needs 4"):
        RayLifter(build_posenet("esmformer", frames=3, **SIZES), "rays")
    with pytest.raises(ValueError, match="videopose has in_features 2: input_mode rays needs 4"):
        RayLifter(build_posenet("videopose"))
    with pytest.raises(ValueError, match="rays needs the poses' cameras"):
        small().forward_batch(replace(batch, camera=None))
    with pytest.raises(ValueError, match="input_mode rays: choose from"):
        ScreenLifter(build_posenet("videopose"), "rays")
    with pytest.raises(ValueError, match="esmformer has in_features 4: screen joints have 2 or 3"):
        ScreenLifter(build_posenet("esmformer", frames=3, in_features=4, **SIZES))


def _product(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Hamilton's, of quaternions wxyz."""
    w, v = first[..., :1], first[..., 1:].expand(*second.shape[:-1], 3)
    u, n = second[..., :1], second[..., 1:]
    real = w * u - (v * n).sum(-1, keepdim=True)
    return torch.cat([real, w * n + u * v + torch.linalg.cross(v, n, dim=-1)], dim=-1)
