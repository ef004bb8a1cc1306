"""2D keypoint files in VideoPose3D's layout: data_2d_h36m_<detector>.npz.

`positions_2d`: subject -> recording -> one (F, 16 or 17, 2) array of pixels per camera; `metadata` names the layout.
A third column is the detector's confidence, 0 to 1. NaN is a joint that was not found (data.keypoints.gaps).
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from data.data_source import choose
from data.files.members import described, is_list, recordings_of, table
from data.files.npz import load_npz_restricted
from data.h36m.cameras import CAMERA_RESOLUTIONS
from data.h36m.names import canonical_recording
from data.plausible import check_points
from kinematics.camera import pixels_to_screen
from kinematics.skeleton import Skeleton

NUM_CAMERAS = len(CAMERA_RESOLUTIONS)
# A detector loses or adds a few frames at the end of a video; more than this is another recording or frame rate.
MAX_CUT_FRAMES, MAX_CUT_FRACTION = 50, 0.05
ROUNDING = 1e-3  # by which a confidence may be outside 0 to 1
# VideoPose3D's stacked hourglass files have MPII's 16 joints, told by their sides. In the order of "h36m_16" they are
# what SemGCN's files of the same name hold: MPII's thorax is Spine, its neck Thorax, its head top Head.
MPII_SIDES = [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]  # left, right
FROM_MPII = [6, 2, 1, 0, 3, 4, 5, 7, 8, 9, 13, 14, 15, 12, 11, 10]
_WHERE = "docs/data_h36m.md says where each file comes from."


def keypoints_path(data_root: str | Path, keypoints: str) -> Path:
    """The file of a detector: data_2d_h36m_<keypoints>.npz; a missing one is refused with those that are there."""
    root = Path(data_root)
    path = root / f"data_2d_h36m_{keypoints}.npz"
    if not path.exists():
        available = sorted(file.name[len("data_2d_h36m_") : -len(".npz")] for file in root.glob("data_2d_h36m_*.npz"))
        listed = f"there: gt, {', '.join(name for name in available if name != 'gt')}" if available else "there: gt"
        raise FileNotFoundError(
            f"{path} is missing: --keypoints {keypoints} needs it ({listed.rstrip(', ')}). Put it into {root}; {_WHERE}"
        )
    return path


class Detections(NamedTuple):
    """What a detector saw in one camera's video. joints_2d: (F, J, 2) screen, float32, NaN where a joint is missing.

    confidence: (F, J) float32, 0 to 1, 0 where a joint is missing; None where the file has none.
    """

    joints_2d: Float[np.ndarray, "frames joints 2"]
    confidence: Float[np.ndarray, "frames joints"] | None


class Keypoints2D:
    """One detector's file, checked recording by recording. layout: of its arrays, "h36m_16" or "h36m_17"."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        content = load_npz_restricted(path, _WHERE)
        positions = recordings_of(path, content, "positions_2d", _WHERE)
        self.positions: dict[str, dict[str, Any]] = {
            subject: {canonical_recording(recording) or recording: cameras for recording, cameras in recordings.items()}
            for subject, recordings in positions.items()
        }
        self.cut_3d, self.cut_2d, self.recordings_cut = 0, 0, 0
        self.lacking: list[str] = []
        self.odd_scores = 0
        self.strange: list[str] = []  # sentences on 2D that is far from the 3D
        metadata = metadata_of(content)
        self.is_mpii = is_mpii(metadata)
        # 17 joints may be COCO's as well as Human3.6M's; only the metadata tells
        if layout_name(metadata) == "coco" or sides_of(metadata)[0][:2] == [1, 3]:
            raise ValueError(
                f"{self.path} has Skeleton('coco_17') keypoints, expected Skeleton('h36m_17') or 'h36m_16': use a "
                "detector trained on Human3.6M's joints, e.g. cpn_ft_h36m_dbb."
            )

    def screen(self, subject: str, recording: str, layout: str, frames: int) -> list[Detections] | None:
        """The cameras' keypoints in screen units, cut to at most `frames`; None where the file lacks the recording.

        layout: the skeleton wanted; Neck/Nose is dropped by name for "h36m_16". Arrays may come back shorter.
        """
        if recording not in self.positions.get(subject, {}):
            self.lacking.append(f"{subject} {recording}")
            return None
        name = f"{self.path}, {subject} {recording}"
        cameras = self.positions[subject][recording]
        if not is_list(cameras):
            raise ValueError(f"{name} has {described(cameras)}, expected {NUM_CAMERAS} arrays: one per camera.")
        if len(cameras) != NUM_CAMERAS:
            raise ValueError(f"{name} has {len(cameras)} cameras, expected {NUM_CAMERAS}: one array per camera.")
        checked = [_checked(pixels, f"{name}, camera {index}") for index, pixels in enumerate(cameras)]
        if self.is_mpii:
            checked = [pixels[:, FROM_MPII] if pixels.shape[1] == len(FROM_MPII) else pixels for pixels in checked]
        for index, (pixels, (width, _)) in enumerate(zip(checked, CAMERA_RESOLUTIONS, strict=True)):
            check_points(pixels[..., :2], f"{name}, camera {index}", width, missing=True, advice="Detect it again.")
        shortest = min(len(pixels) for pixels in checked)
        longest = max(frames, *(len(pixels) for pixels in checked))
        kept = min(frames, shortest)
        if longest - kept > max(MAX_CUT_FRAMES, MAX_CUT_FRACTION * longest):
            raise ValueError(
                f"{name} has {shortest} frames where the 3D has {frames}: that is no cut at the end. Use 2D and 3D "
                "of the same recording at the same frame rate."
            )
        self.cut_3d += frames - kept
        self.cut_2d += sum(len(pixels) - kept for pixels in checked)
        self.recordings_cut += longest > kept
        detections = [_to_screen(pixels[:kept], index, layout, name) for index, pixels in enumerate(checked)]
        scored = checked[0].shape[2] == 3
        self.odd_scores += scored and any(seen.confidence is None for seen in detections)
        return detections

    def notes(self) -> list[str]:
        """What was cut and what was missing so far."""
        notes = []
        if self.recordings_cut:
            notes.append(
                f"{self.path.name}: 2D and 3D differ in length in {self.recordings_cut} recordings; cut to the "
                f"shorter: {self.cut_3d} frames of 3D, {self.cut_2d} frames of 2D."
            )
        if self.lacking:
            notes.append(f"{self.path.name} has no keypoints for {', '.join(self.lacking)}; left out.")
        if self.is_mpii:
            notes.append(f"{self.path.name}: its 16 joints are in MPII's order and were put in Human3.6M's.")
        if self.odd_scores:
            notes.append(
                f"{self.path.name}: the third column of {self.odd_scores} recordings is not from 0 to 1, so it is no "
                "confidence and left away."
            )
        more = [f"The same of {len(self.strange) - 1} other recordings."] if len(self.strange) > 1 else []
        return [*notes, *self.strange[:1], *more]

    def require(self, subjects: list[str]) -> None:
        """Refuse the file if it lacks a subject altogether."""
        choose(f"{self.path} subject", subjects, self.positions)


def metadata_of(content: dict[str, Any]) -> dict[str, Any]:
    """What the file says about its keypoints, under words; nothing where it does not."""
    metadata = content.get("metadata")
    return {key: value for key, value in metadata.items() if isinstance(key, str)} if isinstance(metadata, dict) else {}


def layout_name(metadata: dict[str, Any]) -> str:
    """The layout as the metadata name it; nothing where they do not."""
    name = metadata.get("layout_name")
    return name if isinstance(name, str) else ""


def sides_of(metadata: dict[str, Any]) -> list[list[int]]:
    """Left and right joints as the metadata say, in rising order; none where they do not."""
    sides = metadata.get("keypoints_symmetry")
    if not is_list(sides) or len(sides) != 2:
        return [[], []]
    numbers = [np.ravel(table(side, "keypoints_symmetry")).tolist() for side in sides]
    if not all(isinstance(joint, int) for side in numbers for joint in side):
        return [[], []]
    return [sorted(side) for side in numbers]


def is_mpii(metadata: dict[str, Any]) -> bool:
    """Whether 16 joints are in MPII's order."""
    return layout_name(metadata) == "mpii" or sides_of(metadata) == MPII_SIDES


def _checked(raw: Any, name: str) -> np.ndarray:
    pixels = table(raw, name)
    if pixels.dtype.kind not in "fiu" or pixels.ndim != 3 or pixels.shape[2] not in (2, 3) or not len(pixels):
        raise ValueError(f"{name} has an array of shape {pixels.shape}, expected (frames, 16 or 17, 2) pixels.")
    if pixels.shape[1] not in (16, 17):
        raise ValueError(f"{name} has {pixels.shape[1]} joints, expected 16 or 17: Skeleton('h36m_16') or ('h36m_17').")
    if np.isinf(pixels).any():
        raise ValueError(f"{name} has infinity in its keypoints, expected pixels, or NaN where a joint was not found.")
    largest = np.abs(pixels[..., :2]).max(initial=0, where=~np.isnan(pixels[..., :2]))
    if largest < 10 and not np.isnan(pixels[..., :2]).all():
        raise ValueError(
            f"{name} has coordinates up to {largest:.3g}, expected pixels (0 to 1000): they look normalised."
        )
    return pixels


def _to_screen(pixels: np.ndarray, camera_index: int, layout: str, name: str) -> Detections:
    source, target = Skeleton.from_num_joints(pixels.shape[1]), Skeleton(layout)
    if not source.can_become(target):
        raise ValueError(
            f"{name} has the {source.num_joints} joints of Skeleton('{source.name}'), expected the "
            f"{target.num_joints} of Skeleton('{target.name}'): train with --num_joints {source.num_joints}, or get a "
            "file with Neck/Nose."
        )
    width, height = CAMERA_RESOLUTIONS[camera_index]
    converted = source.convert(pixels, target).astype(np.float64)
    screen = pixels_to_screen(torch.from_numpy(converted[..., :2].copy()), width, height).float().numpy()
    return Detections(screen, _confidence(converted))


def _confidence(pixels: np.ndarray) -> np.ndarray | None:
    """The third column, 0 where a joint is missing; None where it is none or not from 0 to 1 (logits, say)."""
    if pixels.shape[2] < 3:
        return None
    scores = np.where(np.isnan(pixels).any(axis=-1), 0.0, pixels[..., 2])
    inside = (scores >= -ROUNDING).all() and (scores <= 1 + ROUNDING).all()
    return scores.clip(0, 1).astype(np.float32) if inside else None
