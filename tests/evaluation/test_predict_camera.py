"""Predict with a known camera: people walk where they walked, and what is not known is said."""

import json

import numpy as np
import pytest
import torch

from benchmarks.root_place import piece_of
from data import load_test_set
from evaluation.predict import __main__ as predict
from evaluation.predict.lifted import lift_pieces, root_of_piece, upright_on_the_floor
from kinematics.camera import look_at, world_to_camera
from posenets import ScreenLifter, build_posenet
from tests.tiny_cmu import SETTINGS


def lifter_of(reads_focal: bool = False) -> ScreenLifter:
    """An untrained lifter whose answers are near one real body, standing as the virtual camera sees it."""
    torch.manual_seed(0)
    net = build_posenet("simple_baseline", linear_size=16, in_features=2 + reads_focal)
    body = torch.from_numpy(load_test_set("cmux2_b", SETTINGS)[0].views[0].joints_3d[0])
    with torch.no_grad():
        net.get_parameter("w2.weight").mul_(0.02)
        net.get_parameter("w2.bias").copy_((body - body[:1]).flatten())
    return ScreenLifter(net, "virtual_camera", reads_focal=reads_focal).eval()


@pytest.fixture
def saved(tmp_path):
    torch.save(lifter_of(True).to_checkpoint(), tmp_path / "last.pt")
    return tmp_path / "last.pt"


def _run(checkpoint, keypoints, out, flags):
    fast = "--refine False --film none --outputs npz json"
    line = f"--checkpoint {checkpoint} --keypoints {keypoints} --out {out} {fast} {flags}"
    predict.main(line.split())
    return dict(np.load(out / "pose.npz"))


def test_people_of_true_joints_walk_where_they_walked():
    """The level path on the floor, of a camera that looks down by a known angle."""
    walked = 0.0
    for recording in load_test_set("cmux2_b", SETTINGS):
        piece, camera, size = piece_of(recording, "h36m_16", 2.0)
        joints = torch.from_numpy(recording.views[0].joints_3d)
        about, path = joints - joints[:, :1], camera.camera_to_world(joints[:, 0])[:, :2]
        root = root_of_piece(about, lifter_of(), piece, camera, size, recording.fps)
        forward = camera.camera_to_world(torch.tensor([0.0, 0.0, 1.0])) - camera.translation
        pitch = float(torch.asin(-forward[2]).rad2deg())
        world = upright_on_the_floor(about, pitch, root, recording.fps)
        assert world[..., 2].amin(dim=1).abs().max() < 1e-6
        ways = [(way[:, None] - way[None]).norm(dim=-1) for way in (path, world[:, 0, :2])]
        off = (ways[0] - ways[1]).abs()
        assert off.max() < 0.4 and off.mean() < 0.1, recording.action
        walked = max(walked, float(ways[0].max()))
    assert walked > 1.0


def test_image_and_focal_length_scaled_together_change_nothing(saved, write_keypoints, walking_people, tmp_path):
    frames = walking_people(8, ((300, 500),))
    found = {}
    for scale in (1, 2):
        (tmp_path / str(scale)).mkdir()
        larger = [[person * [scale, scale, 1] for person in people] for people in frames]
        size = (1000 * scale, 800 * scale)
        path = write_keypoints("coco", tmp_path / str(scale), larger, size)
        flags = f"--image_size {size[0]} {size[1]} --focal"
        found[scale] = _run(saved, path, tmp_path / f"out{scale}", f"{flags} {1200 * scale}")
    for key in ("joints_3d", "joints_world"):
        np.testing.assert_allclose(found[1][key], found[2][key], atol=1e-4)
    longer = _run(saved, path, tmp_path / "longer", f"{flags} 4800")
    assert np.abs(longer["joints_3d"] - found[2]["joints_3d"]).max() > 1e-4, "the lifter reads the angles"


def test_the_place_is_written_and_projects_onto_what_was_read(saved, write_keypoints, walking_people, tmp_path, capsys):
    path = write_keypoints("coco", tmp_path, walking_people(8, ((300, 500),)), (1000, 800))
    (tmp_path / "camera.json").write_text(json.dumps({"fx": 1200, "fy": 1200, "cx": 500, "cy": 400}))
    arrays = _run(saved, path, tmp_path / "out", f"--image_size 1000 800 --camera {tmp_path}/camera.json")
    said = capsys.readouterr().out
    assert "focal length 1200 x 1200 pixels, 45 degrees across; the lifter reads the true angles" in said
    content = json.loads((tmp_path / "out/pose.json").read_text())
    assert content["about"]["root_camera"] and len(content["frames"][0]["root_camera"]) == 3
    points = arrays["joints_3d"] + arrays["root_camera"][:, None]
    pixels = 1200 * points[..., :2] / points[..., 2:] + [500, 400]
    shared = [list(arrays[names]) for names in ("joint_names", "input_joint_names")]
    assert shared[0] == shared[1]
    middles = [values.mean(axis=1) for values in (pixels, arrays["joints_2d"])]
    np.testing.assert_allclose(*middles, atol=10)
    level = look_at(torch.zeros(3), torch.tensor([0.0, 1.0, 0.0]))
    seen = world_to_camera(torch.from_numpy(arrays["joints_world"][:, 0]), level, torch.zeros(3)).numpy()
    np.testing.assert_allclose(seen[:, [0, 2]].mean(0), arrays["root_camera"][:, [0, 2]].mean(0), atol=0.2)


def test_without_a_camera_nothing_is_made_up_and_that_is_said(saved, write_keypoints, walking_people, tmp_path, capsys):
    path = write_keypoints("coco", tmp_path, walking_people(4), (1000, 800))
    assert "root_camera" not in _run(saved, path, tmp_path / "out", "--image_size 1000 800")
    assert "Where the body stands before the camera is not known" in capsys.readouterr().out
    torch.save(lifter_of().to_checkpoint(), saved)
    _run(saved, path, tmp_path / "plain", "--image_size 1000 800 --fov 60")
    assert "it places the body only, since the lifter was trained without --known_focal" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ("--focal 1000 --fov 60", "both say what the camera is"),
        ("--camera none.json", "none.json is missing"),
        ("--focal 300000", "the lifted body stands .* m away .median., expected 0.3 to 100 m: give the video's own"),
    ],
)
def test_a_camera_that_cannot_be_ends_in_one_sentence(
    flags, sentence, saved, write_keypoints, walking_people, tmp_path
):
    path = write_keypoints("coco", tmp_path, walking_people(4), (1000, 800))
    with pytest.raises((ValueError, OSError, predict.PoseFKError), match=sentence):
        _run(saved, path, tmp_path / "out", f"--image_size 1000 800 {flags}")
    assert not (tmp_path / "out").exists()


def test_a_lifter_that_reads_focal_lengths_is_told_when_there_is_none():
    recording = load_test_set("cmux2_b", SETTINGS)[0]
    piece, camera, size = piece_of(recording, "h36m_16", 0.0)
    lifter = lifter_of(True)
    known, unknown = (lift_pieces(lifter, [piece], size, 30.0, camera=one).joints_3d for one in (camera, None))
    assert np.abs(known - unknown).max() > 1e-4
