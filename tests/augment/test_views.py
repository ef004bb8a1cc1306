"""Synthetic poses of several views: the rigs, the poses they see, and what the critics are shown of them."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from augment import Augmenter
from augment.cameras import WideCameraRanges, wide_rigs
from augment.reference import ReferencePoses
from augment.rigs import random_views
from augment.settings import RECIPES, AugmentSettings, GanSettings, Mixture
from augment.visible import VisibleSample, is_visible, project_to_batch, replace_blind_cameras
from data.batch import SYNTHETIC, PoseBatch
from data.multiview.dataset import MultiViewDataset
from data.recordings import Recording
from kinematics import Camera
from kinematics.triangulation import triangulate

SMALL_GAN = {"generator_width": 16, "critic_width_3d": 16, "critic_width_2d": 16, "generator_every": 2}
ALL = AugmentSettings(
    mixture=Mixture(gan=1.0, angle_swap=1.0, limb_swap=1.0, range_of_motion=1.0, clipped_normal=1.0, real=1.0),
    gan=GanSettings(**SMALL_GAN, motion_critic_width=16),
)
DH_AUG = replace(RECIPES["dh-aug"], gan=replace(RECIPES["dh-aug"].gan, **SMALL_GAN, motion_critic_width=16))
Motion, Rigged = Callable[..., Recording], Callable[..., PoseBatch]
TIGHT = WideCameraRanges(focal=(2.0, 3.0), distance=(1.0, 3.0))


def azimuths(camera: Camera) -> torch.Tensor:
    return torch.atan2(camera.translation[..., 1], camera.translation[..., 0])


@pytest.mark.parametrize("views", [2, 3, 4, 8, 12])
def test_cameras_of_a_rig_stand_apart_all_round_and_in_no_order(views: int, generator: torch.Generator):
    camera = wide_rigs(torch.zeros(3000, 3), views, generator)
    around = azimuths(camera).sort(dim=1).values
    gaps = torch.cat([around.diff(dim=1), around[:, :1] + 2 * math.pi - around[:, -1:]], dim=1)
    least = min(math.radians(30), math.radians(240) / views)
    assert least - 1e-4 < gaps.min() < least + 0.05
    for view in (0, views - 1):
        assert torch.histc(azimuths(camera)[:, view], bins=6, min=-math.pi, max=math.pi).min() > 430  # of 500
    after = (azimuths(camera) - azimuths(camera)[:, :1]).remainder(2 * math.pi)
    is_next = (after[:, 1:].argmin(dim=1) == 0).float().mean()
    assert abs(is_next - 1 / (views - 1)) < 0.04


def test_cameras_of_a_rig_are_wide_cameras_half_with_one_lens(generator: torch.Generator, float_dtype: torch.dtype):
    root = torch.randn(2000, 3, generator=generator, dtype=float_dtype)
    camera = wide_rigs(root, 4, generator)
    focal, level = camera.intrinsics[..., 0], (camera.translation - root[:, None])[..., :2].norm(dim=-1)
    assert focal.dtype == float_dtype and camera.aspect.shape == (2000, 4)
    assert 1.2 <= focal.min() < 1.25 and 2.9 < focal.max() <= 3.0
    assert 2 - 1e-5 < level.min() < 2.1 and 7.9 < level.max() < 8 + 1e-5
    assert 0.2 <= camera.translation[..., 2].min() and camera.translation[..., 2].max() <= 3.0
    spread = level.amax(dim=1) - level.amin(dim=1)
    assert spread.min() > 0 and (focal == focal[:, :1]).all(dim=1).float().mean() == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("views, frames", [(4, 1), (2, 3)])
@pytest.mark.parametrize("settings", [ALL, replace(ALL, cameras="dataset"), DH_AUG], ids=["wide", "dataset", "dh-aug"])
def test_all_views_of_a_sample_are_photographs_of_one_pose(
    settings: AugmentSettings, views: int, frames: int, rigged: Rigged
):
    augmenter = Augmenter(settings, rigged(views, frames))
    batch = augmenter.sample(61).check()
    assert batch.camera is not None and batch.camera.translation.shape == (61, views, 3)
    assert batch.joints_2d.shape == (61, views, frames, 16, 2) and (batch.source == SYNTHETIC).all()
    torch.testing.assert_close(batch.camera.project(batch.joints_3d), batch.joints_2d)
    assert (batch.joints_3d[..., 2] >= 0.5).all() and (batch.joints_2d.abs() <= 1).all() and batch.visible.all()
    found = triangulate(batch.joints_2d.double(), batch.camera.to(torch.float64))
    world = batch.joints_world()
    torch.testing.assert_close(world, found[:, None].expand_as(world).float(), atol=1e-3, rtol=0)
    assert set(augmenter.acceptance) == set(settings.mixture.shares())


def test_samples_of_several_views_repeat_with_the_seed(rigged: Rigged):
    augmenter = Augmenter(ALL, rigged(3))
    first, second, third = (augmenter.sample(40, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.joints_2d, second.joints_2d) and not torch.equal(first.joints_2d, third.joints_2d)


def test_rigs_of_the_data_come_whole(rigged: Rigged):
    real = rigged(3)
    settings = replace(ALL, mixture=Mixture(limb_swap=1.0), cameras="dataset")
    rigs = Augmenter(settings, real).sample(50).camera.translation.flatten(1)
    assert len(rigs.unique(dim=0)) > 30
    assert (rigs[:, None] == real.camera.translation.flatten(1)).all(dim=-1).any(dim=1).all()
    published = replace(settings, one_camera_per_batch=True, keep_in_image=False, near=-1e9)
    assert len(Augmenter(published, real).sample(50).camera.translation.flatten(1).unique(dim=0)) == 1


def test_a_data_set_of_several_views_gives_its_rigs(motion: Motion, generator: torch.Generator):
    data = MultiViewDataset.from_recordings([motion(12, 0, 4), motion(12, 1, 2)], frames=3)
    reference = ReferencePoses.from_data(data, 1000, generator)
    whole = data.all()[data.present.all(dim=1)]
    assert reference.views == 4 and 0 < len(whole) == len(reference) < len(data)
    torch.testing.assert_close(reference.joints_world, whole.joints_world()[:, 0])
    torch.testing.assert_close(reference.camera.translation, whole.camera.translation)
    assert len(ReferencePoses.from_data(data, 3, generator)) <= 3


def hidden(batch: PoseBatch, rows: slice, views: list[int], frames: slice = slice(None)) -> PoseBatch:
    """The batch with views missing, and nonsense where they were."""
    visible, joints_3d = batch.visible.clone(), batch.joints_3d.clone()
    for view in views:
        visible[rows, view, frames], joints_3d[rows, view, frames] = False, 77.0
    return replace(batch, visible=visible, joints_3d=joints_3d)


def test_poses_with_missing_views_stay_out_of_the_reference(rigged: Rigged, generator: torch.Generator):
    real = rigged(4)
    reference = ReferencePoses.from_data(hidden(real, slice(0, 150), [0, 2]), 1000, generator)
    torch.testing.assert_close(reference.joints_world, real.joints_world()[150:, 0])
    assert torch.equal(reference.camera.translation, real.camera.translation[150:])


def test_where_no_pose_is_complete_present_cameras_stand_in(rigged: Rigged, generator: torch.Generator):
    real = rigged(4, frames=3)
    gaps = hidden(hidden(real, slice(None), [0, 2]), slice(0, 150), [3])  # of the first 150 one view is left
    reference = ReferencePoses.from_data(gaps, 1000, generator)
    assert torch.equal(reference.camera.translation, real.camera.translation[150:][:, [1, 1, 1, 3]]) or torch.equal(
        reference.camera.translation, real.camera.translation[150:][:, [1, 1, 3, 3]]
    )
    torch.testing.assert_close(reference.joints_world, real.joints_world()[150:, 1], atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match="None of 200 real poses was seen by two cameras or more"):
        ReferencePoses.from_data(hidden(real, slice(None), [0, 1, 3]), 1000, generator)


def test_a_view_that_lacks_some_frames_gives_its_camera_and_others_the_joints(
    rigged: Rigged, generator: torch.Generator
):
    real = rigged(2, frames=3)
    reference = ReferencePoses.from_data(hidden(real, slice(None), [0], slice(0, 2)), 1000, generator)
    torch.testing.assert_close(reference.joints_world, real.joints_world()[:, 1], atol=1e-4, rtol=0)
    assert torch.equal(reference.camera.translation, real.camera.translation)
    nobody = hidden(real, slice(0, 20), [0, 1], slice(1, 2))  # frames that no camera has
    assert len(ReferencePoses.from_data(nobody, 1000, generator)) == 180


def test_a_pose_that_one_view_cannot_take_is_not_kept(people: PoseBatch, generator: torch.Generator):
    joints = people.joints_world()

    sample = VisibleSample(60, tries=40)
    for size in sample.sizes():
        chosen = joints[torch.randint(len(joints), (size,), generator=generator)]
        batch = project_to_batch(chosen, wide_rigs(chosen[:, 0, 0], 3, generator, TIGHT))
        sample.add(batch, is_visible(batch))
    batch = sample.poses()
    assert 0 < len(batch) <= 60 and sample.accepted / sample.drawn < 0.6
    assert is_visible(batch).all() and (batch.joints_2d.abs() <= 1).all()


def test_only_cameras_that_fail_are_drawn_anew_in_their_directions(rigged: Rigged):
    settings = replace(ALL, mixture=Mixture(real=1.0), wide=TIGHT)
    joints, random = rigged(4).joints_world()[:, 0], torch.Generator().manual_seed(0)
    camera = wide_rigs(joints[:, 0, 0], 4, random, TIGHT)
    better = replace_blind_cameras(joints, camera, random, settings)
    bad = ~is_visible(project_to_batch(joints, camera).one_by_one()).reshape(200, 4)
    still = ~is_visible(project_to_batch(joints, better).one_by_one()).reshape(200, 4)
    assert bad.sum() > 100 and not (still & ~bad).any() and still.sum() < 0.5 * bad.sum()
    same = (camera.translation == better.translation).all(dim=-1)
    assert same[~bad].all() and not same[bad].any()
    assert torch.equal(camera.intrinsics, better.intrinsics)
    hips = joints[:, None, 0, 0]
    apart, then = ((own.translation - hips)[..., :2] for own in (camera, better))
    torch.testing.assert_close(
        torch.nn.functional.normalize(apart, dim=-1), torch.nn.functional.normalize(then, dim=-1)
    )


def test_replacing_blind_cameras_keeps_more_poses(rigged: Rigged, monkeypatch: pytest.MonkeyPatch):
    settings = replace(ALL, mixture=Mixture(real=1.0), wide=replace(TIGHT, distance=(1.0, 4.0)))
    plain, helped = (Augmenter(settings, rigged(4)) for _ in range(2))
    helped.sample(200)
    monkeypatch.setattr("augment.augmenter.replace_blind_cameras", lambda joints, camera, *_: camera)
    plain.sample(200)
    assert helped.acceptance["real"] > plain.acceptance["real"] + 0.3


def test_one_view_of_each_pose(rigged: Rigged):
    real = rigged(3)
    index = torch.arange(len(real)) % 3
    one = real.one_view(index)
    assert one.views is None and one.camera is not None
    for row in (0, 1, 2, 7):
        assert torch.equal(one.joints_2d[row], real.joints_2d[row, row % 3])
        assert torch.equal(one.camera.translation[row], real.camera.translation[row, row % 3])
    with pytest.raises(ValueError, match="seen by one camera"):
        one.one_view(index)


def test_critics_look_at_any_view_that_is_there(rigged: Rigged, generator: torch.Generator):
    real = rigged(4, frames=2)
    chosen = torch.stack([random_views(real, generator) for _ in range(20)])
    assert torch.bincount(chosen.flatten(), minlength=4).min() > 800  # of 1,000
    missing = hidden(hidden(real, slice(None), [1]), slice(None), [2], slice(0, 1))  # 2 lacks a frame
    chosen = torch.stack([random_views(missing, generator) for _ in range(20)])
    assert set(chosen.flatten().tolist()) == {0, 3}


@pytest.mark.parametrize("frames", [1, 5])
@pytest.mark.parametrize("settings", [ALL, DH_AUG], ids=["all sources", "dh-aug"])
def test_the_gan_learns_from_batches_of_several_views(settings: AugmentSettings, frames: int, rigged: Rigged):
    real = hidden(rigged(3, frames), slice(0, 100), [1])
    augmenter = Augmenter(settings, real)
    gan = augmenter.sources["gan"]
    before = {name: [p.detach().clone() for p in net.parameters()] for name, net in gan.critics.items()}
    before["generator"] = [p.detach().clone() for p in gan.pose_generator.parameters()]
    losses = [augmenter.update(real[:64]) for _ in range(2)]
    assert all(math.isfinite(value) for each in losses for value in each.values())
    for name, net in {**gan.critics, "generator": gan.pose_generator}.items():
        assert any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True)), name
    again = Augmenter(settings, real)
    assert [again.update(real[:64]) for _ in range(2)] == losses


def test_fakes_are_shown_by_one_camera_of_their_rig(rigged: Rigged):
    augmenter = Augmenter(DH_AUG, rigged(3))
    joints, camera = augmenter.sources["gan"].fakes(300)
    assert joints.shape == (300, 1, 16, 3) and camera.translation.shape == (300, 3)
    assert len(camera.translation.unique(dim=0)) == 3  # dh-aug: one rig for all, and its three cameras
