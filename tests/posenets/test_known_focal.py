"""Known focal lengths: the lifter sees true rays, reads no more of the camera than intrinsics, and works without."""

import math
from dataclasses import replace

import pytest
import torch

from data import PoseBatch
from kinematics import Camera
from posenets import INPUT_MODES, Lifter, ScreenLifter, build_posenet, lifter_names, load_lifter
from posenets.inputs.modes import ASSUMED_FOCAL

SIZES = {
    "videopose": dict(frames=3, channels=8), "simple_baseline": dict(linear_size=8),
    "sem_gcn": dict(hid_dim=4, num_layers=1), "st_gcn": dict(hid_dim=4, num_layers=1, frames=3),
    "poseformer": dict(frames=3, embed_dim_ratio=8, depth=1), "seq2seq": dict(frames=3, width=8),
    "esmformer": dict(frames=3, views=2, channel=8, d_hid=8, smfe=(1, 1, 1), milf=(1, 1, 1), smfe_heads=3, num_heads=2),
}  # fmt: skip


def lifter_of(name: str = "simple_baseline", input_mode: str = "virtual_camera", confidence: bool = False) -> Lifter:
    torch.manual_seed(0)
    posenet = build_posenet(name, **SIZES[name], in_features=3 + confidence)
    return ScreenLifter(posenet, "screen" if name == "esmformer" else input_mode, reads_focal=True).double().eval()


def seen_poses(lifter: Lifter, generator: torch.Generator, lens: float = 1.0, count: int = 5) -> PoseBatch:
    """Random poses before random cameras, whose principal points lie off the centre. lens: how much they distort."""
    lead = (count,) if lifter.views == 1 else (count, lifter.views)
    numbers = {"generator": generator, "dtype": torch.float64}
    joints = 0.4 * torch.randn(*lead, lifter.frames, 16, 3, **numbers) + torch.tensor([0.4, -0.2, 4.0])
    intrinsics = torch.randn(*lead, 9, **numbers) * torch.tensor([0.0, 0, 0.1, 0.1, *[0.02 * lens] * 5])
    intrinsics[..., :2] = 1.2 + 2 * torch.rand(*lead, 2, **numbers)
    turn = torch.nn.functional.normalize(torch.randn(*lead, 4, **numbers), dim=-1)
    camera = Camera(turn, torch.randn(*lead, 3, **numbers), intrinsics, torch.ones(lead, dtype=torch.float64))
    return PoseBatch.of(joints, camera.project(joints), camera).with_focal_known()


def with_intrinsics(batch: PoseBatch, change: torch.Tensor, **changed: torch.Tensor) -> PoseBatch:
    assert batch.camera is not None
    return replace(batch, camera=replace(batch.camera, intrinsics=change), **changed)


@pytest.mark.parametrize("mode", INPUT_MODES)
def test_focal_length_centre_and_image_scaled_together_change_nothing(mode, generator):
    lifter = lifter_of(input_mode=mode)
    batch = seen_poses(lifter, generator)
    scale = 0.5 + torch.rand(5, 2, generator=generator, dtype=torch.float64)
    moved = torch.randn(5, 2, generator=generator, dtype=torch.float64)
    intrinsics = batch.camera.intrinsics.clone()
    intrinsics[:, :2] *= scale
    intrinsics[:, 2:4] = intrinsics[:, 2:4] * scale + moved
    other = with_intrinsics(batch, intrinsics, joints_2d=batch.joints_2d * scale[:, None, None] + moved[:, None, None])
    torch.testing.assert_close(lifter.forward_batch(other), lifter.forward_batch(batch))
    unknown = [lifter.forward_batch(replace(one, focal_known=None)) for one in (batch, other)]
    assert (unknown[0] - unknown[1]).abs().max() > 1e-3, "which a lifter that does not know cannot undo"


@pytest.mark.parametrize("mode", INPUT_MODES)
def test_the_lens_is_undone(mode, generator):
    lifter = lifter_of(input_mode=mode)
    bent = seen_poses(lifter, generator)
    pinhole = torch.cat([bent.camera.intrinsics[:, :4], torch.zeros(5, 5, dtype=torch.float64)], dim=-1)
    straight = with_intrinsics(bent, pinhole)
    straight.joints_2d = straight.camera.project(bent.joints_3d)
    assert (straight.joints_2d - bent.joints_2d).abs().max() > 1e-3
    torch.testing.assert_close(lifter.forward_batch(bent), lifter.forward_batch(straight), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", [*lifter_names(False), *lifter_names(True)])
def test_every_lifter_reads_intrinsics_where_known_and_nothing_of_depth_or_place(name, generator):
    lifter = lifter_of(name)
    batch = seen_poses(lifter, generator)
    known, unknown = lifter.predict_batch(batch), lifter.predict_batch(replace(batch, focal_known=None))
    assert (known - unknown).abs().amax((1, 2)).min() > 1e-4
    camera = batch.camera
    elsewhere = replace(camera, translation=camera.translation + 7, orientation_wxyz=camera.orientation_wxyz.flip(-1))
    hidden = replace(batch, joints_3d=torch.full_like(batch.joints_3d, math.nan), camera=elsewhere)
    assert torch.equal(lifter.predict_batch(hidden), known)
    for other in (with_intrinsics(batch, camera.intrinsics * 1.7).camera, None):
        assert torch.equal(lifter.predict_batch(replace(batch, camera=other, focal_known=None)), unknown)


@pytest.mark.parametrize("name", [*lifter_names(False), *lifter_names(True)])
def test_each_pose_of_a_batch_is_read_by_its_own_flag(name, generator):
    lifter = lifter_of(name, confidence=True)
    batch = seen_poses(lifter, generator, count=4)
    mixed = batch.with_focal_known(torch.tensor([True, False, False, True]))
    both = [lifter.forward_batch(replace(batch, focal_known=flag)) for flag in (mixed.focal_known | True, None)]
    torch.testing.assert_close(
        lifter.forward_batch(mixed), torch.stack([both[i][n] for n, i in enumerate((0, 1, 1, 0))])
    )
    parts = PoseBatch.cat([mixed[:1], replace(mixed[1:3], focal_known=None), mixed[3:]])
    torch.testing.assert_close(lifter.forward_batch(parts), lifter.forward_batch(mixed))


@pytest.mark.parametrize("mode", INPUT_MODES)
def test_of_a_known_camera_the_mirror_image_is_lifted_to_the_mirrored_pose(mode, generator):
    lifter = lifter_of(input_mode=mode)
    batch = seen_poses(lifter, generator)
    answer, mirrored = lifter.predict_batch(batch), lifter.predict_batch(batch.mirrored())
    back = mirrored[:, list(lifter.skeleton.mirror)] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(back, answer)


def test_a_camera_of_the_assumed_focal_length_is_seen_as_it_is(generator):
    lifter = lifter_of(input_mode="screen")
    batch = seen_poses(lifter, generator, lens=0.0)
    intrinsics = torch.zeros_like(batch.camera.intrinsics)
    intrinsics[:, :2] = ASSUMED_FOCAL
    torch.testing.assert_close(lifter._joints_2d(with_intrinsics(batch, intrinsics))[..., :2], batch.joints_2d)


def test_checkpoints_remember_it_and_forged_ones_are_refused(tmp_path, generator):
    lifter = lifter_of(confidence=True)
    batch = seen_poses(lifter, generator)
    content = lifter.to_checkpoint()
    torch.save(content, tmp_path / "last.pt")
    again = load_lifter(tmp_path / "last.pt").double()
    assert again.reads_focal and again.reads_confidence
    assert torch.equal(again.predict_batch(batch), lifter.predict_batch(batch))
    torch.save(content | {"reads_focal": False}, tmp_path / "forged.pt")
    with pytest.raises(ValueError, match="forged.pt does not fit together.*in_features 4: screen joints have 2 or 3"):
        load_lifter(tmp_path / "forged.pt")
    with pytest.raises(ValueError, match=r"a focal flag: expected \(\.\.\., 16, 4\): .*by_standard_camera gives it"):
        again.predict(batch.joints_2d)


def test_poses_without_cameras_cannot_be_called_known(generator):
    batch = replace(seen_poses(lifter_of(), generator), camera=None)
    with pytest.raises(ValueError, match="cameras are not known"):
        batch.with_focal_known()
