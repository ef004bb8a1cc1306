"""What fuzzing has found, the least change that shows it: a result, or a sentence with these words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.containers import container_of

LONG = "x" * 700
AIST_3D = "aist_plusplus/keypoints3d/gHO_sBM_cAll_d03_mHO5_ch01.pkl"
GT_2D, PHONE = "data_2d_humaneva15_gt.npz", "3dpw/sequenceFiles/test/a_00.pkl"


def _video(**about: Any) -> Callable[[Any], object]:
    return lambda held: held["metadata"]["video_metadata"]["clip.mp4"].update(about)


def _put(value: float, *keys: Any) -> Callable[[Any], object]:
    """Into the first number of an array."""

    def change(held: Any) -> None:
        for key in keys:
            held = held[key]
        held[(0,) * held.ndim] = value

    return change


# target, file, change of what it holds (bytes of a text), words of the sentence ("": any, or a result)
FOUND: dict[str, tuple[str, str, Callable[[Any], object], str]] = {
    "a width that is no number": ("keypoints", "video.npz", _video(w=LONG), "not a table of numbers"),
    "a rate that is no number": ("keypoints", "video.npz", _video(fps=LONG), "not a table of numbers"),
    "a width without end": ("keypoints", "video.npz", _video(w=2**63), "whole one of at most 2^53"),
    "actions that are a list": (
        "keypoints", "video.npz", lambda held: held["positions_2d"].update({"clip.mp4": ["abc"]}), "0 "
    ),
    "a keypoint of many words": (
        "keypoints", "coco.json", lambda held: held[0]["keypoints"].__setitem__(0, LONG), ""
    ),
    "a score that overflows": ("keypoints", "video.npy", _put(1.7e308), ""),
    "a detector's key without end": (
        "detector_noise", "noise.json", lambda held: held.update({LONG: 1}), "missed_radiu..."
    ),
    "a detector's word for a number": ("detector_noise", "noise.json", lambda held: held.update(fps=LONG), "convert"),
    "too many of a detector's numbers": (
        "detector_noise", "noise.json", lambda held: held.update(sd=[0.025] * 99), "expected 16 numbers"
    ),
    "NaN in projected 2D": ("humaneva", GT_2D, _put(np.nan, "positions_2d", "Train/S1", "Walking 1 chunk0", 0), ""),
    "infinity in single poses": (
        "three_dpw", "test_set/test_3dpw.npz", lambda held: held["pose3d"].fill(np.inf), "thighs of nan"
    ),
    "a far joint": ("three_dpw", PHONE, _put(1e300, "jointPositions", 0), "has the number 1e+300"),
    "an infinite dancer": ("aist", AIST_3D, _put(np.inf, "keypoints3d_optim"), ""),
    "a dancer whose name is a path": (
        "aist", "aist_plusplus/splits/pose_test.txt", lambda text: b"../" * 99 + text, "expected names of sequences"
    ),
    "an axis that is no axis": (
        "capture", "loose/02_01.bvh", lambda text: text.replace(b"Xrotation", b"\xdfrotation", 1), "expected Xposition"
    ),
    "a number of many words": (
        "capture", "loose/02_01.bvh", lambda text: text.replace(b"Time: ", b"Time: x" + LONG.encode()), "not convert"
    ),
    "sides that are one number": (
        "h36m", "data_2d_h36m_cpn.npz", lambda held: held["metadata"].update(keypoints_symmetry=np.array(6)), ""
    ),
    "people that are one number": (
        "three_dpw", PHONE, lambda held: held.update(jointPositions=np.array(6)), "of 0, "
    ),
    "cameras that are one number": (
        "humaneva", GT_2D, lambda held: held["positions_2d"]["Train/S1"].update({"Walking 1 chunk0": np.array(6)}),
        "for each of 3 cameras",
    ),
    "a weight beyond float32": ("lifters", "original.bin", lambda held: _beyond(held["model_pos"]), "infinite numbers"),
}  # fmt: skip


def _beyond(weights: dict[str, Any]) -> None:
    name = next(iter(weights))
    weights[name] = weights[name].double() * 1e300


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_ends_in_a_result_or_in_one_sentence(name: str, tmp_path: Path):
    target, file, change, words = FOUND[name]
    campaign = Campaign(target, 0, tmp_path)
    raw = campaign.files[file]
    container = container_of(file, raw)
    if container is None:
        changed = change(raw)
        assert isinstance(changed, bytes)
    else:
        held = container.decode(raw)
        change(held)
        changed = container.encode(held)
    assert changed != raw
    verdict = campaign.judge(bytes([list(campaign.files).index(file)]) + changed)
    assert not verdict.is_finding and words in verdict.words, verdict
