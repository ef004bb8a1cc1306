"""Keypoint files: each format is written from its description and read back; bad files are one sentence."""

import contextlib
import copy
import json

import numpy as np
import pytest

from data.keypoints.formats import FORMATS, Hints, read_keypoints
from kinematics import PoseFKError, Skeleton

SIZE = (1000, 800)
ONE_PERSON = ("videopose3d", "csv")
COCO = Skeleton("coco_17")
OF_FRAMES = ("coco", "alphapose", "mmpose", "openpose", "mediapipe", "openpifpaf", "ultralytics", "json")


def _read(path, name="auto", **hints):
    return read_keypoints(path, Hints(**hints, format=name))


def _hints(name):
    """What these files do not say themselves."""
    return {"layout": "coco_17"} if name in ("npy", "csv") else {"size": SIZE} if name == "mediapipe" else {}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_back_what_was_written(name, write_keypoints, walking_people, tmp_path):
    frames = walking_people(4, [(300, 500)] if name in ONE_PERSON else [(300, 500), (700, 600)])
    clip = _read(write_keypoints(name, tmp_path, frames, SIZE), **_hints(name))
    assert list(clip.frames) == [0, 1, 2, 3]
    for people, written in zip(clip.frames.values(), frames, strict=True):
        assert len(people) == len(written)
        for person, wanted in zip(people, written, strict=True):
            index = [clip.layout.joints.index(joint) for joint in COCO.joints]
            np.testing.assert_allclose(person.keypoints[index], wanted[:, :2], atol=1e-6)
            np.testing.assert_allclose(person.scores[index], wanted[:, 2], atol=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_found_is_the_format_named(name, write_keypoints, walking_people, tmp_path):
    path = write_keypoints(name, tmp_path, walking_people(2), SIZE)
    found, named = _read(path, **_hints(name)), _read(path, name, **_hints(name))
    assert found.layout == named.layout and list(found.frames) == list(named.frames)
    for one, other in zip(found.frames[0], named.frames[0], strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)


@pytest.mark.parametrize("name", OF_FRAMES)
def test_frames_without_anybody_stay_empty(name, write_keypoints, walking_people, tmp_path):
    frames = walking_people(5)
    frames[2] = []
    clip = _read(write_keypoints(name, tmp_path, frames, SIZE), **_hints(name))
    assert [number for number, people in clip.frames.items() if people] == [0, 1, 3, 4] and clip.step == 1


def test_a_keypoint_with_score_0_is_missing(write_keypoints, walking_people, tmp_path):
    frames = walking_people(1)
    frames[0][0][9] = 0, 0, 0
    for name in ("coco", "mmpose", "openpose"):
        clip = _read(write_keypoints(name, tmp_path, frames))
        person = clip.frames[0][0]
        wrist = clip.layout.joints.index("LWrist")
        assert np.isnan(person.keypoints[wrist]).all() and person.scores[wrist] == 0
        assert not np.isnan(person.keypoints[clip.layout.joints.index("RWrist")]).any()


@pytest.mark.parametrize("joints, layout", [(26, "halpe_26"), (136, "halpe_26"), (133, "coco_17"), (17, "coco_17")])
def test_hands_and_faces_of_whole_bodies_are_left_out(joints, layout, tmp_path):
    rows = np.arange(3 * joints).reshape(joints, 3) % [1e6, 1e6, 1] + 1.0
    people = [{"image_id": f"{i}.png", "category_id": 1, "keypoints": rows.ravel().tolist()} for i in range(2)]
    (tmp_path / "video.json").write_text(json.dumps(people))
    clip = _read(tmp_path / "video.json")
    assert clip.layout.name == layout
    np.testing.assert_array_equal(clip.frames[1][0].keypoints, rows[: clip.layout.num_joints, :2])


def test_tracks_of_files_are_kept(tmp_path):
    flat, points = [1.0] * 51, [[1.0, 2.0]] * 17
    alphapose = [{"image_id": "0.jpg", "keypoints": flat, "idx": idx} for idx in ([3.0], 4)]
    mmpose = [
        {"frame_id": 0, "instances": [{"keypoints": points, "track_id": 3}, {"keypoints": points, "track_id": 4}]}
    ]
    openpose = {"people": [{"pose_keypoints_2d": [1.0] * 75, "person_id": [i]} for i in (3, 4)]}
    for content in (alphapose, mmpose, openpose):
        (tmp_path / "video.json").write_text(json.dumps(content))
        assert [person.track for person in _read(tmp_path / "video.json").frames[0]] == [3, 4]


def test_mmpose_files_of_all_kinds(tmp_path, walking_people, write_keypoints):
    listed = json.loads(write_keypoints("mmpose", tmp_path, walking_people(2)).read_text())
    kinds = {
        "coco_17": {"meta_info": {"dataset_name": "coco"}, "instance_info": listed},
        "h36m_17": {"meta_info": {"dataset_name": "h36m"}, "instance_info": listed},
    }
    for layout, content in kinds.items():
        (tmp_path / "demo.json").write_text(json.dumps(content))
        assert _read(tmp_path / "demo.json", check_bodies=False).layout.name == layout
    (tmp_path / "demo.json").write_text(json.dumps(listed[1]["instances"]))  # the predictions of an image
    assert list(_read(tmp_path / "demo.json").frames) == [0]
    (tmp_path / "demo.json").write_text(json.dumps({"predictions": [frame["instances"] for frame in listed]}))
    assert list(_read(tmp_path / "demo.json").frames) == [0, 1]


def test_image_sizes_come_from_annotations(tmp_path, write_keypoints, walking_people):
    path = write_keypoints("coco", tmp_path, walking_people(3))
    images = [{"id": i, "width": 640, "height": 480} for i in range(4)]
    (tmp_path / "images.json").write_text(json.dumps({"images": images}))
    assert _read(path).size is None
    clip = _read(path, annotations=tmp_path / "images.json")
    assert clip.size == (640, 480) and list(clip.frames) == [0, 1, 2, 3]
    people = [{**person, "keypoints": [5, 5, 2, 5, 5, 1] + [0] * 45} for person in json.loads(path.read_text())]
    (tmp_path / "images.json").write_text(json.dumps({"images": images, "annotations": people}))
    clip = _read(tmp_path / "images.json")
    np.testing.assert_array_equal(clip.frames[0][0].scores[:3], [1, 0.5, 0])  # seen, hidden, not there


def test_image_names_number_frames_or_order_them(tmp_path):
    for names, numbers in ((["a_10.jpg", "a_9.jpg"], [9, 10]), (["b.jpg", "a.jpg"], [0, 1]), (["0_7.jpg"], [7])):
        people = [{"image_id": name, "keypoints": [1.0] * 51} for name in names]
        (tmp_path / "video.json").write_text(json.dumps(people))
        assert list(_read(tmp_path / "video.json").frames) == numbers


def test_every_nth_frame_is_a_clip_of_its_own_rate(tmp_path):
    people = [{"image_id": i, "keypoints": [1.0] * 51} for i in (10, 15, 20, 30)]
    (tmp_path / "video.json").write_text(json.dumps(people))
    assert _read(tmp_path / "video.json").step == 5


def test_a_csv_may_have_names_and_frame_numbers_and_holes(tmp_path):
    (tmp_path / "v.csv").write_text(
        "Frame," + ",".join(f"c{i}" for i in range(32)) + "\n7," + ",".join("3" * 31) + ",\n"
    )
    clip = _read(tmp_path / "v.csv")
    assert clip.layout.name == "h36m_16" and list(clip.frames) == [7]
    assert np.isnan(clip.frames[7][0].keypoints[15]).all() and clip.frames[7][0].scores.sum() == 15


def test_mediapipe_results_of_several_shapes(tmp_path, write_keypoints, walking_people):
    person = json.loads(write_keypoints("mediapipe", tmp_path, walking_people(1), SIZE).read_text())[0][0]
    wanted = None
    for content in (
        [person],
        [[person]],
        [{"poseLandmarks": person}],
        [{"pose_landmarks": {"landmark": person}}],
        [{"landmarks": [person], "worldLandmarks": []}],
        [[[point["x"], point["y"], point["z"], point["visibility"]] for point in person]],
        {"frames": [person], "width": 1000, "height": 800, "fps": 24},
    ):
        (tmp_path / "video.json").write_text(json.dumps(content))
        found = _read(tmp_path / "video.json", size=SIZE).frames[0][0].keypoints
        wanted = found if wanted is None else wanted
        np.testing.assert_allclose(found, wanted)


def test_one_of_several_videos_is_asked_for(tmp_path):
    videos = {name: {"custom": [np.full((2, 17, 2), value)]} for name, value in (("a", 1.0), ("b", 2.0))}
    about = {"layout_name": "coco", "video_metadata": {"b": {"w": 640, "h": 360, "fps": 50}}}
    np.savez(tmp_path / "v.npz", positions_2d=np.array(videos, object), metadata=np.array(about, object))
    with pytest.raises(PoseFKError, match="has 2 cameras, videos or clips: choose one of a/custom/0, b/custom/0 with"):
        _read(tmp_path / "v.npz")
    clip = _read(tmp_path / "v.npz", video="b")
    assert clip.size == (640, 360) and clip.fps == 50 and clip.frames[0][0].keypoints[0, 0] == 2


def test_stacked_hourglass_files_in_mpiis_order_are_put_in_human36ms(tmp_path):
    names = "RAnkle RKnee RHip LHip LKnee LAnkle Hip Spine Thorax Head RWrist RElbow RShoulder LShoulder LElbow LWrist"
    pixels = np.random.default_rng(0).uniform(0, 900, (4, 16, 2))
    metadata = {"num_joints": 16, "keypoints_symmetry": [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]}
    positions = {"S9": {"Walking": [pixels]}}
    np.savez(tmp_path / "sh.npz", positions_2d=np.array(positions, object), metadata=np.array(metadata, object))
    clip = _read(tmp_path / "sh.npz", size=SIZE)
    for joint, wanted in zip(names.split(), pixels.swapaxes(0, 1), strict=True):
        seen = [people[0].keypoints[clip.layout.joints.index(joint)] for people in clip.frames.values()]
        np.testing.assert_array_equal(seen, wanted)


def test_a_pickle_is_refused_unopened(tmp_path):
    (tmp_path / "results.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(PoseFKError, match="pickle, which can run code.*save JSON"):
        _read(tmp_path / "results.pkl")


FLAT = [1.0] * 51
BAD = {
    "half": ('[{"image_id": 1, "keyp', "line 1, column 18.*cut short"),
    "nothing": ("", "0 bytes"),
    "an empty list": ("[]", "empty list, expected keypoints"),
    "an empty object": ("{}", "empty dict"),
    "a word": ('"hello"', "holds str, which is no keypoint format: .*expected alphapose, coco"),
    "another file": ('{"a": 1, "b": 2}', "holds {a, b}"),
    "bytes": (b"\xff\xfe\x00\x80", "not a JSON file"),
    "nobody": ([{"frame_id": 0, "instances": []}], "has nobody in it"),
    "people without keypoints": ([{"frame_id": 0, "instances": [{"bbox": []}]}], "nobody in it.*1 left out: entries w"),
    "an unknown layout": ([{"image_id": 1, "keypoints": [1.0] * 42}], "14 keypoints, as lsp_14: say with --layout"),
    "two layouts": ([{"image_id": 1, "keypoints": FLAT}, {"image_id": 2, "keypoints": [1.0] * 78}], "17 and 26 keyp"),
    "a number too many": ([{"image_id": 1, "keypoints": [1.0] * 53}], "53 numbers, expected three for each"),
    "words": ([{"image_id": 1, "keypoints": ["a"] * 51}], "not a table of numbers"),
    "a dataset of other joints": (
        {"meta_info": {"dataset_name": "crowdpose"}, "instance_info": [{"instances": [{"keypoints": [[1, 2]] * 14}]}]},
        "keypoints of 'crowdpose'.*expected one of coco",
    ),
    "openpose's without people": ({"people": []}, "has nobody in it"),
    "images of several sizes": (
        {"images": [{"id": 1, "width": 3, "height": 4}, {"id": 2, "width": 4, "height": 4}],
         "annotations": [{"image_id": i, "keypoints": FLAT} for i in (1, 2)]},
        "images of 2 sizes",
    ),
    "scores of other joints": (
        [{"instances": [{"keypoints": [[1, 2]] * 17, "keypoint_scores": [1.0] * 3}]}], "17 keypoints and 3 scores",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_json_file_is_one_sentence(what, tmp_path):
    content, sentence = BAD[what]
    raw = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
    (tmp_path / "video.json").write_bytes(json.dumps(content).encode() if raw is None else raw)
    with pytest.raises((PoseFKError, ValueError), match=sentence) as caught:
        _read(tmp_path / "video.json")
    assert "video.json" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("junk", [None, [], {}, "x", True, float("nan"), 1e400, [None], {"a": 1}])
@pytest.mark.parametrize("name", OF_FRAMES)
def test_values_of_another_kind_never_end_in_a_traceback(name, junk, write_keypoints, walking_people, tmp_path):
    path = write_keypoints(name, tmp_path, walking_people(2))
    path = sorted(path.iterdir())[0] if path.is_dir() else path
    whole = json.loads(path.read_text())

    def places(node, at=()):
        yield at
        for key in node if isinstance(node, dict) else range(min(len(node), 2)) if isinstance(node, list) else ():
            yield from places(node[key], (*at, key))

    for at in list(places(whole))[len(repr(junk)) % 4 :: 4]:  # every fourth, others for every junk
        content = copy.deepcopy(whole)
        holder = content
        for key in at[:-1]:
            holder = holder[key]
        if at:
            holder[at[-1]] = junk
        path.write_text(json.dumps(content if at else junk))
        with contextlib.suppress(PoseFKError):
            _read(path, name, size=SIZE)


def test_mediapipe_asks_for_the_image_size(tmp_path, write_keypoints, walking_people):
    with pytest.raises(PoseFKError, match="fractions of the image.*--image_size WIDTH HEIGHT"):
        _read(write_keypoints("mediapipe", tmp_path, walking_people(1)))


@pytest.mark.parametrize(
    "array, sentence",
    [
        (np.ones((3, 17, 2)), "17 keypoints, as h36m_17 and .*coco_17: say with --layout"),
        (np.ones((3, 17)), "expected .frames, joints, 2 or 3."),
        (np.ones((0, 16, 2)), "shape .0, 16, 2."),
        (np.ones((3, 21, 2)), "21 keypoints, which no layout"),
        (np.array(["a"]), "not a table of numbers"),
    ],
)
def test_a_bad_array_is_one_sentence(array, sentence, tmp_path):
    np.save(tmp_path / "video.npy", array)
    with pytest.raises(PoseFKError, match=sentence):
        _read(tmp_path / "video.npy")


@pytest.mark.parametrize(
    "text, sentence", [("1,2\n1,2,3\n", "not all as long"), ("1,2,3\n", "3 columns"), ("", "0 bytes")]
)
def test_a_bad_csv_is_one_sentence(text, sentence, tmp_path):
    (tmp_path / "video.csv").write_text(text)
    with pytest.raises((PoseFKError, ValueError), match=sentence):
        _read(tmp_path / "video.csv")


def test_what_is_missing_or_of_another_kind_is_said(tmp_path):
    with pytest.raises(PoseFKError, match="is missing"):
        _read(tmp_path / "none.json")
    with pytest.raises(PoseFKError, match="is a video or a picture.*run a 2D detector first"):
        _read(tmp_path / "video.MP4")
    with pytest.raises(PoseFKError, match="no JSON files"):
        _read(tmp_path)
    (tmp_path / "video.json").write_text("[1]")
    with pytest.raises(PoseFKError, match="--format yolo: choose from auto, alphapose"):
        _read(tmp_path / "video.json", "yolo")
    with pytest.raises(PoseFKError, match="not a file of --format npy"):
        _read(tmp_path / "video.json", "npy")
    for name in ("alphapose", "coco", "mmpose", "openpose"):
        with pytest.raises(PoseFKError):
            _read(tmp_path / "video.json", name)
