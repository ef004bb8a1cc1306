"""Poses that move as a clip moves."""

import pytest
import torch

from augment.sources.retargeting import middle_frame, retarget
from kinematics import BONES, bone_lengths
from kinematics.limb_frames import (
    LARGEST_BEND,
    LOWER,
    UPPER,
    LimbPose,
    bends_of,
    move_limbs,
    put_together,
    take_apart,
    turn_limbs,
)

FRAMES = 9


@pytest.fixture
def clip(people_of, generator, float_dtype) -> LimbPose:
    """80 people who turn, bend and swing their limbs from frame to frame, on smooth random tracks."""
    first = take_apart(people_of(80, dtype=float_dtype).joints_world())
    frames = [first]
    for _ in range(FRAMES - 1):
        frames.append(turn_limbs(frames[-1], 0.08, generator))
    clip = LimbPose(*(torch.cat(parts, dim=1) for parts in zip(*frames, strict=True)))
    angles = torch.linspace(-0.6, 0.9, FRAMES, dtype=float_dtype)
    zero, one = torch.zeros_like(angles), torch.ones_like(angles)
    turn = torch.stack([angles.cos(), -angles.sin(), zero, angles.sin(), angles.cos(), zero, zero, zero, one], dim=-1)
    return clip._replace(pelvis=turn.view(FRAMES, 3, 3) @ clip.pelvis)


@pytest.fixture
def other(people_of, float_dtype, generator) -> LimbPose:
    """Other people in other poses, no limb so straight that the plane it bends in has to be guessed."""
    pose = turn_limbs(take_apart(people_of(80, seed=5, dtype=float_dtype).joints_world()), 0.7, generator)
    bones = pose.bones.clone()
    move_limbs(bones, torch.eye(3, dtype=float_dtype).expand(80, 1, 4, 3, 3), 0.1 * (bends_of(bones) < 0.1))
    return pose._replace(bones=bones)


def close(one: torch.Tensor, two: torch.Tensor) -> None:
    torch.testing.assert_close(one, two, atol=2e-4 if one.dtype == torch.float32 else 1e-7, rtol=0)


def angle_between(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    return torch.atan2(torch.linalg.cross(one, two, dim=-1).norm(dim=-1), (one * two).sum(-1))


def test_the_middle_frame_is_the_pose_and_bones_keep_its_lengths(clip: LimbPose, other: LimbPose):
    made = retarget(other, clip)
    for part, own in zip(middle_frame(made)[:3], other[:3], strict=True):
        close(part, own)
    assert torch.equal(made.hip, clip.hip)
    lengths = bone_lengths(put_together(made))
    close(lengths, bone_lengths(put_together(other)).expand_as(lengths))


def test_a_pose_given_its_own_motion_moves_so_again(clip: LimbPose):
    """Of shins and forearms the bend comes back; the plane it lies in is the middle frame's, carried along."""
    made = retarget(middle_frame(clip), clip)
    close(made.pelvis, clip.pelvis)
    close(made.chest, clip.chest)
    close(bends_of(made.bones), bends_of(clip.bones))
    kept = [bone for bone in range(len(BONES)) if bone not in LOWER and BONES[bone] != "thorax"]
    close(made.bones[..., kept, :], clip.bones[..., kept, :])


def test_other_poses_turn_as_far_from_frame_to_frame_as_the_clip_does(clip: LimbPose, other: LimbPose):
    made = retarget(other, clip)
    pelvis, own = (part.pelvis[:, :-1].mT @ part.pelvis[:, 1:] for part in (made, clip))
    close(pelvis.diagonal(dim1=-2, dim2=-1).sum(-1), own.diagonal(dim1=-2, dim2=-1).sum(-1))
    moved, swung = (angle_between(part.bones[:, :-1], part.bones[:, 1:])[..., UPPER] for part in (made, clip))
    assert (moved <= swung + 1e-3).all()  # less where a bone lies along the axis it is turned about
    assert moved.mean() > 0.5 * swung.mean()


def test_hinges_bend_by_as_much_or_less_where_they_would_pass_an_end(clip: LimbPose, other: LimbPose):
    start, bends = bends_of(other.bones), bends_of(retarget(other, clip).bones)
    assert (bends >= 0).all() and (bends <= LARGEST_BEND + 1e-3).all()
    asked = bends_of(clip.bones) - bends_of(middle_frame(clip).bones)
    free = ((start + asked >= 0) & (start + asked <= LARGEST_BEND)).all(dim=1, keepdim=True).expand_as(asked)
    assert 0.1 < free.double().mean() < 0.98
    close((bends - start)[free], asked[free])
    assert ((bends - start).abs() <= asked.abs() + 1e-3).all()


def test_a_clip_that_stands_still_and_a_single_frame_move_nothing(clip: LimbPose, other: LimbPose):
    still = LimbPose(*(part[:, :1].expand(-1, FRAMES, *part.shape[2:]) for part in clip))
    made = retarget(other, still)
    for part, own in zip(made[:3], other[:3], strict=True):
        close(part, own.expand_as(part))
    assert retarget(other, middle_frame(clip)) is other


def test_a_bone_that_turns_round_at_once_gives_no_nan(clip: LimbPose, other: LimbPose):
    bones = clip.bones.clone()
    bones[:, 3:] *= -1
    assert retarget(other, clip._replace(bones=bones)).bones.isfinite().all()
