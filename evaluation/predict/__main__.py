"""2D keypoints of a video -> 3D.

    python -m evaluation.predict --keypoints video.json --out lifted
    python -m evaluation.predict --checkpoint last.safetensors --keypoints openpose_folder --image_size 1920 1080 \\
        --fps 25 --out lifted --film mp4

Reads COCO, MMPose, AlphaPose, OpenPose, MediaPipe, Ultralytics, OpenPifPaf, VideoPose3D's npz, npy and csv:
docs/predict.md. Writes pose.npz,
pose.json, pose.bvh and a film into the folder, all or nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from data.camera_files import chosen_camera
from data.command_line import read_flags
from data.devices import chosen_device
from data.files.writing import atomic_folder
from data.keypoints.clip import Hints
from data.keypoints.people import People, load_people
from data.keypoints.tracking import Track
from data.plausible import FPS, IMAGE_SIZE
from evaluation.predict.files import WRITERS, check_outputs, write_bvh_files
from evaluation.predict.files.arrays import write_everybody
from evaluation.predict.film import check_film, write_film
from evaluation.predict.lifted import LiftedClip, check_lifted, lift_pieces
from evaluation.predict.lifters import named_lifter, rate_notes, shipped_lifter
from kinematics.camera import Camera
from kinematics.errors import PoseFKError, exit_with_one_sentence
from posenets import ScreenLifter

LISTED_PEOPLE = 8


@dataclass
class Predict:
    """Lift the 2D keypoints of one person of a video."""

    keypoints: Path
    """The detector's file, or a folder with a file for each frame."""
    out: Path = Path("lifted")
    """Folder for what is written, in place of files of the same names."""
    checkpoint: Path | None = None
    """A run's last or best_*.safetensors, the name of a lifter that ships (posefk models), or an original project's
    checkpoint (then with --posenet_name); None: the one that ships for the joints of the file."""
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
    person: int | Literal["all"] = 1
    """Who, by the number in the list of people that is printed: 1 is the most prominent; all: a folder for each."""
    ignore_scores: bool = False
    """Use every keypoint that has a place, whatever its score: for files whose scores are all 0, or no scores."""
    check_bodies: bool = True
    """Refuse keypoints that no body has (another order of joints, upside down); False: say so and use them."""
    min_score: float = 0.0
    """Keypoints with this score or less are missing."""
    max_gap: float = 0.2
    """Longest gap that is closed by interpolation, seconds; longer ones cut the clip into pieces."""
    flip: bool = True
    """Average each prediction with that of the mirror image."""
    refine: bool = True
    """Fit one body with constant bones to the whole clip, which follows the 2D, moves smoothly and stands on its feet:
    two seconds more for 300 frames. False: what the lifter says of each frame."""
    focal: float | None = None
    """Focal length of the video's camera, pixels. With --focal, --fov or --camera the body stands where the camera sees
    it, and lifters trained with --known_focal use the true angles."""
    fov: float | None = None
    """Field of view instead, degrees from the left to the right edge."""
    camera: Path | None = None
    """File of its intrinsics instead: JSON with fx, fy, cx, cy (pixels) and a lens's k1 k2 p1 p2 k3, or COLMAP's
    cameras.txt."""
    camera_pitch_deg: float = 0.0
    """How far down the camera looks, for joints_world; 0: level."""
    outputs: tuple[Literal["npz", "json", "bvh", "trc", "c3d", "csv"], ...] = ("npz", "json", "bvh")
    """Files to write: npz, json (everything), bvh (animation), trc, c3d (markers, for OpenSim and the like), csv (joint
    angles in degrees)."""
    bvh_units: Literal["m", "cm"] = "m"
    """Unit of length in pose.bvh: m, or cm as Unity, Unreal and MotionBuilder expect."""
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


def run(settings: Predict) -> list[LiftedClip]:
    """Lift one person or all, print what was done and write the files."""
    check(settings)
    named = settings.checkpoint
    lifter = named_lifter(named, settings.posenet_name, settings.input_mode) if named else None
    check_outputs(settings.outputs, lifter.skeleton if lifter else None)
    with atomic_folder(settings.out) as part:
        people = read_people(settings)
        lifter = lifter or shipped_lifter(people)
        for note in rate_notes(lifter, people.fps):
            print(note)
        chosen = choose_people(people.tracks, settings)
        camera = chosen_camera(people.size, settings.focal, settings.fov, settings.camera)
        print(camera_note(camera, people.size, lifter))
        if lifter.uncertainty is None:
            print(f"How sure it is of each joint is not known: python -m training.uncertainty --checkpoint "
                  f"{settings.checkpoint} fits that.")  # fmt: skip
        lifter.to(chosen_device(settings.device))
        if settings.person != "all":
            return [lift_person(people, chosen[0], lifter, camera, settings, part, settings.out)]
        lifted: dict[int, LiftedClip] = {}
        for number, person in enumerate(chosen, start=1):
            folder = part / f"person_{number}"
            folder.mkdir()
            try:
                shown = settings.out / folder.name
                lifted[number] = lift_person(people, person, lifter, camera, settings, folder, shown)
            except PoseFKError as error:  # the others can be lifted
                print(f"Person {number} is left out: {error}")
                folder.rmdir()
        if not lifted:
            raise PoseFKError(f"{settings.keypoints}: none of the {len(chosen)} people can be lifted, as said above.")
        write_everybody(lifted, part)
        print(f"Everybody in one table: {settings.out / 'everybody.npz'}")
    return list(lifted.values())


def lift_person(
    people: People, person: Track, lifter: ScreenLifter, camera: Camera | None, settings: Predict, folder: Path,
    shown: Path,
) -> LiftedClip:  # fmt: skip
    """Lift one person and write the files into a folder, which is `shown` in the end."""
    pieces, notes = people.pieces(person, lifter.input_skeleton, settings.min_score, settings.max_gap)
    for note in notes:
        print(note)
    check_outputs(settings.outputs, frames=max(len(piece.frames) for piece in pieces))
    lifted = lift_pieces(
        lifter, pieces, people.size, people.fps, settings.flip, settings.camera_pitch_deg, camera, settings.refine
    )
    check_lifted(lifted, str(settings.checkpoint or "The lifter that ships"))
    writers = WRITERS | {"bvh": partial(write_bvh_files, units=settings.bvh_units)}
    names = [name for output in dict.fromkeys(settings.outputs) for name in writers[output](lifted, folder)]
    if settings.film != "none":
        names.append(f"film.{settings.film}")
        write_film(lifted, folder / names[-1], settings.film_frames)
    print(f"{len(lifted)} frames in {shown}: {', '.join(names)}")
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
    check_outputs(settings.outputs)


def read_people(settings: Predict) -> People:
    """Read the people in the file; print what reading has to tell."""
    hints = Hints(
        settings.layout, settings.image_size, settings.fps, settings.video, settings.annotations, settings.format,
        settings.ignore_scores, settings.check_bodies,
    )  # fmt: skip
    people = load_people(settings.keypoints, hints)
    print(*people.notes, sep="\n")
    return people


def choose_people(tracks: list[Track], settings: Predict) -> list[Track]:
    """Return the chosen tracks; several tracks are listed."""
    everybody = settings.person == "all"
    if not (everybody or 1 <= int(settings.person) <= len(tracks)):
        raise PoseFKError(f"--person {settings.person}: there are 1 to {len(tracks)} in {settings.keypoints}.")
    if len(tracks) > 1:
        print(f"{len(tracks)} people (most prominent first; --person chooses):")
    for number, track in enumerate(tracks[:LISTED_PEOPLE] if len(tracks) > 1 else [], start=1):
        chosen = "  <- chosen" if everybody or number == settings.person else ""
        print(f"  {number}: {len(track.frames)} frames, {track.frames[0]} to {track.frames[-1]}, mean score "
              f"{track.mean_score:.2f}{chosen}")  # fmt: skip
    if len(tracks) > LISTED_PEOPLE:
        print(f"  and {len(tracks) - LISTED_PEOPLE} more")
    return tracks if everybody else [tracks[int(settings.person) - 1]]


def camera_note(camera: Camera | None, size: tuple[int, int], lifter: ScreenLifter) -> str:
    """Tell what is known of the camera and what follows from it."""
    if camera is None:
        return (
            "Where the body stands before the camera is not known (--focal, --fov or --camera): it is drawn where its "
            "feet stand still."
        )
    fx, fy = (camera.intrinsics[:2] * size[0] / 2).tolist()
    across = 2 * math.degrees(math.atan(1 / float(camera.intrinsics[0])))
    lifts = "the lifter reads the true angles" if lifter.reads_focal else (
        "it places the body only, since the lifter was trained without --known_focal"
    )  # fmt: skip
    return f"Camera: focal length {fx:.0f} x {fy:.0f} pixels, {across:.0f} degrees across; {lifts}."


def main(arguments: Sequence[str] | None = None) -> None:
    run(read_flags(Predict, "evaluation.predict", __doc__, arguments))


if __name__ == "__main__":
    exit_with_one_sentence(main)
