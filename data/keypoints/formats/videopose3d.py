"""VideoPose3D's 2D files (data_2d_custom_*.npz), read without running what is pickled inside.

positions_2d: {video: {"custom": [(T, 17, 2 or 3) pixels]}}; metadata: {"layout_name": "coco", "num_joints": 17,
"keypoints_symmetry": [left, right], "video_metadata": {video: {"w": 1920, "h": 1080}}}.
"""

from pathlib import Path
from typing import Any

import numpy as np

from data.files.npz import load_npz_restricted
from data.h36m.keypoints import FROM_MPII, is_mpii, layout_name, metadata_of, sides_of
from data.keypoints.clip import first_number, number_array
from data.keypoints.formats.npy import LAYOUTS_BY_COUNT, add_array
from data.keypoints.labels import Place, choose_video
from data.keypoints.raw import RawClip
from data.keypoints.registry import Format
from kinematics.errors import PoseFKError

LAYOUTS_BY_NAME = {"coco": "coco_17", "h36m": "h36m_17"}


def read(raw: RawClip, content: Path, place: Place) -> None:
    """Add the people of the file's one video, or of the one asked for: VIDEO, VIDEO/ACTION or VIDEO/ACTION/CAMERA."""
    path = str(content)
    arrays = load_npz_restricted(content)
    positions, metadata = arrays.get("positions_2d"), metadata_of(arrays)
    if not isinstance(positions, dict):
        raise PoseFKError(f"{path} has {', '.join(arrays) or 'nothing'} inside, expected VideoPose3D's 'positions_2d'.")
    clips = {
        f"{video}/{action}/{camera}": pixels
        for video, actions in positions.items()
        for action, cameras in (actions.items() if isinstance(actions, dict) else ())
        for camera, pixels in enumerate(cameras)
    }
    chosen = choose_video(clips, raw.hints.video, path)
    pixels = number_array(clips[chosen], f"{path}, {chosen}")
    if raw.hints.layout is None and is_mpii(metadata) and pixels.ndim > 1 and pixels.shape[-2] == len(FROM_MPII):
        pixels = pixels[..., FROM_MPII, :]
    add_array(raw, pixels, Place(chosen))
    raw.layout = _layout(metadata, pixels)
    about = (metadata.get("video_metadata") or {}).get(chosen.split("/")[0]) or {}
    if "w" in about and "h" in about:
        raw.add_size(*(first_number(about[side], path) for side in "wh"))
    raw.fps = first_number(about["fps"], path) if "fps" in about else None


def _layout(metadata: dict[str, Any], pixels: np.ndarray) -> str | None:
    """What the metadata says: the layout's name, or whose left joints come first."""
    name = layout_name(metadata)
    if name in LAYOUTS_BY_NAME and not (name == "h36m" and pixels.shape[-2] == 16):
        return LAYOUTS_BY_NAME[name]
    left = sides_of(metadata)[0][:2]
    return "coco_17" if left == [1, 3] else "h36m_17" if left == [4, 5] and pixels.shape[-2] == 17 else None


FORMAT = Format(
    "videopose3d", read, None, "`data_2d_custom_*.npz`; several videos: `--video NAME`",
    "coco_17, h36m_17, h36m_16", "`video_metadata` / its `fps`, if there", LAYOUTS_BY_COUNT, (".npz",),
)  # fmt: skip
