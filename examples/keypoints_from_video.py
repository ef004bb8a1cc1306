"""Run a 2D detector over a video and save its keypoints as JSON that `posefk predict` reads without further flags.

    python examples/keypoints_from_video.py rtmlib video.mp4                              pip install rtmlib
    python examples/keypoints_from_video.py mediapipe video.mp4 pose_landmarker.task      pip install mediapipe
    posefk predict --keypoints video.json

Needs nothing of PoseFK. The file has the video's width, height and frame rate, and a list of people for each frame.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

People = list[Any]  # of a frame


def rtmlib_detector() -> Callable[[Any, float], People]:
    """RTMPose by RTMLib: COCO's 17 keypoints, pixels."""
    from rtmlib import Body  # type: ignore[import-not-found]

    body = Body(mode="balanced")

    def detect(image: Any, seconds: float) -> People:
        keypoints, scores = body(image)
        pairs = zip(keypoints.tolist(), scores.tolist(), strict=True)
        return [{"keypoints": points, "keypoint_scores": certain} for points, certain in pairs]

    return detect


def mediapipe_detector(model: str = "pose_landmarker.task") -> Callable[[Any, float], People]:
    """MediaPipe's Pose Landmarker: 33 landmarks, fractions of the image. model: its file, from MediaPipe's site."""
    import mediapipe as mp  # type: ignore[import-not-found]

    vision = mp.tasks.vision
    options = vision.PoseLandmarkerOptions(
        base_options=mp.tasks.BaseOptions(model_asset_path=model), running_mode=vision.RunningMode.VIDEO
    )
    landmarker = vision.PoseLandmarker.create_from_options(options)

    def detect(image: Any, seconds: float) -> People:
        picture = mp.Image(image_format=mp.ImageFormat.SRGB, data=image[..., ::-1].copy())  # OpenCV has blue first
        people = landmarker.detect_for_video(picture, round(1000 * seconds)).pose_landmarks
        return [[{name: getattr(p, name) for name in ("x", "y", "z", "visibility")} for p in one] for one in people]

    return detect


DETECTORS: dict[str, Callable[..., Callable[[Any, float], People]]] = {
    "rtmlib": rtmlib_detector, "mediapipe": mediapipe_detector,
}  # fmt: skip


def images_of(video: Any) -> Iterator[Any]:
    """Yield the frames of an OpenCV video."""
    while True:
        there, image = video.read()
        if not there:
            return
        yield image


def save(video: Any, detect: Callable[[Any, float], People], out: Path) -> int:
    """Detect people in every frame of an OpenCV video; return how many frames there were."""
    width, height, fps = int(video.get(3)), int(video.get(4)), float(video.get(5))
    frames = [detect(image, number / fps) for number, image in enumerate(images_of(video))]
    out.write_text(json.dumps({"width": width, "height": height, "fps": fps, "frames": frames}) + "\n")
    return len(frames)


def main(words: list[str]) -> None:
    if len(words) < 2 or words[0] not in DETECTORS:
        sys.exit(__doc__)
    import cv2  # type: ignore[import-not-found]

    video = cv2.VideoCapture(words[1])
    if not video.isOpened():
        sys.exit(f"{words[1]} cannot be opened as a video.")
    out = Path(words[1]).with_suffix(".json")
    print(f"{save(video, DETECTORS[words[0]](*words[2:]), out)} frames: posefk predict --keypoints {out}")


if __name__ == "__main__":
    main(sys.argv[1:])
