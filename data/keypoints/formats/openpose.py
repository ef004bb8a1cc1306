"""OpenPose's folder (--write_json): a file per frame, <video>_000000000012_keypoints.json; Pose2Sim's and RTMLib's too.

{"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, score, ...]}, ...]}; 25 keypoints are
BODY_25, 18 the older COCO model; tools that write this form have 17, 26 or 133. A keypoint that was not found is
0, 0, 0. BODY_25B has 25 keypoints, too: the check of bodies tells it apart.
"""

from typing import Any

from data.keypoints.json_people import walk
from data.keypoints.registry import OPENPOSE_BY_COUNT, Format


def looks_like(content: Any) -> bool:
    """Whether JSON is one frame of such a folder."""
    return isinstance(content, dict) and isinstance(content.get("people"), list)


FORMAT = Format(
    "openpose", walk, looks_like, "folder of `--write_json`, a file per frame; the same of RTMLib and Pose2Sim",
    "body_25, openpose_18, coco_17, halpe_26; `--layout body_25b`; whole body (133)", "no / no", OPENPOSE_BY_COUNT,
)  # fmt: skip
