"""pose.npz read again: the same clip, or one sentence."""

from dataclasses import fields, replace

import numpy as np
import pytest

from evaluation.predict.files.arrays import write_npz
from evaluation.predict.files.reading import load_clip, load_clips
from kinematics import PoseFKError
from tests.lifted_clips import made_clip


@pytest.mark.parametrize("camera", [False, True])
@pytest.mark.parametrize("layout", ["h36m_16", "h36m_17"])
def test_a_written_clip_is_read_as_it_was(layout, camera, tmp_path):
    clip = made_clip(layout=layout, first=30, cut=5, camera=camera)
    if camera:
        clip = replace(clip, joints_sd=np.abs(clip.joints_3d))
    write_npz(clip, tmp_path)
    (read,) = load_clips(tmp_path).values()
    for entry in fields(clip):
        before, after = getattr(clip, entry.name), getattr(read, entry.name)
        assert np.array_equal(before, after) if isinstance(before, np.ndarray) else before == after, entry.name


def test_people_come_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 2, 1):
        (tmp_path / f"person_{number}").mkdir()
        write_npz(made_clip(seed=number), tmp_path / f"person_{number}")
    (tmp_path / "person_3").mkdir()  # left out by the command
    assert list(load_clips(tmp_path)) == ["person_1", "person_2", "person_10"]


def test_a_folder_without_lifted_poses_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(PoseFKError, match="has no pose.npz, nor a folder person_1 .*evaluation.predict"):
        load_clips(tmp_path)
    with pytest.raises(PoseFKError, match="nowhere is no folder"):
        load_clips(tmp_path / "nowhere")


def _write(path, **changed):
    write_npz(made_clip(cut=5, camera=True), path)
    with np.load(path / "pose.npz") as file:
        arrays = {name: file[name] for name in file.files} | changed
    np.savez(path / "pose.npz", **{name: array for name, array in arrays.items() if array is not None})
    return path / "pose.npz"


CLIP = made_clip(cut=5, camera=True)
WRONG = {
    "no world": ({"joints_world": None}, "nothing for 'joints_world', expected"),
    "another number of frames": ({"scores": CLIP.scores[1:]}, "'scores', expected"),
    "no such layout": ({"skeleton": np.array("h36m_61")}, "does not fit this version: .*h36m_61.*Perhaps"),
    "joints of another layout": ({"skeleton": np.array("h36m_17")}, "'joints_3d', expected"),
    "joints in another order": ({"joint_names": np.array(CLIP.skeleton.joints[::-1])}, "joint_names are not those"),
    "not finite": ({"joints_world": np.where(CLIP.joints_world > 2, np.nan, CLIP.joints_world)}, "expected finite"),
    "a giant": ({"joints_3d": 100 * CLIP.joints_3d}, "from the root, expected at most"),
    "pixels of no image": ({"joints_2d": 1e5 * CLIP.joints_2d}, "pixels, expected at most"),
    "scores that are none": ({"scores": np.nan * CLIP.scores}, "scores are not all finite"),
    "less spread than none": ({"joints_sd": -np.ones_like(CLIP.joints_3d)}, "joints_sd are not all finite .* or more"),
    "an impossible rate": ({"fps": np.array(0.0)}, "0 frames a second"),
    "an impossible image": ({"image_size": np.array([640, 0])}, "image of 640 x 0 pixels"),
    "frames backwards": ({"frames": CLIP.frames[::-1]}, "frames do not follow"),
    "a piece left out": ({"pieces": 2 * CLIP.pieces}, "pieces are not 0, 1"),
    "objects": ({"frames": np.array([{}, []], dtype=object)}, "for 'frames', expected"),
}


@pytest.mark.parametrize("changed, words", WRONG.values(), ids=WRONG)
def test_what_no_lifted_clip_has_is_one_sentence_that_names_the_file(changed, words, tmp_path):
    path = _write(tmp_path, **changed)
    with pytest.raises(ValueError, match=words) as refusal:
        load_clip(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_damaged_file_is_one_sentence(tmp_path):
    path = _write(tmp_path)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ValueError, match="pose.npz"):
        load_clip(path)
