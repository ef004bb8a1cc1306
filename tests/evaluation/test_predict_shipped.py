"""Without a checkpoint: the lifters that ship, their cards, and the examples."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from data import DataSettings, load_test_set
from data.keypoints.pieces import Piece
from evaluation.evaluate import dataset_for, predict_dataset, score
from evaluation.predict import __main__ as predict
from evaluation.predict.lifted import lift_pieces, rate_step
from examples import keypoints_from_video, make
from kinematics.skeleton import Skeleton
from posenets import ScreenLifter, build_posenet, load_lifter
from posenets.shipped import BODY, NAMES, SINGLE, VIDEO, __main__, card_text, read_shipped

EXAMPLES = Path("examples")
FLAGS = "--film none --outputs npz --image_size 1280 720".split()


@pytest.fixture(scope="module")
def truth():
    """The walk of the examples about its hip, in axes that follow no camera."""
    return make.walk()


def lift(keypoints, out, *flags):
    predict.main(["--keypoints", str(keypoints), "--out", str(out), *FLAGS, *flags])
    return dict(np.load(out / "pose.npz"))


def aligned_error(found, wanted):
    """P-MPJPE, mm."""
    from evaluation.metrics import p_mpjpe

    return 1000 * float(p_mpjpe(torch.from_numpy(found).double(), wanted.double()))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("walk*")), ids=lambda path: path.name)
def test_every_example_becomes_the_walk_it_was_made_of(path, truth, tmp_path, capsys):
    found = lift(path, tmp_path / "out")
    name = SINGLE if path.is_dir() else VIDEO  # a clip shorter than its window is lifted frame by frame
    assert f"{name} is used, which ships with PoseFK" in capsys.readouterr().out
    assert aligned_error(found["joints_3d"], truth[torch.from_numpy(found["frames"])]) < 60
    assert str(found["input_skeleton"]) == "coco_17"


def test_the_examples_are_as_their_script_makes_them(tmp_path, monkeypatch):
    monkeypatch.setattr(make, "FOLDER", tmp_path)
    make.main()
    for path in EXAMPLES.glob("walk*"):
        parts = sorted(path.iterdir()) if path.is_dir() else [path]
        for part in parts:
            made = (tmp_path / part.relative_to(EXAMPLES)).read_text()
            numbers = [np.array([float(word) for word in _words(text)]) for text in (made, part.read_text())]
            np.testing.assert_allclose(*numbers, atol=0.11)  # another processor may round to the next tenth


def _words(text):
    for sign in '{}[]:,"':
        text = text.replace(sign, " ")
    return [word for word in text.split() if word.replace(".", "").replace("-", "").replace("e", "").isdigit()]


def test_files_of_human36m_joints_get_the_lifter_of_these(truth, tmp_path, capsys):
    recording = load_test_set("cmux2_a", DataSettings())[0]
    pixels = (recording.views[0].joints_2d + np.array([1.0, 1.0])) * 500
    np.save(tmp_path / "walk.npy", pixels)
    lift(tmp_path / "walk.npy", tmp_path / "out", "--layout", "h36m_16", "--image_size", "1000", "1000")
    assert f"{BODY} is used" in capsys.readouterr().out


def test_names_stand_for_files_and_unknown_ones_are_refused(capsys):
    lifter = load_lifter(VIDEO)
    assert lifter.frames == 27 and lifter.input_skeleton == Skeleton("coco_17") and lifter.fps == 25
    assert all(parameter.dtype == torch.float32 for parameter in lifter.parameters())
    with pytest.raises(FileNotFoundError, match="coco_18 is missing"):
        load_lifter("coco_18")
    with pytest.raises(ValueError, match="choose from coco_17, coco_17_video, h36m_16"):
        read_shipped("coco_18")
    __main__.main([])
    listed = capsys.readouterr().out
    assert all(name in listed for name in NAMES)


def test_the_page_has_every_card_and_the_files_are_small():
    page = Path("docs/models.md").read_text()
    shipped = [read_shipped(name) for name in NAMES]
    assert all(card_text(model) in page for model in shipped)
    assert sum(model.path.stat().st_size for model in shipped) <= 6e6
    for model in shipped:  # what a run's state has besides is not shipped
        assert not {"run", "settings"} & model.content.keys()


def test_a_card_s_figures_are_those_of_its_file():
    card = read_shipped(BODY).card
    lifter = load_lifter(BODY)
    recordings = load_test_set("cmux2_b", DataSettings())
    scores = score(predict_dataset(lifter, dataset_for(lifter, recordings)))
    (said,) = [line for line in card["scores"] if line["test_set"] == "cmux2_b" and line["noise"] == "none"]
    assert scores["mpjpe"] == pytest.approx(said["mpjpe"], abs=0.02)
    assert scores["p_mpjpe"] == pytest.approx(said["p_mpjpe"], abs=0.02)


@pytest.mark.parametrize(("fps", "step"), [(25.0, 1), (30.0, 1), (50.0, 2), (120.0, 5), (12.5, 1)])
def test_lifters_of_clips_read_every_nth_frame_of_faster_videos(fps, step, generator):
    lifter = ScreenLifter(build_posenet("videopose", frames=9, channels=8), "root").eval()
    lifter.fps = 25.0
    assert rate_step(lifter, fps) == step and rate_step(load_lifter(BODY), fps) == 1
    points = 500 + 100 * torch.randn(41, 16, 2, generator=generator, dtype=torch.float64).numpy()
    piece = Piece(np.arange(41), points, np.ones((41, 16)))
    fast = lift_pieces(lifter, [piece], (1000, 1000), fps).joints_3d
    thinned = replace(piece, frames=piece.frames[::step], joints=points[::step], scores=piece.scores[::step])
    slow = lift_pieces(lifter, [thinned], (1000, 1000), 25.0).joints_3d
    np.testing.assert_allclose(fast[::step], slow, atol=1e-5)


class _Video:
    """OpenCV's interface of a video of blank images."""

    def __init__(self, frames):
        self.left = frames

    def read(self):
        self.left -= 1
        return self.left >= 0, np.zeros((720, 1280, 3), np.uint8)

    def get(self, what):
        return {3: 1280.0, 4: 720.0, 5: 30.0}[what]


def _rtmlib(points):
    """The module, as its source has it: arrays of keypoints and of scores for each image."""
    answers = iter(points)

    def body(image):
        answer = next(answers)
        return answer[None, :, :2], answer[None, :, 2]

    return SimpleNamespace(Body=lambda mode: body)


def _mediapipe(points):
    """The module, as its documentation has it: landmarks as fractions of the image."""
    answers = iter(make.in_layout(points, "mediapipe_33") / [*make.SIZE, 1.0])

    def detect(image, milliseconds):
        body = [SimpleNamespace(x=x, y=y, z=0.0, visibility=score) for x, y, score in next(answers).tolist()]
        return SimpleNamespace(pose_landmarks=[body])

    landmarker = SimpleNamespace(create_from_options=lambda options: SimpleNamespace(detect_for_video=detect))
    vision = SimpleNamespace(
        PoseLandmarkerOptions=lambda **_: None, RunningMode=SimpleNamespace(VIDEO=1), PoseLandmarker=landmarker
    )
    tasks = SimpleNamespace(vision=vision, BaseOptions=lambda **_: None)
    return SimpleNamespace(tasks=tasks, Image=lambda **_: None, ImageFormat=SimpleNamespace(SRGB=1))


@pytest.mark.parametrize(("tool", "module"), [("rtmlib", _rtmlib), ("mediapipe", _mediapipe)])
def test_what_the_video_script_saves_is_read(tool, module, tmp_path, monkeypatch):
    """With modules that answer as the tools do, which are not installed here."""
    points, out = make.seen(make.walk())[:3], tmp_path / "video.json"
    monkeypatch.setitem(sys.modules, tool, module(points))
    assert keypoints_from_video.save(_Video(3), keypoints_from_video.DETECTORS[tool](), out) == 3
    predict.main(["--keypoints", str(out), "--out", str(tmp_path / "out"), *FLAGS[:4]])
    found = dict(np.load(tmp_path / "out" / "pose.npz"))
    assert len(found["frames"]) == 3 and float(found["fps"]) == 30.0 and found["image_size"].tolist() == [*make.SIZE]
    seen = points[..., 2] > 0.1
    assert np.abs(found["joints_2d"] - points[..., :2])[seen].max() < 0.11
