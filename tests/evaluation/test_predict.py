"""The command: any keypoint file to 3D, whole or not at all, one sentence for bad input."""

import errno
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from data import PoseDataset, load_test_set
from data.keypoints.formats import FORMATS
from data.keypoints.pieces import Piece
from evaluation.evaluate import predict_dataset
from evaluation.predict import __main__ as predict
from evaluation.predict import lifted as prediction
from kinematics.camera import camera_to_world, look_at, screen_to_pixels, world_to_camera
from posenets import ScreenLifter, build_posenet, load_lifter
from tests.tiny_cmu import SETTINGS

SIZE = (1000, 800)


def _checkpoint(path, name="simple_baseline", mode="virtual_camera", fps=None, **sizes):
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet(name, **({"linear_size": 16} if name == "simple_baseline" else sizes)), mode)
    lifter.fps = fps
    torch.save(lifter.to_checkpoint(epoch=1), path)
    return path


@pytest.fixture
def checkpoint(tmp_path):
    return _checkpoint(tmp_path / "last.pt")


def _run(checkpoint, keypoints, out, flags=""):
    fast = "--refine False --film none" + ("" if "--outputs" in flags else " --outputs npz json")
    line = f"--checkpoint {checkpoint} --keypoints {keypoints} --out {out} {fast} {flags}"
    predict.main(line.split())
    return dict(np.load(out / "pose.npz")) if (out / "pose.npz").exists() else {}


def test_same_keypoints_through_every_format_give_the_same_3d(checkpoint, write_keypoints, walking_people, tmp_path):
    frames = walking_people(6)
    found = {}
    for name in FORMATS:
        layout = "--layout coco_17" if name in ("npy", "csv") else ""
        path = write_keypoints(name, tmp_path, frames, SIZE)
        found[name] = _run(checkpoint, path, tmp_path / "out" / name, f"--image_size 1000 800 {layout}")["joints_3d"]
    for joints in found.values():
        assert joints.shape == (6, 16, 3) and np.abs(joints).max() > 0.01
        np.testing.assert_allclose(joints, found["coco"], atol=1e-5)


@pytest.mark.parametrize("network", ["simple_baseline", "videopose", "seq2seq"])
def test_predictions_are_those_of_the_evaluation(network, tmp_path):
    sizes = {"videopose": {"frames": 9, "channels": 8}, "seq2seq": {"frames": 4, "width": 8}}.get(network, {})
    path = _checkpoint(tmp_path / "last.pt", network, "root", **sizes)
    lifter, recording = load_lifter(path), load_test_set("cmux2_a", SETTINGS)[0]
    recording = type(recording)(
        recording.subject, recording.action, recording.views[:1], recording.fps, recording.usable
    )
    dataset = PoseDataset.from_recordings([recording], "h36m_16", lifter.frames, target=lifter.target_frame)
    wanted = predict_dataset(lifter, dataset, flip=True).prediction.numpy()
    np.save(
        tmp_path / "v.npy",
        screen_to_pixels(torch.from_numpy(recording.views[0].joints_2d).double(), 1000, 1002).numpy(),
    )
    found = _run(path, tmp_path / "v.npy", tmp_path / "out", "--image_size 1000 1002 --fps 25")
    np.testing.assert_allclose(found["joints_3d"], wanted, atol=1e-5)
    assert found["scores"].all() and (found["pieces"] == 0).all()


def test_a_lifter_that_reads_confidences_gets_the_scores(tmp_path, write_keypoints, walking_people):
    path = _checkpoint(tmp_path / "last.pt", "videopose", in_features=3, channels=8)
    frames = walking_people(2)
    found = []
    for score in (0.9, 0.2):
        for people in frames:
            people[0][:, 2] = score
        keypoints = write_keypoints("coco", tmp_path, frames)
        found.append(_run(path, keypoints, tmp_path / "out", "--image_size 1000 800")["joints_3d"])
    assert np.abs(found[0] - found[1]).max() > 1e-4


def test_a_lifter_of_coco_keypoints_gets_them_as_they_are(tmp_path, write_keypoints, walking_people, capsys):
    torch.manual_seed(0)
    lifter = ScreenLifter(
        build_posenet("simple_baseline", num_joints=18, linear_size=8), "root", input_layout="coco_17"
    )
    torch.save(lifter.to_checkpoint(), tmp_path / "last.pt")
    frames = walking_people(3)
    keypoints = write_keypoints("coco", tmp_path, frames)
    found = _run(tmp_path / "last.pt", keypoints, tmp_path / "out", "--image_size 1000 800")
    assert found["joints_3d"].shape == (3, 16, 3) and str(found["input_skeleton"]) == "coco_17"
    np.testing.assert_allclose(found["joints_2d"], np.stack([people[0][:, :2] for people in frames]))
    assert "made up" not in capsys.readouterr().out


def test_json_holds_what_the_npz_holds(checkpoint, write_keypoints, walking_people, tmp_path):
    keypoints = write_keypoints("coco", tmp_path, walking_people(5))
    arrays = _run(checkpoint, keypoints, tmp_path / "out", "--image_size 1000 800 --fps 50")
    content = json.loads((tmp_path / "out" / "pose.json").read_text())
    assert content["fps"] == arrays["fps"] == 50 and content["joint_names"] == arrays["joint_names"].tolist()
    assert content["image_size"] == [1000, 800] and content["input_skeleton"] == "h36m_16"
    for name, rounding in (("joints_3d", 1e-5), ("joints_world", 1e-5), ("joints_2d", 1e-2), ("scores", 1e-4)):
        np.testing.assert_allclose([frame[name] for frame in content["frames"]], arrays[name], atol=rounding)
    np.testing.assert_allclose(arrays["joints_3d"][:, 0], 0, atol=1e-6)
    np.testing.assert_allclose(arrays["joints_world"][..., 2].min(axis=1), 0, atol=1e-6)


def test_long_gaps_cut_the_clip_and_short_ones_are_closed(
    checkpoint, write_keypoints, walking_people, tmp_path, capsys
):
    frames = walking_people(40)
    for number in [5, 6, *range(20, 30)]:
        frames[number] = []
    keypoints = write_keypoints("mmpose", tmp_path, frames)
    found = _run(checkpoint, keypoints, tmp_path / "out", "--image_size 1000 800 --fps 20 --max_gap 0.2")
    assert found["frames"].tolist() == [*range(20), *range(30, 40)]
    assert found["pieces"].tolist() == [0] * 20 + [1] * 10 and not found["scores"][5:7].any()
    printed = capsys.readouterr().out
    assert "40 frames, 12 of them without a person" in printed
    assert "2 frames interpolated" in printed and "2 piece(s)" in printed
    assert "coco_17 has no Hip, Spine, Thorax, Head: made up" in printed


def test_people_are_listed_and_chosen(checkpoint, write_keypoints, walking_people, tmp_path, capsys):
    frames = walking_people(10, [(200, 300), (800, 700)])
    frames = [people if number < 6 else people[:1] for number, people in enumerate(frames)]
    keypoints = write_keypoints("alphapose", tmp_path, frames)
    first = _run(checkpoint, keypoints, tmp_path / "a", "--image_size 1000 800")
    printed = capsys.readouterr().out
    assert "1: 10 frames, 0 to 9, mean score 0.70  <- chosen" in printed and "2: 6 frames, 0 to 5" in printed
    assert len(first["frames"]) == 10
    second = _run(checkpoint, keypoints, tmp_path / "b", "--image_size 1000 800 --person 2")
    assert len(second["frames"]) == 6 and second["joints_2d"][..., 0].min() > 600


def test_all_people_get_a_folder_each_and_who_cannot_be_lifted_is_named(
    checkpoint, write_keypoints, walking_people, tmp_path, capsys
):
    frames = walking_people(10, [(200, 300), (500, 450), (800, 700)])
    for people in frames:
        people[2][[9, 10]] = 0.0  # no wrists
    keypoints = write_keypoints("alphapose", tmp_path, frames)
    _run(checkpoint, keypoints, tmp_path / "all", "--image_size 1000 800 --person all")
    printed = capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["everybody.npz", "person_1", "person_2"]
    everybody = np.load(tmp_path / "all" / "everybody.npz")
    assert "Person 3 is left out: " in printed and "no frame has every joint" in printed
    for number in (1, 2):
        alone = _run(checkpoint, keypoints, tmp_path / str(number), f"--image_size 1000 800 --person {number}")
        together = np.load(tmp_path / "all" / f"person_{number}" / "pose.npz")
        rows = everybody["person"] == number
        for name in ("frames", "joints_3d", "scores"):
            np.testing.assert_array_equal(together[name], alone[name])
            np.testing.assert_array_equal(everybody[name][rows], alone[name])
    assert (np.diff(everybody["frames"]) >= 0).all()
    _run(checkpoint, keypoints, tmp_path / "all", "--image_size 1000 800 --person all")  # in place of the earlier ones


def test_another_frame_rate_than_the_lifter_s_is_told(tmp_path, write_keypoints, walking_people, capsys):
    path = _checkpoint(tmp_path / "last.pt", "videopose", fps=50, frames=9, channels=8)
    keypoints = write_keypoints("coco", tmp_path, walking_people(12))
    _run(path, keypoints, tmp_path / "out", "--image_size 1000 800")
    printed = capsys.readouterr().out
    assert "30 frames a second are assumed (--fps)" in printed
    assert "It sees 30 frames a second and has learnt from 50" in printed


def test_clips_are_lifted_piece_by_piece():
    torch.manual_seed(0)
    lifter = ScreenLifter(build_posenet("videopose", frames=9, channels=8), "root").eval()
    draw = np.random.default_rng(0)
    pieces = [
        Piece(np.arange(start, start + frames), draw.uniform(0, 800, (frames, 16, 2)), np.ones((frames, 16)))
        for start, frames in ((0, 12), (30, 1))
    ]
    both = prediction.lift_pieces(lifter, pieces, SIZE, 25.0)
    alone = [prediction.lift_pieces(lifter, [piece], SIZE, 25.0).joints_3d for piece in pieces]
    np.testing.assert_allclose(both.joints_3d, np.concatenate(alone), atol=1e-6)


def test_a_body_seen_from_above_stands_upright_again():
    body = torch.from_numpy(load_test_set("cmux2_a", SETTINGS)[0].joints_world[:1]).double()
    centre = body.new_tensor([2.0, -3.0, 3.0])
    forward = body[0, 0] - centre
    orientation = look_at(centre, body[0, 0])
    seen = world_to_camera(body, orientation, centre)
    pitch_deg = float(torch.rad2deg(torch.atan2(-forward[2], forward[:2].norm())))
    found = prediction.upright_on_the_floor(seen - seen[:, :1], pitch_deg)
    torch.testing.assert_close(found[..., 2], body[..., 2] - body[..., 2].min())
    torch.testing.assert_close(torch.cdist(found, found), torch.cdist(body, body))
    level = prediction.upright_on_the_floor(seen - seen[:, :1])
    assert (level[..., 2] - found[..., 2]).abs().max() > 0.1
    again = world_to_camera(camera_to_world(seen, orientation, centre), orientation, centre)
    torch.testing.assert_close(again, seen)


def test_the_command_writes_everything_and_exits_0(checkpoint, write_keypoints, walking_people, tmp_path):
    keypoints = write_keypoints("openpose", tmp_path, walking_people(4))
    command = [sys.executable, "-m", "evaluation.predict", "--checkpoint", checkpoint, "--keypoints", keypoints]
    out = tmp_path / "new" / "lifted"
    done = subprocess.run([*command, "--out", out, "--image_size", "1000", "800"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["film.gif", "pose.bvh", "pose.json", "pose.npz"]
    assert "4 frames in" in done.stdout and "Traceback" not in done.stderr


def test_a_second_run_replaces_the_files_of_the_first(checkpoint, write_keypoints, walking_people, tmp_path):
    for frames in (3, 5):
        keypoints = write_keypoints("coco", tmp_path, walking_people(frames))
        assert len(_run(checkpoint, keypoints, tmp_path / "out", "--image_size 1000 800")["frames"]) == frames


TABLE = [
    ("", "does not say how large the image is.*--image_size WIDTH HEIGHT"),
    ("--image_size 0 800", "--image_size is .0, 800., expected width and height"),
    ("--image_size 1000", "--image_size"),
    ("--image_size 300 200", "keypoints outside the image of 300 x 200"),
    ("--image_size 1000 800 --person 3", "--person 3: there are 1 to 1"),
    ("--image_size 1000 800 --fps 0", "--fps is 0"),
    ("--image_size 1000 800 --max_gap nan", "--max_gap is nan"),
    ("--image_size 1000 800 --min_score 0.99", "no frame has every joint"),
    ("--image_size 1000 800 --min_score 1", "--min_score is 1"),
    ("--image_size 1000", r"--image_size: [^\[]*INT INT[^\[]* from \['1000'\]\. \(--help"),
    ("--image_size 1000 800 --format yolo", "--format yolo: choose from auto"),
    ("--image_size 1000 800 --layout coco_71", "Perhaps you meant: coco_17"),
    ("--image_size 1000 800 --layout mediapipe_33", "17 keypoints, --layout mediapipe_33 has 33"),
    ("--image_size 1000 800 --film avi", "'gif', 'mp4', 'none'"),
    ("--image_size 1000 800 --film_frames 0", "--film_frames is 0"),
    ("--image_size 1000 800 --camera_pitch_deg 100", "--camera_pitch_deg is 100"),
    ("--image_size 1000 800 --output npz", "Perhaps you meant: --outputs"),
    ("--image_size 1000 800 --device tpu", "choose from auto, cpu, cuda"),
    ("--image_size 1000 800 --keypoints {}/none.json", "none.json is missing"),
    ("--image_size 1000 800 --keypoints {}/half.json", "half.json is not a JSON file .*Copy or make it again"),
    ("--image_size 1000 800 --keypoints {}/pixels.npy", "look normalised"),
    ("--image_size 1000 800 --annotations {}/half.json", "half.json is not a JSON file or not a whole one"),
    ("--image_size 1000 800 --checkpoint {}/none.pt", "none.pt is missing"),
    ("--image_size 1000 800 --checkpoint {}/half.json", "cannot be read as a checkpoint"),
    ("--image_size 1000 800 --out {}/half.json", "Cannot write .*half.json.*Choose a folder"),
    ("--image_size 1000 800 --out {}/half.json/deeper", "Cannot write .*deeper"),
]


@pytest.mark.parametrize("flags, sentence", TABLE)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    flags, sentence, checkpoint, write_keypoints, walking_people, tmp_path
):
    keypoints = write_keypoints("coco", tmp_path, walking_people(3))
    (tmp_path / "half.json").write_text('[{"image_id": 1,')
    np.save(tmp_path / "pixels.npy", np.full((3, 16, 2), 0.5))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((ValueError, OSError, predict.PoseFKError), match=sentence) as caught:
        _run(checkpoint, keypoints, tmp_path / "out", flags.format(*[tmp_path] * flags.count("{}")))
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_bad_input_leaves_with_code_2(checkpoint, tmp_path, refusal_of):
    (tmp_path / "video.json").write_text("[")
    flags = ["--checkpoint", checkpoint, "--out", tmp_path / "out", "--keypoints", tmp_path / "video.json"]
    assert "not a JSON file or not a whole one" in refusal_of(predict.main, [str(flag) for flag in flags])
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_sentence_and_keeps_the_old_files(
    checkpoint, write_keypoints, walking_people, tmp_path, monkeypatch
):
    keypoints = write_keypoints("coco", tmp_path, walking_people(3))
    old = _run(checkpoint, keypoints, tmp_path / "out", "--image_size 1000 800")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(json, "dumps", full)
    with pytest.raises(OSError, match="Cannot write into .*out: No space left on device. Nothing was kept; make room"):
        _run(checkpoint, write_keypoints("npy", tmp_path, walking_people(4)), tmp_path / "out",
             "--image_size 1000 800 --layout coco_17")  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pose.json", "pose.npz"]
    assert len(np.load(tmp_path / "out" / "pose.npz")["frames"]) == len(old["frames"]) == 3


def test_bvh_has_a_file_for_each_piece(checkpoint, write_keypoints, walking_people, tmp_path):
    frames = walking_people(30)
    frames[10:20] = [[]] * 10
    keypoints = write_keypoints("mmpose", tmp_path, frames)
    _run(checkpoint, keypoints, tmp_path / "out", "--image_size 1000 800 --outputs bvh")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pose_1.bvh", "pose_2.bvh"]
    assert "Frames: 10" in (tmp_path / "out" / "pose_1.bvh").read_text()


def test_a_lifter_of_several_cameras_is_refused(write_keypoints, walking_people, tmp_path):
    sizes = dict(frames=3, views=2, channel=8, d_hid=8, smfe=(1, 1, 1), milf=(1, 1, 1), smfe_heads=3, num_heads=2)
    torch.save(ScreenLifter(build_posenet("esmformer", num_joints=16, **sizes)).to_checkpoint(), tmp_path / "last.pt")
    keypoints = write_keypoints("coco", tmp_path, walking_people(3))
    with pytest.raises(predict.PoseFKError, match="last.pt reads 2 cameras at once"):
        _run(tmp_path / "last.pt", keypoints, tmp_path / "out")


def test_a_lifter_of_other_joints_has_no_bvh(write_keypoints, walking_people, tmp_path):
    lifter = ScreenLifter(build_posenet("simple_baseline", num_joints=14, linear_size=8), "screen", "lsp_14")
    for name, weight in lifter.named_parameters():
        if "w2." in name:
            weight.data.mul_(0.2)  # untrained, but bodies of a body's size
    torch.save(lifter.to_checkpoint(), tmp_path / "last.pt")
    keypoints = write_keypoints("coco", tmp_path, walking_people(3))
    with pytest.raises(predict.PoseFKError, match="need the joints of h36m_16, the lifter has lsp_14: --outputs npz"):
        _run(tmp_path / "last.pt", keypoints, tmp_path / "out", "--image_size 1000 800 --outputs bvh")
    arrays = _run(tmp_path / "last.pt", keypoints, tmp_path / "out", "--image_size 1000 800 --outputs npz trc")
    assert arrays["joints_3d"].shape[1] == 14
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"pose.npz", "pose.trc"}
