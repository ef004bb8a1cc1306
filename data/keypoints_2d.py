"""2D keypoint files in VideoPose3D's layout: data_2d_h36m_<detector>.npz.

`positions_2d`: subject -> take -> list of one (F, 16 or 17, 2) array of pixels per camera; `metadata` names the layout.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from data.h36m_cameras import CAMERA_RESOLUTIONS
from data.h36m_names import canonical_take, choose
from data.readers import load_npz_restricted
from kinematics.camera import pixels_to_screen
from kinematics.skeleton import Skeleton

NUM_CAMERAS = len(CAMERA_RESOLUTIONS)
# A detector loses or adds a few frames at the end of a video; more than this is another recording or frame rate.
MAX_CUT_FRAMES, MAX_CUT_FRACTION = 50, 0.05
_WHERE = "docs/data_h36m.md says where each file comes from."


def keypoints_path(data_root: str | Path, keypoints: str) -> Path:
    """The file of a detector: data_2d_h36m_<keypoints>.npz; a missing one is refused with those that are there."""
    root = Path(data_root)
    path = root / f"data_2d_h36m_{keypoints}.npz"
    if not path.exists():
        there = sorted(file.name[len("data_2d_h36m_") : -len(".npz")] for file in root.glob("data_2d_h36m_*.npz"))
        found = f"there: gt, {', '.join(name for name in there if name != 'gt')}" if there else "there: gt"
        raise FileNotFoundError(
            f"{path} is missing: --keypoints {keypoints} needs it ({found.rstrip(', ')}). Put it into {root}; {_WHERE}"
        )
    return path


class Keypoints2D:
    """One detector's file, checked take by take. layout: skeleton name of the arrays in it, "h36m_16" or "h36m_17"."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        content = load_npz_restricted(path, _WHERE)
        positions = content.get("positions_2d")
        if not isinstance(positions, dict):
            raise ValueError(
                f"{path} has {', '.join(content) or 'nothing'} inside, expected 'positions_2d': subject -> take -> "
                f"arrays of pixels. {_WHERE}"
            )
        self.positions: dict[str, dict[str, Any]] = {
            subject: {canonical_take(take) or take: cameras for take, cameras in takes.items()}
            for subject, takes in positions.items()
        }
        self.cut_3d, self.cut_2d, self.takes_cut = 0, 0, 0
        self.lacking: list[str] = []
        metadata = content.get("metadata")
        self._refuse_coco(metadata if isinstance(metadata, dict) else {})

    def _refuse_coco(self, metadata: dict[str, Any]) -> None:
        """17 joints may be COCO's as well as Human3.6M's; only the metadata tells."""
        left = metadata.get("keypoints_symmetry", [[]])[0]
        if metadata.get("layout_name") == "coco" or list(left)[:2] == [1, 3]:
            raise ValueError(
                f"{self.path} has Skeleton('coco_17') keypoints, expected Skeleton('h36m_17') or 'h36m_16': use a "
                "detector trained on Human3.6M's joints, e.g. cpn_ft_h36m_dbb."
            )

    def screen(
        self, subject: str, take: str, layout: str, frames: int
    ) -> list[Float[np.ndarray, "frames joints 2"]] | None:
        """The cameras' keypoints in screen units, float32, cut to at most `frames`; None where the file lacks the take.

        layout: the skeleton wanted; Neck/Nose is dropped by name for "h36m_16". Arrays may come back shorter.
        """
        if take not in self.positions.get(subject, {}):
            self.lacking.append(f"{subject} {take}")
            return None
        name = f"{self.path}, {subject} {take}"
        cameras = self.positions[subject][take]
        if len(cameras) != NUM_CAMERAS:
            raise ValueError(f"{name} has {len(cameras)} cameras, expected {NUM_CAMERAS}: one array per camera.")
        checked = [_checked(pixels, f"{name}, camera {index}") for index, pixels in enumerate(cameras)]
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
        self.takes_cut += longest > kept
        return [_to_screen(pixels[:kept], index, layout, name) for index, pixels in enumerate(checked)]

    def notes(self) -> list[str]:
        """What was cut and what was missing so far."""
        notes = []
        if self.takes_cut:
            notes.append(
                f"{self.path.name}: 2D and 3D differ in length in {self.takes_cut} takes; cut to the shorter: "
                f"{self.cut_3d} frames of 3D, {self.cut_2d} frames of 2D."
            )
        if self.lacking:
            notes.append(f"{self.path.name} has no keypoints for {', '.join(self.lacking)}; left out.")
        return notes

    def require(self, subjects: list[str]) -> None:
        """Refuse the file if it lacks a subject altogether."""
        choose(f"{self.path} subject", subjects, self.positions)


def _checked(raw: Any, name: str) -> np.ndarray:
    pixels = np.asarray(raw)
    if pixels.dtype.kind not in "fiu" or pixels.ndim != 3 or pixels.shape[2] not in (2, 3) or not len(pixels):
        raise ValueError(f"{name} has an array of shape {pixels.shape}, expected (frames, 16 or 17, 2) pixels.")
    pixels = pixels[..., :2]  # a third column is the detector's confidence
    if pixels.shape[1] not in (16, 17):
        raise ValueError(
            f"{name} has {pixels.shape[1]} joints, expected 16 or 17: Skeleton('h36m_16') or Skeleton('h36m_17')."
        )
    if not np.isfinite(pixels).all():
        raise ValueError(f"{name} has NaN or infinity in its keypoints. Fill or remove those frames.")
    if np.abs(pixels).max() < 10:
        raise ValueError(
            f"{name} has coordinates up to {np.abs(pixels).max():.3g}, expected pixels (0 to 1000): they look "
            "normalised already. Give pixels."
        )
    return pixels


def _to_screen(pixels: np.ndarray, camera_index: int, layout: str, name: str) -> np.ndarray:
    source, target = Skeleton.from_num_joints(pixels.shape[1]), Skeleton(layout)
    if not source.can_become(target):
        raise ValueError(
            f"{name} has the {source.num_joints} joints of Skeleton('{source.name}'), expected the "
            f"{target.num_joints} of Skeleton('{target.name}'): train with --num_joints {source.num_joints}, or get a "
            "file with Neck/Nose."
        )
    width, height = CAMERA_RESOLUTIONS[camera_index]
    points = torch.from_numpy(source.convert(pixels, target).astype(np.float64))
    return pixels_to_screen(points, width, height).float().numpy()
