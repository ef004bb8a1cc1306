"""2D keypoints of a video -> 3D.

    python -m evaluation.predict --checkpoint checkpoint/.../last.safetensors --keypoints video.json --out lifted
    python -m evaluation.predict --checkpoint last.safetensors --keypoints openpose_folder --image_size 1920 1080 \\
        --fps 25 --out lifted --film mp4

Reads COCO, MMPose, AlphaPose, OpenPose, MediaPipe, Ultralytics, OpenPifPaf, VideoPose3D's npz, npy and csv:
docs/predict.md. Writes pose.npz,
pose.json, pose.bvh and a film into the folder, all or nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data.command_line import read_flags
from data.devices import chosen_device
from data.files.writing import atomic_folder
from data.keypoints.clip import Hints
from data.keypoints.people import People, load_people
from data.keypoints.tracking import Track
from data.plausible import FPS, IMAGE_SIZE
from evaluation.notes import rates_differ
from evaluation.predict.files import BVH_LAYOUT, WRITERS
from evaluation.predict.film import check_film, write_film
from evaluation.predict.lifted import LiftedClip, check_lifted, lift_pieces
from kinematics.errors import PoseFKError, exit_with_one_sentence
from posenets import ScreenLifter, load_lifter

LISTED_PEOPLE = 8


@dataclass
class Predict:
    """Lift the 2D keypoints of one person of a video."""

    checkpoint: Path
    """A run's last or best_*.safetensors, or an original project's checkpoint (then with --posenet_name)."""
    keypoints: Path
    """The detector's file, or a folder with a file for each frame."""
    out: Path
    """Folder for what is written."""
    format: str = "auto"
    """alphapose, coco, mmpose, openpose, ...: docs/predict.md; auto: found from the content."""
    layout: str | None = None
    """Joints of the file where it does not say: coco_17, halpe_26, body_25, openpose_18, h36m_17, ..."""
    image_size: tuple[int, int] | None = None
    """Width and height of the video in pixels, where the file does not say."""
    fps: float | None = None
    """Frames a second that the frame numbers count, where the file does not say (then 30)."""
    annotations: Path | None = None
    """COCO results: annotation file with the images' sizes."""
    video: str | None = None
    """Which of several cameras or videos in a file or folder: its name, or a part that no other has."""
    person: int = 1
    """Who, by the number in the list of people that is printed: 1 is the most prominent."""
    ignore_scores: bool = False
    """Use every keypoint that has a place, whatever its score: for files whose scores are all 0, or no scores."""
    min_score: float = 0.0
    """Keypoints with this score or less are missing."""
    max_gap: float = 0.2
    """Longest gap that is closed by interpolation, seconds; longer ones cut the clip into pieces."""
    flip: bool = True
    """Average each prediction with that of the mirror image."""
    camera_pitch_deg: float = 0.0
    """How far down the camera looks, for joints_world; 0: level."""
    outputs: tuple[Literal["npz", "json", "bvh"], ...] = ("npz", "json", "bvh")
    """Files to write."""
    film: Literal["gif", "mp4", "none"] = "gif"
    """2D beside 3D on a floor."""
    film_frames: int = 300
    """Most frames of the film; of longer clips they are spread evenly."""
    posenet_name: str | None = None
    """Lifter of an original project's checkpoint."""
    input_mode: str = "screen"
    """What an original project's lifter reads (PoseFK's checkpoints say it themselves)."""
    device: str = "auto"
    """auto, cpu or cuda."""
    plugins: tuple[str, ...] = ()
    """Modules to import first (dotted names or .py files), for what they register."""


def run(settings: Predict) -> LiftedClip:
    """Lift one person, print what was done and write the files."""
    check(settings)
    lifter = load_lifter(settings.checkpoint, settings.posenet_name, settings.input_mode)
    if lifter.views > 1 or not isinstance(lifter, ScreenLifter):
        raise PoseFKError(
            f"{settings.checkpoint} reads {lifter.views} cameras at once, expected a lifter of one camera's video."
        )
    if "bvh" in settings.outputs and not lifter.skeleton.can_become(BVH_LAYOUT):
        raise PoseFKError(
            f"A BVH file needs the joints of {BVH_LAYOUT}, the lifter has {lifter.skeleton.name}: --outputs npz json."
        )
    with atomic_folder(settings.out) as part:
        people = read_people(settings, lifter)
        person = choose_person(people.tracks, settings)
        pieces, notes = people.pieces(person, settings.min_score, settings.max_gap)
        for note in notes:
            print(note)
        lifter.to(chosen_device(settings.device))
        lifted = lift_pieces(lifter, pieces, people.size, people.fps, settings.flip, settings.camera_pitch_deg)
        check_lifted(lifted, str(settings.checkpoint))
        names = [name for output in dict.fromkeys(settings.outputs) for name in WRITERS[output](lifted, part)]
        if settings.film != "none":
            names.append(f"film.{settings.film}")
            write_film(lifted, part / names[-1], settings.film_frames)
    print(f"{len(lifted)} frames in {settings.out}: {', '.join(names)}")
    return lifted


def check(settings: Predict) -> None:
    low, high = IMAGE_SIZE
    if not all(low <= side <= high for side in settings.image_size or ()):
        raise PoseFKError(f"--image_size is {settings.image_size}, expected width and height, {low} to {high} pixels.")
    if settings.fps is not None and not FPS[0] <= settings.fps <= FPS[1]:
        raise PoseFKError(f"--fps is {settings.fps:g}, expected {FPS[0]:g} to {FPS[1]:g} frames a second.")
    if not (math.isfinite(settings.max_gap) and settings.max_gap >= 0):
        raise PoseFKError(f"--max_gap is {settings.max_gap:g}, expected seconds, 0 or more.")
    if not 0 <= settings.min_score < 1:
        raise PoseFKError(f"--min_score is {settings.min_score:g}, expected 0 to under 1.")
    if settings.film_frames < 1:
        raise PoseFKError(f"--film_frames is {settings.film_frames}, expected 1 or more.")
    if not -90 < settings.camera_pitch_deg < 90:
        raise PoseFKError(f"--camera_pitch_deg is {settings.camera_pitch_deg:g}, expected -90 to 90 degrees.")
    check_film(settings.film)


def read_people(settings: Predict, lifter: ScreenLifter) -> People:
    """Read the people in the file; print what reading has to tell, and whether the lifter learnt from another rate."""
    hints = Hints(
        settings.layout, settings.image_size, settings.fps, settings.video, settings.annotations, settings.format,
        settings.ignore_scores,
    )  # fmt: skip
    people = load_people(settings.keypoints, hints, lifter.input_skeleton)
    print(*people.notes, sep="\n")
    fps, learnt = people.fps, lifter.fps
    if lifter.frames > 1 and learnt and rates_differ(fps, learnt):
        print(f"The video has {fps:g} frames a second, the lifter has learnt from {learnt:g}: motions look faster or "
              "slower to it than they are.")  # fmt: skip
    return people


def choose_person(tracks: list[Track], settings: Predict) -> Track:
    """Return the chosen track; several tracks are listed."""
    if not 1 <= settings.person <= len(tracks):
        raise PoseFKError(f"--person {settings.person}: there are 1 to {len(tracks)} in {settings.keypoints}.")
    if len(tracks) > 1:
        print(f"{len(tracks)} people (most prominent first; --person chooses):")
    for number, track in enumerate(tracks[:LISTED_PEOPLE] if len(tracks) > 1 else [], start=1):
        chosen = "  <- chosen" if number == settings.person else ""
        print(f"  {number}: {len(track.frames)} frames, {track.frames[0]} to {track.frames[-1]}, mean score "
              f"{track.mean_score:.2f}{chosen}")  # fmt: skip
    if len(tracks) > LISTED_PEOPLE:
        print(f"  and {len(tracks) - LISTED_PEOPLE} more")
    return tracks[settings.person - 1]


def main(arguments: Sequence[str] | None = None) -> None:
    run(read_flags(Predict, "evaluation.predict", __doc__, arguments))


if __name__ == "__main__":
    exit_with_one_sentence(main)
