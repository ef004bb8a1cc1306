"""What all tests share."""

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch

from tests.shape_checks import jaxtyped_once

BODY = [0.45, 0.45, 0.44, 0.44, 0.13, 0.13, 0.24, 0.25, 0.15, 0.15, 0.28, 0.28, 0.25, 0.25, 0.19]  # metres
torch.set_num_threads(1)  # small tensors: threads only cost
jaxtyping.jaxtyped = jaxtyped_once  # what the import hook decorates with (pyproject.toml)
gc.disable()  # until everything is imported: nothing of that is ever freed


# Whole runs, real processes, ONNX and the browser: `make fast` leaves them out.
SLOW = {
    "test_run_fk_gan.py", "test_view_runs.py", "test_detected_runs.py", "test_gpu_check.py", "test_cmux_benchmark.py",
    "test_stopping.py", "test_distributed.py", "test_device_waits.py", "test_self_supervision.py", "test_stored.py",
    "test_export_onnx.py", "test_clip_memory.py", "test_browser.py", "test_serving.py", "test_synthetic_quality.py",
    "test_wild_numbers.py", "test_busy_machine.py", "test_isolated.py", "test_predict.py", "test_rebuilding.py",
    "test_predict_shipped.py", "test_refine.py", "test_triangulation.py", "test_download.py", "test_uncertainty.py",
    "test_forged.py", "test_published.py", "test_view_checks.py", "test_input_layouts.py", "test_other_device.py",
    "test_residence.py", "test_killed.py", "test_prepare_data_h36m.py", "test_excerpt.py",
}  # fmt: skip
SLOW_FOLDERS = {"plugins", "export", "viewer", "pretended", "fuzz"}


def _is_slow(path: Path) -> bool:
    return path.name in SLOW or path.parent.name in SLOW_FOLDERS


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`make fast` does not even import what it leaves out."""
    return True if config.option.markexpr == "not slow" and _is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_slow(item.path):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gpu-device", help="device of the tests marked gpu: cpu rehearses them where there is no GPU")


@pytest.fixture(autouse=True)
def _same_numbers_each_time() -> None:
    """Weights and inputs that a test draws without a generator of its own are the same in every run and order."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002, what libraries draw


@pytest.fixture
def refusal_of(capsys: pytest.CaptureFixture[str]) -> Callable[[Callable[[list[str]], Any], list[str]], str]:
    """(a command's main, its words) -> the one line on stderr with which the command leaves with code 2."""
    from kinematics import exit_with_one_sentence

    def refusal(main: Callable[[list[str]], Any], words: list[str]) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            exit_with_one_sentence(lambda: main(words))
        said = capsys.readouterr()
        assert (left.value.code, said.out, said.err.count("\n")) == (2, "", 1), said
        return said.err

    return refusal


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def people_of() -> Callable[..., Any]:
    """(count, seed, dtype) -> PoseBatch of one body scaled by up to 10 %, hips 1 m up near the origin, each pose seen
    by a camera of its own.
    """
    from augment.cameras import wide_cameras
    from augment.sources.random_poses import range_of_motion_poses
    from augment.visible import project_to_batch
    from data.batch import REAL
    from kinematics import DHHuman

    def standing_people(count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Any:
        generator = torch.Generator().manual_seed(seed)
        poses = range_of_motion_poses(count, generator, 0.1, dtype)
        lengths = torch.tensor(BODY, dtype=dtype) * (0.9 + 0.2 * torch.rand(count, 1, generator=generator, dtype=dtype))
        root = torch.rand(count, 3, generator=generator, dtype=dtype) - 0.5 + torch.tensor([0.0, 0.0, 1.0])
        joints = DHHuman()(poses.joint_angles, lengths, poses.global_rotation, root.to(dtype))[:, None]
        batch = project_to_batch(joints, wide_cameras(joints[:, 0, 0], generator))
        batch.source.fill_(REAL)
        return batch

    return standing_people


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def float_dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture(scope="session")
def write_keypoints() -> Callable[..., Path]:
    """(format, folder, frames, size) -> the file, written as the format's description says.

    frames: per frame a list of people, (17, 3) each: COCO's joints, x and y in pixels and a score.
    """

    def write(name: str, folder: Path, frames: list[list[np.ndarray]], size: tuple[int, int] = (1000, 800)) -> Path:
        path = folder / {"videopose3d": "video.npz", "npy": "video.npy", "csv": "video.csv"}.get(name, f"{name}.json")
        if name in _JSON_OF_PEOPLE:
            content = [
                _JSON_OF_PEOPLE[name](i, person.tolist()) for i, people in enumerate(frames) for person in people
            ]
            path.write_text(json.dumps(content))
        elif name in _JSON_OF_FRAMES:
            content = [_JSON_OF_FRAMES[name](i, [row.tolist() for row in people]) for i, people in enumerate(frames)]
            path.write_text(json.dumps(content))
        elif name == "mmpose":
            path.write_text(json.dumps([_mmpose_frame(i, people) for i, people in enumerate(frames)]))
        elif name == "mediapipe":
            path.write_text(json.dumps([[_mediapipe_person(person, size) for person in people] for people in frames]))
        elif name == "openpose":
            path = folder / "openpose"
            path.mkdir()
            for i, people in enumerate(frames):
                content = {"version": 1.3, "people": [_openpose_person(person) for person in people]}
                (path / f"my_2nd_video_{i:012d}_keypoints.json").write_text(json.dumps(content))
        elif name == "videopose3d":
            about = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": [[1, 3, 5], [2, 4, 6]]}
            about["video_metadata"] = {"clip.mp4": {"w": size[0], "h": size[1]}}
            positions = {"clip.mp4": {"custom": [np.stack([people[0] for people in frames])]}}
            np.savez(path, positions_2d=np.array(positions, object), metadata=np.array(about, object))
        elif name == "npy":
            np.save(path, np.stack([np.stack(people) for people in frames]))
        else:
            np.savetxt(path, np.stack([people[0].ravel() for people in frames]), delimiter=",", fmt="%.9f")
        return path

    return write


_JSON_OF_PEOPLE = {
    "coco": lambda i, rows: {"image_id": i, "category_id": 1, "keypoints": sum(rows, []), "score": 0.7},
    "alphapose": lambda i, rows: {
        "image_id": f"{i}.jpg", "category_id": 1, "keypoints": sum(rows, []), "score": 0.7,
        "box": [min(row[0] for row in rows), min(row[1] for row in rows), 60, 200],
    },
}  # fmt: skip

_JSON_OF_FRAMES = {
    "ultralytics": lambda i, people: {
        "frame": i,
        "detections": [
            {"name": "person", "class": 0, "confidence": 0.7, "box": {"x1": 1.0, "y1": 2.0, "x2": 60.0, "y2": 200.0},
             "keypoints": dict(zip(("x", "y", "visible"), zip(*rows, strict=True), strict=True))}
            for rows in people
        ],
    },
    "openpifpaf": lambda i, people: {
        "frame": i,
        "predictions": [
            {"keypoints": sum(rows, []), "bbox": [1.0, 2.0, 59.0, 198.0], "score": 0.7, "category_id": 1}
            for rows in people
        ],
    },
    "json": lambda i, people: {"time": i / 25, "poses": [{"points": rows} for rows in people]},
}  # fmt: skip


def _mmpose_frame(number: int, people: list[np.ndarray]) -> dict[str, Any]:
    return {
        "frame_id": number,
        "instances": [
            {
                "keypoints": person[:, :2].tolist(), "keypoint_scores": person[:, 2].tolist(),
                "bbox": [[*person[:, :2].min(axis=0), *person[:, :2].max(axis=0)]], "bbox_score": 0.7,
            }
            for person in people
        ],
    }  # fmt: skip


def _openpose_person(person: np.ndarray) -> dict[str, Any]:
    """BODY_25: its neck is the middle of COCO's shoulders (5, 6), its middle hip that of the hips (11, 12)."""
    neck, hip = ((person[a] + person[b]) / 2 for a, b in ((5, 6), (11, 12)))
    order = [0, neck, 6, 8, 10, 5, 7, 9, hip, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, *[np.zeros(3)] * 6]
    rows = [person[entry] if isinstance(entry, int) else entry for entry in order]
    return {"person_id": [-1], "pose_keypoints_2d": np.concatenate(rows).tolist(), "face_keypoints_2d": []}


def _mediapipe_person(person: np.ndarray, size: tuple[int, int]) -> list[dict[str, float]]:
    """33 landmarks, fractions of the image; what COCO lacks lies on the nose."""
    order = [0, 0, 1, 0, 0, 2, 0, 3, 4, 0, 0, 5, 6, 7, 8, 9, 10, *[0] * 6, 11, 12, 13, 14, 15, 16, *[0] * 4]
    return [
        {"x": person[i, 0] / size[0], "y": person[i, 1] / size[1], "z": 0.1, "visibility": person[i, 2]} for i in order
    ]


@pytest.fixture(scope="session")
def walking_people() -> Callable[..., list[list[np.ndarray]]]:
    """(frames, places) -> frames of people, (17, 3) each in COCO's joints: a stick figure at x 0 to 1, moving legs.

    places: (people, 2) x of each at the first and the last frame, pixels; 200 pixels tall.
    """

    def make(frames: int, places: Any = ((300, 340),)) -> list[list[np.ndarray]]:
        body = np.array(
            [[0, 0.1], [0.02, 0.08], [-0.02, 0.08], [0.05, 0.09], [-0.05, 0.09], [0.1, 0.25], [-0.1, 0.25],
             [0.14, 0.4], [-0.14, 0.4], [0.15, 0.53], [-0.15, 0.53], [0.07, 0.55], [-0.07, 0.55], [0.08, 0.77],
             [-0.08, 0.77], [0.08, 1], [-0.08, 1]]
        )  # fmt: skip
        clip = []
        for frame in range(frames):
            people = []
            for number, (first, last) in enumerate(places):
                points = 200 * body + [first + (last - first) * frame / max(frames - 1, 1), 300 + 3 * number]
                points[13:, 0] += 15 * np.sin(frame / 3 + number) * np.array([1, -1, 2, -2])
                people.append(np.column_stack([points, 0.9 - 0.1 * number + 0.05 * body[:, 1]]))
            clip.append(people)
        return clip

    return make
