"""AIST++'s folder: OpenCV's cameras in centimetres, COCO's joints, a detector's 2D, the published splits."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from augment.detector_noise.detections import is_projected
from data import load_dataset, load_test_set
from data.dataset import PoseDataset
from data.multiview.checks import check_views
from data.recordings import DataSettings
from evaluation.protocols import PROTOCOLS
from kinematics.skeleton import Skeleton
from tests.data.domains.conftest import SEQUENCES, SETTING

COCO, BODY = Skeleton("coco_17"), Skeleton("h36m_16")
LIMBS = list(PROTOCOLS["limbs"].scored)
IN_COCO, IN_BODY = ([layout.joints.index(name) for name in LIMBS] for layout in (COCO, BODY))
TRAIN, TEST = "gBR_sBM_cAll_d04_mBR0_ch03", "gHO_sBM_cAll_d03_mHO5_ch01"


def test_all_cameras_see_the_dancer_upright_and_in_metres(tmp_path: Path, write_aist, walk):
    write_aist(tmp_path)
    (recording,) = load_test_set("aistx_gt", DataSettings(data_root=str(tmp_path)))
    assert (recording.subject, recording.action, recording.fps) == ("d03", "House", 60)
    assert [view.camera_name for view in recording.views] == ["c01", "c02", "c03"]
    joints = walk(30, "coco_17")
    world = recording.joints_world
    assert world[:, IN_BODY, 2] == pytest.approx(joints[:, IN_COCO, 2], abs=1e-4)
    distances = np.linalg.norm(world[:, IN_BODY, None] - world[:, None, IN_BODY], axis=-1)
    given = np.linalg.norm(joints[:, IN_COCO, None] - joints[:, None, IN_COCO], axis=-1)
    np.testing.assert_allclose(distances, given, atol=1e-4)
    middle = (joints[:, COCO.joints.index("LHip")] + joints[:, COCO.joints.index("RHip")]) / 2
    assert world[:, 0, 2] == pytest.approx(middle[:, 2], abs=1e-4)
    check_views(recording, screen_agreement=1e-3)


def test_opencv_s_lens_is_held_to_hundredths_of_a_pixel(tmp_path: Path, write_aist):
    write_aist(tmp_path)
    (seen,) = load_test_set("aistx", DataSettings(data_root=str(tmp_path)))
    (true,) = load_test_set("aistx_gt", DataSettings(data_root=str(tmp_path)))
    for view, projected in zip(seen.views, true.views, strict=True):
        pixels = 960 * np.abs(view.joints_2d - projected.joints_2d)[:, IN_BODY]
        assert pixels.max() < 0.1 and view.confidence == pytest.approx(0.9)


def test_detections_have_gaps_and_scores_and_missing_3d_is_no_sample(tmp_path: Path, write_aist):
    def detector(pixels: np.ndarray) -> np.ndarray:
        seen = np.concatenate([pixels + 3, np.full((*pixels.shape[:-1], 1), 1.3)], axis=-1)
        seen[0, 5:9, COCO.joints.index("LWrist")] = np.nan
        seen[1, 20:, COCO.joints.index("RKnee"), 2] = 0
        return seen

    root = write_aist(tmp_path, 60, detector)
    path = root / "keypoints3d" / f"{TEST}.pkl"
    content = pickle.loads(path.read_bytes())
    content["keypoints3d_optim"] = content["keypoints3d_optim"].copy()
    content["keypoints3d_optim"][50:] = np.nan
    content["keypoints3d_optim"][3, COCO.joints.index("RWrist"), 0] += 300  # lost for a frame
    path.write_bytes(pickle.dumps(content))
    notes: list[str] = []
    recordings = load_test_set("aistx", DataSettings(data_root=str(tmp_path)), notes=notes)
    by_camera = {view.camera_name: (recording, view) for recording in recordings for view in recording.views}
    assert [len(by_camera[name][1].joints_2d) for name in ("c01", "c02", "c03")] == [60, 20, 60]
    scores = by_camera["c01"][1].confidence
    assert scores is not None and (scores[5:9, BODY.joints.index("LWrist")] == 0).all()
    assert by_camera["c03"][1].confidence == pytest.approx(1.0)
    good = [0, 1, 2, *range(4, 50)]
    assert np.flatnonzero(by_camera["c03"][0].usable).tolist() == good
    assert any("AIST++ test, detected: joints are missing" in note for note in notes)
    dataset = PoseDataset.from_recordings(recordings)
    assert len(dataset) == 49 + 19 + 49 and not is_projected(dataset)


def test_splits_are_the_published_ones_without_the_ignored(tmp_path: Path, write_aist):
    write_aist(tmp_path)
    splits = load_dataset("aistx", DataSettings("aistx", str(tmp_path), keypoints="detected"))
    parts = {"train": splits.train, "val": splits.validation, "test": splits.tests["aistx"]}
    for split, recordings in parts.items():
        assert {recording.group["sequence"] for recording in recordings} == {
            name for name, of in SEQUENCES.items() if of == split
        }
    assert splits.train[0].views[0].confidence is not None
    projected = load_dataset("aistx", DataSettings("aistx", str(tmp_path)))
    assert projected.train[0].views[0].confidence is None


def test_several_views_are_loaded_together_for_lifters_of_several(tmp_path: Path, write_aist):
    write_aist(tmp_path)
    (recording,) = load_test_set("aistx_gt", DataSettings(data_root=str(tmp_path), views=3))
    assert len(recording.views) == 3


def test_views_that_the_authors_leave_out_are_left_out(tmp_path: Path, write_aist, monkeypatch: pytest.MonkeyPatch):
    write_aist(tmp_path)
    monkeypatch.setattr("data.domains.aistx.BAD_VIEWS", {(TEST, 1)})
    (recording,) = load_test_set("aistx", DataSettings(data_root=str(tmp_path)))
    assert [view.camera_name for view in recording.views] == ["c01", "c03"]


def test_detections_that_are_not_of_the_3d_are_left_out_and_told(tmp_path: Path, write_aist):
    changed_camera(write_aist(tmp_path), matrix=[[800.0, 0, 480], [0, 800.0, 270], [0, 0, 1]])
    notes: list[str] = []
    (recording,) = load_test_set("aistx", DataSettings(data_root=str(tmp_path)), notes=notes)
    assert [view.camera_name for view in recording.views] == ["c01", "c03"]
    assert notes == [f"AIST++ test: detections of {TEST} c02 are not of the 3D, and left out."]


def changed_camera(root: Path, **changes: object) -> None:
    path = root / "cameras" / f"{SETTING}.json"
    cameras = json.loads(path.read_text())
    cameras[1] |= changes
    path.write_text(json.dumps(cameras))


def metres(root: Path) -> None:
    path = root / "cameras" / f"{SETTING}.json"
    cameras = json.loads(path.read_text())
    path.write_text(json.dumps([camera | {"translation": [0.0, 1.1, 5.0]} for camera in cameras]))


def changed_pickle(path: Path, **changes: object) -> None:
    path.write_bytes(pickle.dumps(pickle.loads(path.read_bytes()) | changes))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda root: changed_camera(root, matrix=[1.0, 2.0]), "camera c02 has no 3 x 3 numbers of 'matrix'"),
        (lambda root: changed_camera(root, name="c01"), "3 cameras of as many names, expected 9"),
        (lambda root: changed_camera(root, name=3), "a camera without a name"),
        (metres, "the cameras, or their units, are others"),
        (lambda root: changed_camera(root, distortions=None), "no 5 numbers of 'distortions'"),
        (lambda root: (root / "cameras" / f"{SETTING}.json").write_text("{}"), "0 cameras"),
        (lambda root: (root / "cameras" / "mapping.txt").write_text("a b\n"), "has no line for gHO"),
        (lambda root: (root / "splits" / "pose_test.txt").unlink(), "pose_test.txt is missing"),
        (lambda root: (root / "keypoints3d" / f"{TEST}.pkl").unlink(), "has none of the 1 sequences of test"),
        (
            lambda root: changed_pickle(root / "keypoints3d" / f"{TEST}.pkl", keypoints3d_optim=np.ones((30, 17, 3))),
            "thighs of 0 cm",
        ),
        (
            lambda root: changed_pickle(root / "keypoints2d" / f"{TEST}.pkl", keypoints2d=[[[[1.0]]]]),
            "newer form with 133 keypoints is not read",
        ),
    ],
)
def test_files_of_something_else_are_one_sentence(tmp_path: Path, write_aist, change, message):
    change(write_aist(tmp_path))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load_test_set("aistx", DataSettings(data_root=str(tmp_path)))


def test_a_sequence_without_3d_is_left_out_and_told(tmp_path: Path, write_aist):
    root = write_aist(tmp_path)
    (root / "splits" / "pose_test.txt").write_text(f"{TEST}\n{TRAIN}\n")
    changed_pickle(root / "keypoints3d" / f"{TRAIN}.pkl", keypoints3d_optim=np.full((30, 17, 3), np.nan))
    notes: list[str] = []
    (recording,) = load_test_set("aistx_gt", DataSettings(data_root=str(tmp_path)), notes=notes)
    assert recording.group["sequence"] == TEST
    assert notes == ["AIST++ test: 1 of 2 sequences are missing, or have no 3D or too few views."]


def test_what_aist_has_not_is_one_sentence(tmp_path: Path, write_aist):
    write_aist(tmp_path)
    for settings, message in (
        (DataSettings(data_root=str(tmp_path), subjects_test=("d04",)), "dancer 'd04' is not known: choose from d03"),
        (DataSettings(data_root=str(tmp_path), actions=("Waltz",)), "choose from House"),
        (DataSettings(data_root=str(tmp_path), num_joints=15), "16 or 17 joints"),
    ):
        with pytest.raises(ValueError, match=message):
            load_test_set("aistx", settings)
    with pytest.raises(ValueError, match=r"AIST\+\+ has gt \(projected\) and detected"):
        load_dataset("aistx", DataSettings("aistx", str(tmp_path), keypoints="cpn"))
