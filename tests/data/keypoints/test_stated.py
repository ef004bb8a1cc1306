"""What a file states is used: names of joints, numbers of frames, clocks, rates, sizes, cameras; guesses are said."""

import json

import numpy as np
import pytest

from data.keypoints.clip import Hints
from data.keypoints.formats import read_keypoints
from data.keypoints.people import load_people
from kinematics import PoseFKError, Skeleton

COCO = Skeleton("coco_17")
SIZE = (1000, 800)


def _people(frames):
    """Frames of one person each as rows for JSON."""
    return [[row.tolist() for row in people] for people in frames]


def _write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def _folder(path, files):
    path.mkdir()
    for name, content in files.items():
        (path / name).parent.mkdir(exist_ok=True)
        _write(path / name, content)
    return path


def _openpose(rows):
    return {"people": [{"pose_keypoints_2d": np.ravel(rows).tolist()}]}


def _same(clip, frames, numbers=None, atol=1e-9):
    """Whether a clip has what was written, by frame and by the joint's name."""
    numbers = range(len(frames)) if numbers is None else numbers
    assert [number for number, people in clip.frames.items() if people] == list(numbers)
    joints = [joint for joint in COCO.joints if joint in clip.layout.joints]
    mine, theirs = ([layout.joints.index(joint) for joint in joints] for layout in (COCO, clip.layout))
    for number, people in zip(numbers, frames, strict=True):
        for person, wanted in zip(clip.frames[number], people, strict=True):
            np.testing.assert_allclose(person.keypoints[theirs], wanted[mine, :2], atol=atol)


@pytest.fixture
def frames(walking_people):
    return walking_people(12)


def test_joints_go_by_their_names_in_any_order_and_language(frames, tmp_path):
    draw = np.random.default_rng(0)
    styles = (
        lambda name: {"L": "left_", "R": "right_"}.get(name[0], "") + name[1 if name[0] in "LR" else 0 :].lower(),
        lambda name: name,
        lambda name: {"L": "LEFT ", "R": "RIGHT "}.get(name[0], "") + name[1 if name[0] in "LR" else 0 :].upper(),
    )
    for style in styles:
        order = draw.permutation(17)
        names = [style(COCO.joints[joint]) for joint in order]
        header = ",".join(f"{name}_{axis}" for name in names for axis in ("y", "x", "score"))
        rows = [",".join(map(str, people[0][order][:, [1, 0, 2]].ravel())) for people in frames]
        _same(read_keypoints(_write(tmp_path / "v.csv", "\n".join([header, *rows])), Hints()), frames)
        tabs = _write(tmp_path / "v.tsv", "\n".join([header, *rows]).replace(",", "\t"))
        _same(read_keypoints(tabs, Hints()), frames)
        shuffled = [dict(zip(names, people[0][order].tolist(), strict=True)) for people in frames]
        by_name = [{"frame": i, "people": [{"keypoints": body}]} for i, body in enumerate(shuffled)]
        _same(read_keypoints(_write(tmp_path / "names.json", by_name), Hints()), frames)
        coco = {
            "images": [{"id": 7 - i, "file_name": f"video_{i:04d}.png"} for i in range(12)],
            "categories": [{"id": 1, "keypoints": names}],
            "annotations": [
                {"image_id": 7 - i, "category_id": 1, "keypoints": people[0][order].ravel().tolist()}
                for i, people in enumerate(frames)
            ],
        }
        _same(read_keypoints(_write(tmp_path / "coco.json", coco), Hints()), frames)


def test_long_tables_are_read_in_any_order_of_rows(frames, tmp_path):
    lines = [
        f"{score},{name},{number + 5},{x},{y}"
        for number, people in enumerate(frames)
        for name, (x, y, score) in zip(COCO.joints, people[0].tolist(), strict=True)
    ]
    np.random.default_rng(0).shuffle(lines)
    path = _write(tmp_path / "v.csv", "\n".join(["likelihood,bodypart,frame,x,y", *lines]))
    _same(read_keypoints(path, Hints()), frames, range(5, 17))


def test_two_joints_of_one_name_are_asked_about(frames, tmp_path):
    names = [joint.replace("REar", "LEar") for joint in COCO.joints]
    header = ",".join(f"{name}_{axis}" for name in names for axis in "xy")
    rows = [",".join(map(str, people[0][:, :2].ravel())) for people in frames]
    clip = read_keypoints(_write(tmp_path / "v.csv", "\n".join([header, *rows])), Hints())
    assert np.isnan(clip.frames[0][0].keypoints[COCO.joints.index("REar")]).all()  # a table has a column once
    named = [{"frame": i, "people": [{"keypoints": [
        {"name": name, "x": x, "y": y} for name, (x, y, _) in zip(names, people[0].tolist(), strict=True)
    ]}]} for i, people in enumerate(frames)]  # fmt: skip
    with pytest.raises(PoseFKError, match="two joints that are called LEar.*--layout"):
        read_keypoints(_write(tmp_path / "v.json", named), Hints())


@pytest.mark.parametrize("wide", [True, False])
def test_the_frames_a_file_numbers_keep_their_numbers(frames, tmp_path, wide):
    numbers = [*range(6), *range(30, 36)]
    for key in ("frame", "frame_id", "frame_index"):
        listed = [{key: number, "people": [{"keypoints": people[0].tolist()}]}
                  for number, people in zip(numbers, frames, strict=True)]  # fmt: skip
        text = "\n".join(map(json.dumps, listed)) if wide else json.dumps(listed)
        clip = read_keypoints(_write(tmp_path / "v.json", text), Hints())
        _same(clip, frames, numbers)
    by_key = {str(number): [people[0].tolist()] for number, people in zip(numbers, frames, strict=True)}
    _same(read_keypoints(_write(tmp_path / "keys.json", by_key), Hints()), frames, numbers)
    people = load_people(_write(tmp_path / "v.json", by_key), Hints(size=SIZE))
    assert len(people.pieces(people.tracks[0], Skeleton("h36m_16"))[0]) == 2  # the hole cuts the clip


@pytest.mark.parametrize("name", ["frame{}_cam1_keypoints.json", "v_{:012d}_keypoints.json", "{}.json", "a/{}.json"])
def test_the_number_that_differs_is_the_frame_s_with_zeros_before_it_or_not(name, walking_people, tmp_path):
    frames = walking_people(23)
    files = {name.format(i): _openpose(people[0]) for i, people in enumerate(frames)}
    _same(read_keypoints(_folder(tmp_path / "v", files), Hints()), frames)


@pytest.mark.parametrize("names", [
    ("{:012d}_keypoints.json", "{:012d}_keypoints_1.json"), ("cam1_{}.json", "cam2_{}.json"),
    ("a_{:03d}.json", "b_{:03d}.json"), ("left/{}.json", "right/{}.json"), ("c1_f{}.json", "c2_f{}.json"),
])  # fmt: skip
def test_several_cameras_in_one_place_are_asked_about_and_never_mixed(names, frames, tmp_path):
    other = [[people[0] + [70, 30, 0]] for people in frames]
    files = {name.format(i): _openpose(people[0])
             for name, clip in zip(names, (frames, other), strict=True) for i, people in enumerate(clip)}  # fmt: skip
    folder = _folder(tmp_path / "v", files)
    with pytest.raises(PoseFKError, match="has 2 cameras, videos or clips: choose one of .* with --video") as caught:
        read_keypoints(folder, Hints())
    listed = str(caught.value).partition("choose one of ")[2].partition(" with")[0].split(", ")
    for video, clip in zip(listed, (frames, other), strict=True):
        _same(read_keypoints(folder, Hints(video=video)), clip)
    entries = [{"image_id": name, **person["people"][0]} for name, person in files.items()]
    with pytest.raises(PoseFKError, match="has 2 cameras"):
        read_keypoints(_write(tmp_path / "all.json", entries), Hints())


@pytest.mark.parametrize(
    "scale, first", [(1e3, 0), (1e3, 10**12), (1e6, 5), (1.0, 0), (1e9, 1_700_000_000_000_000_000)]
)
def test_time_stamps_become_frames_of_their_rate(scale, first, frames, tmp_path):
    for rate in (25.3, 30, 60):
        stamps = [first + i * scale / rate for i in range(12)]
        stamps = stamps if scale == 1 else list(map(round, stamps))
        entries = [{"timestamp": stamp, "keypoints": people[0].ravel().tolist()}
                   for stamp, people in zip(stamps, frames, strict=True)]  # fmt: skip
        del entries[7]  # one was not seen
        clip = read_keypoints(_write(tmp_path / "v.json", entries), Hints())
        _same(clip, frames[:7] + frames[8:], [*range(7), *range(8, 12)])
        assert clip.fps == pytest.approx(rate, rel=0.01) and "time stamps" in " ".join(clip.notes)


def test_every_nth_frame_divides_the_rate(frames, tmp_path):
    entries = [{"image_id": 12 * i, "keypoints": people[0].ravel().tolist()} for i, people in enumerate(frames)]
    path = _write(tmp_path / "v.json", entries)
    people = load_people(path, Hints(size=SIZE, fps=30.0))
    assert people.fps == 2.5 and "12 apart: 2.5 of 30 frames a second" in " ".join(people.notes)
    pair = load_people(_write(path, [entries[0], entries[4]]), Hints(size=SIZE, fps=30.0))
    assert len(pair.pieces(pair.tracks[0], Skeleton("h36m_16"))[0]) == 2  # two frames have no rhythm: that is a hole


@pytest.mark.parametrize("missing", [(0.0, 0.0, 0.4), (float("nan"), 5.0, 0.4), (None, None, 0.4), (7.0, 7.0, 0.0)])
def test_a_keypoint_without_a_place_is_missing_whatever_its_score(missing, frames, tmp_path):
    entries = [{"image_id": i, "keypoints": people[0].ravel().tolist()} for i, people in enumerate(frames)]
    entries[3]["keypoints"][27:30] = missing
    person = read_keypoints(_write(tmp_path / "v.json", entries), Hints()).frames[3][0]
    assert np.isnan(person.keypoints).any(axis=1).nonzero()[0].tolist() == [9] and person.scores[9] == 0


def test_scores_that_are_none_are_refused_or_ignored(frames, tmp_path):
    entries = [
        {"image_id": i, "keypoints": (people[0] * [1, 1, 0]).ravel().tolist()} for i, people in enumerate(frames)
    ]
    with pytest.raises(PoseFKError, match="all scores are 0.*--ignore_scores True"):
        read_keypoints(_write(tmp_path / "v.json", entries), Hints())
    _same(read_keypoints(tmp_path / "v.json", Hints(ignore_scores=True)), frames)
    depth = np.stack([np.column_stack([people[0][:, :2], np.linspace(-200, 150, 17)]) for people in frames])
    np.save(tmp_path / "v.npy", depth)
    with pytest.raises(PoseFKError, match="-200 to 150 as third numbers.*is it z"):
        read_keypoints(tmp_path / "v.npy", Hints(layout="coco_17"))
    _same(read_keypoints(tmp_path / "v.npy", Hints(layout="coco_17", ignore_scores=True)), frames)
    percent = np.stack([people[0] * [1, 1, 100] for people in frames])
    np.save(tmp_path / "v.npy", percent)
    clip = read_keypoints(tmp_path / "v.npy", Hints(layout="coco_17"))
    np.testing.assert_allclose(clip.frames[0][0].scores, frames[0][0][:, 2])
    assert "percent" in " ".join(clip.notes)


def test_one_bad_entry_is_counted_and_named_and_refuses_nothing(frames, tmp_path):
    files = {f"v_{i:03d}.json": _openpose(people[0]) for i, people in enumerate(frames)}
    files["v_004.json"]["people"].append({"pose_keypoints_2d": [], "hand_left_keypoints_2d": [1.0] * 63})
    files["v_005.json"]["people"].append({"pose_keypoints_2d": [1e30] * 51})
    files["v_006.json"]["people"].append({"pose_keypoints_2d": [1.0, 2.0]})
    files |= {"about.json": {"camera": "left"}, "v_broken.json": '{"people": [{'}
    clip = read_keypoints(_folder(tmp_path / "v", files), Hints())
    _same(clip, frames)
    notes = " ".join(clip.notes)
    for said in ("people without body keypoints", "v_broken.json", "files of another kind (about.json)", "1e+30"):
        assert said in notes, notes


def test_what_is_nobody_and_what_is_not_understood_are_told_apart(frames, tmp_path):
    entries = [{"frame": i, "instances": [{"keypoints": people[0].tolist()}]} for i, people in enumerate(frames)]
    entries[3]["instances"] = []
    clip = read_keypoints(_write(tmp_path / "v.json", entries), Hints())
    assert clip.frames[3] == [] and not clip.notes
    entries[3]["instances"] = "two people"
    assert "1 left out: entries that are no people" in " ".join(
        read_keypoints(_write(tmp_path / "v.json", entries), Hints()).notes
    )


def test_people_of_frames_and_frames_of_people_are_the_same(frames, tmp_path):
    bodies = [{"keypoints": people[0].ravel().tolist(), "scores": None} for people in frames]
    other = [{"keypoints": (people[0] + [300, 0, 0]).ravel().tolist()} for people in frames]
    by_person = {str(track): {str(i): body for i, body in enumerate(clip)} for track, clip in ((4, bodies), (9, other))}
    by_frame = {str(i): {"4": one, "9": two} for i, (one, two) in enumerate(zip(bodies, other, strict=True))}
    for content in (by_person, by_frame):
        clip = read_keypoints(_write(tmp_path / "v.json", content), Hints())
        assert [person.track for person in clip.frames[11]] == [4, 9]
        _same(clip, [[people[0], people[0] + [300, 0, 0]] for people in frames])


def test_rates_and_sizes_of_a_file_are_used_and_the_user_s_come_first(frames, tmp_path):
    listed = [{"keypoints": people[0].ravel().tolist(), "frame": i} for i, people in enumerate(frames)]
    path = _write(tmp_path / "v.json", {"info": {"fps": 24, "width": 640, "height": 900}, "frames": listed})
    clip = read_keypoints(path, Hints())
    assert clip.fps == 24 and clip.size == (640, 900)
    clip = read_keypoints(path, Hints(size=SIZE, fps=50.0))
    assert (
        clip.fps == 50 and clip.size == SIZE and "says 640 x 900 pixels; --image_size is used" in " ".join(clip.notes)
    )


@pytest.mark.parametrize("count, layout", [(17, "coco_17"), (26, "halpe_26"), (133, "coco_17")])
def test_openpose_s_form_with_other_tools_keypoints(count, layout, frames, tmp_path):
    files = {f"{i}_keypoints.json": _openpose(np.vstack([people[0], people[0][:1].repeat(count - 17, axis=0)]))
             for i, people in enumerate(frames)}  # fmt: skip
    clip = read_keypoints(_folder(tmp_path / "v", files), Hints())
    assert clip.layout.name == layout
    _same(clip, frames)


def test_yolo_s_label_files_are_fractions_of_the_image(frames, tmp_path):
    files = {}
    for i, people in enumerate(frames):
        rows = people[0] / [*SIZE, 1]
        files[f"video_{i}.txt"] = (
            " ".join(f"{value:.10g}" for value in [0, 0.5, 0.5, 0.1, 0.2, *rows.ravel(), 3]) + "\n"
        )
    folder = _folder(tmp_path / "labels", files)
    clip = read_keypoints(folder, Hints(size=SIZE))
    _same(clip, frames, atol=1e-5)
    assert clip.frames[0][0].track == 3
    with pytest.raises(PoseFKError, match="fractions of the image: give its --image_size"):
        read_keypoints(folder, Hints())


def test_alphapose_s_open_form_has_openpose_s_order(frames, tmp_path):
    to_18 = [0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
    content = {}
    for i, people in enumerate(frames):
        neck = people[0][[5, 6]].mean(axis=0)
        rows = [neck if joint is None else people[0][joint] for joint in to_18]
        content[f"{i}.jpg"] = {"version": "AlphaPose v0.3", **_openpose(rows)}
    clip = read_keypoints(_write(tmp_path / "v.json", content), Hints())
    assert clip.layout.name == "openpose_18"
    _same(clip, frames)
