"""predict --refine: bones constant, near the 2D and the lifter, smoother; what is right stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from data import load_test_set
from evaluation.predict import __main__ as predict
from evaluation.predict.refine import clips
from evaluation.predict.refine.clips import refine_pieces
from evaluation.predict.refine.fit import Window
from kinematics import BONE_JOINTS, Skeleton, bone_lengths, joint_angles_from_joints, joint_limits
from kinematics.limits import FIT_TOLERANCE_RAD
from kinematics.within_limits import LIMITED
from tests.evaluation.test_predict_camera import lifter_of
from tests.tiny_cmu import SETTINGS

BODY = Skeleton("h36m_16")


def walk(frames: int = 30) -> tuple[Tensor, Window]:
    """A walk of constant bones: true joints (T, 16, 3) m about the root, and these with their true 2D to refine."""
    recording = next(one for one in load_test_set("cmux2_a", SETTINGS) if one.action == "walk")[:frames]
    joints = torch.from_numpy(recording.views[0].joints_3d).double()
    lengths, rigid = bone_lengths(joints).mean(dim=0), list(joints.unbind(dim=1))
    for bone in sorted(range(len(BONE_JOINTS)), key=lambda bone: BONE_JOINTS[bone][1]):
        parent, child = BONE_JOINTS[bone]
        rigid[child] = rigid[parent] + lengths[bone] * normalize(joints[:, child] - joints[:, parent], dim=-1)
    placed = torch.stack(rigid, dim=1)
    about, rays = placed - placed[:, :1], placed[..., :2] / placed[..., 2:]
    time, seen = torch.arange(len(placed)), list(range(16))
    return about, Window(about, rays, torch.ones_like(rays[..., 0]), placed[:, 0], time, seen, BODY, recording.fps)


def lifted(window: Window, error_m: float, seed: int = 0) -> Window:
    """The same with a lifter's errors: of each joint in each frame."""
    generator = torch.Generator().manual_seed(seed)
    errors = error_m * torch.randn(window.lifted.shape, generator=generator, dtype=torch.float64)
    errors[:, 0] = 0
    return replace(window, lifted=window.lifted + errors)


def off_mm(joints: Tensor, target: Tensor) -> float:
    return 1000 * float((joints - target).norm(dim=-1).mean())


def test_a_body_that_is_right_stays_within_two_millimetres():
    true, window = walk()
    [(joints, root)] = refine_pieces([window])
    assert off_mm(joints, true) < 2
    assert off_mm(root, window.root) < 5


def test_bones_become_constant_and_joints_nearer_smoother_and_on_the_2d():
    true, window = walk()
    given = lifted(window, 0.05)
    [(joints, root)] = refine_pieces([given])
    assert float(bone_lengths(joints).std(dim=0).max()) < 1e-6
    assert not joints[:, 0].any()
    assert off_mm(joints, true) < 0.6 * off_mm(given.lifted, true)
    bends = [clip.diff(n=2, dim=0).norm(dim=-1).mean() for clip in (joints, given.lifted)]
    assert bends[0] < 0.2 * bends[1]
    placed = joints + root[:, None]
    on_rays = placed[..., :2] / placed[..., 2:] - window.rays
    assert off_mm(on_rays * window.root[:, None, 2:], torch.zeros(1)) < 15


def test_one_joint_far_off_in_the_2d_is_not_followed():
    true, window = walk(20)
    rays = window.rays.clone()
    rays[10, 15] += 0.2
    [(joints, _)] = refine_pieces([replace(window, rays=rays)])
    assert off_mm(joints[10, 15:], true[10, 15:]) < 20


def test_pieces_share_their_bones_and_are_not_joined_in_time():
    true, window = walk(34)
    chosen = torch.cat([torch.arange(12), torch.arange(22, 34)])
    given = lifted(window, 0.03)
    parts = refine_pieces([given[:12], given[22:]])
    joints = torch.cat([about for about, _ in parts])
    assert [len(about) for about, _ in parts] == [12, 12]
    assert float(bone_lengths(joints).std(dim=0).max()) < 1e-6
    seam, error = slice(11, 13), off_mm(joints, true[chosen])
    assert off_mm(true[11], true[22]) > 8 * error
    assert off_mm(joints[seam], true[chosen][seam]) < 3 * error


@pytest.mark.parametrize("frames", [1, 2])
def test_a_clip_may_be_a_single_frame(frames):
    true, window = walk(frames)
    [(joints, root)] = refine_pieces([lifted(window, 0.03)])
    assert joints.shape == (frames, 16, 3)
    assert root.shape == (frames, 3)
    assert off_mm(joints, true) < 40


def test_the_same_clip_is_refined_to_the_same_numbers():
    window = lifted(walk(10)[1], 0.05)
    first, second = (refine_pieces([window])[0][0] for _ in range(2))
    assert torch.equal(first, second)


def test_a_long_clip_in_windows_is_much_as_at_once(monkeypatch):
    window = lifted(walk(60)[1], 0.03)
    at_once = refine_pieces([window])[0][0]
    for name, value in (("FRAMES", 20), ("MARGIN", 10), ("RUN", 5)):
        monkeypatch.setattr(clips, name, value)
    joints = refine_pieces([window])[0][0]
    assert float(bone_lengths(joints).std(dim=0).max()) < 1e-6
    assert off_mm(joints, at_once) < 8
    steps = [clip.diff(dim=0).norm(dim=-1).amax() for clip in (joints, at_once)]
    assert steps[0] < 1.5 * steps[1], "no jump between windows"


def test_arms_and_legs_end_inside_their_limits():
    true, window = walk(12)
    knee, ankle = true[:, 2], true[:, 3]
    lifted_back = true.clone()
    lifted_back[:, 3] = knee + (ankle - knee).norm(dim=-1, keepdim=True) * normalize(
        2 * (knee - true[:, 1]) - (ankle - knee), dim=-1
    )
    blind = replace(window, lifted=lifted_back, weights=torch.zeros_like(window.weights))
    [(joints, _)] = refine_pieces([blind])
    excess = [
        joint_limits("anatomical").excess(joint_angles_from_joints(clip.double()).joint_angles)
        for clip in (lifted_back, joints)
    ]
    assert excess[0][:, LIMITED].max() > 0.1
    assert excess[1][:, LIMITED].max() < 1.01 * FIT_TOLERANCE_RAD


def test_a_standing_foot_stands_and_a_fast_one_is_left_alone():
    true, window = walk(30)
    given = lifted(window, 0.03)
    [(joints, root)] = refine_pieces([given])
    feet = [3, 6]
    speeds = {
        name: (about + place[:, None])[:, feet].diff(dim=0).norm(dim=-1) * window.fps
        for name, about, place in (
            ("true", true, window.root),
            ("given", given.lifted, window.root),
            ("refined", joints, root),
        )
    }
    stands = speeds["true"] < 0.1
    assert stands.any() and (speeds["true"] > 1).any()
    assert speeds["refined"][stands].mean() < 0.3 * speeds["given"][stands].mean()
    fast = speeds["true"] > 1
    assert 0.8 < speeds["refined"][fast].mean() / speeds["true"][fast].mean() < 1.2


@pytest.mark.parametrize("camera", ["", "--fov 60"])
def test_the_command_writes_constant_bones_and_shows_its_progress(
    camera, tmp_path, write_keypoints, walking_people, capsys
):
    torch.save(lifter_of().to_checkpoint(), tmp_path / "last.pt")
    path = write_keypoints("coco", tmp_path, walking_people(8), (1000, 800))
    line = (
        f"--checkpoint {tmp_path}/last.pt --keypoints {path} --image_size 1000 800 --film none --outputs npz {camera}"
    )
    predict.main(f"{line} --out {tmp_path}/plain --refine False".split())
    assert "refine" not in capsys.readouterr().err
    predict.main(f"{line} --out {tmp_path}/refined".split())
    assert "refine: 100%" in capsys.readouterr().err
    plain, refined = (dict(np.load(tmp_path / name / "pose.npz")) for name in ("plain", "refined"))
    assert list(plain) == list(refined) and ("root_camera" in refined) == bool(camera)
    spreads = [bone_lengths(torch.from_numpy(clip["joints_3d"])).std(dim=0).max() for clip in (plain, refined)]
    assert spreads[0] > 1e-4 and spreads[1] < 1e-6
    assert float(bone_lengths(torch.from_numpy(refined["joints_world"])).std(dim=0).max()) < 1e-5


def test_a_command_stopped_while_it_refines_writes_nothing(tmp_path, write_keypoints, walking_people, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    torch.save(lifter_of().to_checkpoint(), tmp_path / "last.pt")
    path = write_keypoints("coco", tmp_path, walking_people(3), (1000, 800))
    monkeypatch.setattr(clips, "fit_body", stop)
    line = (
        f"--checkpoint {tmp_path}/last.pt --keypoints {path} --image_size 1000 800 --out {tmp_path}/out --refine True"
    )
    with pytest.raises(KeyboardInterrupt):
        predict.main(line.split())
    assert not (tmp_path / "out").exists()
