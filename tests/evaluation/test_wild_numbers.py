"""Numbers that no body and no image can be: predict writes none, whether they come from keypoints or from weights."""

import re

import numpy as np
import pytest
import torch

from evaluation import cross_domain
from evaluation.predict import __main__ as predict
from kinematics import PoseFKError
from posenets import ScreenLifter, build_posenet
from tests.tiny_cmu import ROOT

SIZE = "--image_size 1000 800"


@pytest.fixture
def lifter():
    torch.manual_seed(0)
    return ScreenLifter(build_posenet("simple_baseline", linear_size=16), "virtual_camera")


@pytest.fixture
def checkpoint(lifter, tmp_path):
    torch.save(lifter.to_checkpoint(epoch=1), tmp_path / "last.pt")
    return tmp_path / "last.pt"


def _run(checkpoint, keypoints, out, flags=SIZE):
    predict.main(
        f"--checkpoint {checkpoint} --keypoints {keypoints} --out {out} --refine False --film none {flags}".split()
    )
    return dict(np.load(out / "pose.npz"))


def _damaged(lifter, path, factor):
    """Every weight of the last layer times a factor."""
    with torch.no_grad():
        list(lifter.posenet.parameters())[-2].mul_(factor)
    torch.save(lifter.to_checkpoint(epoch=1), path)
    return path


@pytest.mark.parametrize(
    "factor, sentence",
    [
        (float("nan"), r"damaged\.pt holds NaN or infinite numbers in w2\.weight"),
        (float("inf"), r"damaged\.pt holds NaN or infinite numbers in w2\.weight"),
        (1e9, "from the root, expected at most 4 m.*Its weights are finite: look at the keypoints"),
        (1e-9, "all joints within .* of the root"),
    ],
)
def test_a_lifter_that_predicts_no_bodies_writes_nothing(
    factor, sentence, lifter, write_keypoints, walking_people, tmp_path
):
    if factor == 1e-9:
        with torch.no_grad():
            list(lifter.posenet.parameters())[-1].zero_()
    damaged = _damaged(lifter, tmp_path / "damaged.pt", factor)
    keypoints = write_keypoints("coco", tmp_path, walking_people(3))
    with pytest.raises(ValueError, match=sentence):
        _run(damaged, keypoints, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_leaves_with_code_2_and_one_sentence(lifter, write_keypoints, walking_people, tmp_path, refusal_of):
    damaged = _damaged(lifter, tmp_path / "damaged.pt", float("nan"))
    keypoints = write_keypoints("coco", tmp_path, walking_people(3))
    flags = ["--checkpoint", damaged, "--keypoints", keypoints, "--out", tmp_path / "out", *SIZE.split()]
    assert "holds NaN" in refusal_of(predict.main, [str(flag) for flag in flags])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("odd", [np.inf, -np.inf, 1e30, 1e300, -1e9, 1e4])
@pytest.mark.parametrize("name", ["coco", "openpose", "npy", "videopose3d", "csv"])
def test_a_keypoint_in_no_image_is_named_with_its_frame_and_not_used(
    name, odd, checkpoint, walking_people, write_keypoints, tmp_path, capsys
):
    frames = walking_people(6)
    frames[4][0][9, 0] = odd  # the left wrist, which every layout has
    keypoints = write_keypoints(name, tmp_path, frames)
    flags = f"{SIZE} --layout {'body_25' if name == 'openpose' else 'coco_17'}"
    try:
        scores = _run(checkpoint, keypoints, tmp_path / "out", flags)["scores"]
    except (ValueError, PoseFKError) as error:
        said = str(error)
        assert not (tmp_path / "out").exists()
    else:  # that person is left out of that frame, which is interpolated
        said = capsys.readouterr().out
        assert not scores[4].any() and scores[[3, 5]].all()
    at = r"(video_0+4_keypoints.json, entry 0|frame 4)" if name == "openpose" else "(frame|entry|row) 4"
    assert re.search(rf"{at} has (keypoint \d+|LWrist|left_wrist) at", said), said


@pytest.mark.parametrize("score", [np.inf, 1e30, 1e300])
def test_a_score_that_no_detector_gives_is_named_and_not_used(
    score, checkpoint, walking_people, write_keypoints, tmp_path, capsys
):
    frames = walking_people(3)
    frames[1][0][9, 2] = score
    scores = _run(checkpoint, write_keypoints("coco", tmp_path, frames), tmp_path / "out")["scores"]
    assert re.search("entry 1 has a score of .*, expected at most 1000", capsys.readouterr().out)
    assert not scores[1].any() and scores[[0, 2]].all()


def test_scores_in_percent_are_read_as_percent(checkpoint, walking_people, write_keypoints, tmp_path, capsys):
    scores = []
    for name, factor in (("parts", 1), ("percent", 100)):
        (folder := tmp_path / name).mkdir()
        frames = walking_people(3)
        for people in frames:
            people[0][:, 2] *= factor
        scores.append(_run(checkpoint, write_keypoints("coco", folder, frames), folder / "out")["scores"])
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
    assert "are taken for percent" in capsys.readouterr().out


@pytest.mark.parametrize("jitter", [0.0, 0.4])
def test_frames_with_all_joints_at_one_point_are_missing_and_counted(
    jitter, checkpoint, walking_people, write_keypoints, tmp_path, capsys
):
    frames, draw = walking_people(30), np.random.default_rng(0)
    for number in (7, 15):
        frames[number][0][:, :2] = 333 + jitter * draw.normal(size=(17, 2))
    found = _run(checkpoint, write_keypoints("coco", tmp_path, frames), tmp_path / "out")
    assert "2 detections have nearly all keypoints at one point" in capsys.readouterr().out
    assert not found["scores"][[7, 15]].any() and found["scores"][[6, 8, 14, 16]].all() and len(found["frames"]) == 30
    for people in frames:
        people[0][:, :2] = 100 + jitter * draw.normal(size=(17, 2))
    with pytest.raises(PoseFKError, match="keypoints of everybody at one point, in 30 frames"):
        _run(checkpoint, write_keypoints("coco", tmp_path, frames), tmp_path / "all")


def test_somebody_far_away_is_no_point(checkpoint, walking_people, write_keypoints, tmp_path, capsys):
    frames = walking_people(3)
    for people in frames:
        people[0][:, :2] = people[0][:, :2] * 0.08 + 400  # 16 pixels tall
    assert len(_run(checkpoint, write_keypoints("coco", tmp_path, frames), tmp_path / "out")["frames"]) == 3
    assert "one point" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["coco", "alphapose", "mmpose", "openpose", "npy", "csv"])
def test_scores_that_are_all_0_are_told(name, checkpoint, walking_people, write_keypoints, tmp_path):
    frames = walking_people(4)
    for people in frames:
        people[0][:, 2] = 0
    keypoints = write_keypoints(name, tmp_path, frames)
    layout = "--layout coco_17" if name in ("npy", "csv") else ""
    with pytest.raises(PoseFKError, match="all scores are 0, which is what a keypoint has that was not found"):
        _run(checkpoint, keypoints, tmp_path / "out", f"{SIZE} {layout}")


@pytest.mark.parametrize("about, sentence", [({"fps": float("nan")}, "nan frames a second"), ({"fps": 1e9}, "frames a"),
                                             ({"w": 10**7, "h": 5}, "an image of 1e.07 x 5 pixels")])  # fmt: skip
def test_rates_and_sizes_in_a_file_are_checked(about, sentence, checkpoint, walking_people, tmp_path):
    pixels = np.stack([people[0] for people in walking_people(4)])
    metadata = {"layout_name": "coco", "video_metadata": {"clip": {"w": 1000, "h": 800, "fps": 25} | about}}
    np.savez(
        tmp_path / "v.npz", positions_2d=np.array({"clip": {"custom": [pixels]}}, object),
        metadata=np.array(metadata, object),
    )  # fmt: skip
    with pytest.raises(ValueError, match=sentence):
        _run(checkpoint, tmp_path / "v.npz", tmp_path / "out", "")


@pytest.mark.parametrize(
    "flags, sentence", [("--fps 1e9", "--fps is 1e.09, expected 0.1 to 1000"), ("--fps nan", "--fps is nan"),
                        ("--image_size 1000000 5", "--image_size is .1000000, 5.")],
)  # fmt: skip
def test_flags_are_held_to_the_same_bounds(flags, sentence, checkpoint, tmp_path):
    with pytest.raises(PoseFKError, match=sentence):
        _run(checkpoint, tmp_path / "none.json", tmp_path / "out", flags)


@pytest.mark.parametrize("factor", [float("nan"), 1e9, 1e30])
def test_cross_domain_scores_no_lifter_that_has_diverged(factor, lifter, tmp_path):
    damaged = _damaged(lifter, tmp_path / "damaged.pt", factor)
    out = tmp_path / "out.json"
    with pytest.raises(ValueError, match="holds NaN or infinite|The predictions reach .* m from the root"):
        cross_domain.main(f"--checkpoint {damaged} --data_root {ROOT} --test_sets cmux2_a --json {out}".split())
    assert not out.exists()
