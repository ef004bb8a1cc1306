"""The lifter of a video: the checkpoint that was named, or one that ships with PoseFK, by what the keypoints are."""

from pathlib import Path

from data.keypoints.people import People
from evaluation.predict.lifted import rate_step
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton
from posenets import ScreenLifter, load_lifter
from posenets.shipped import BODY, SINGLE, VIDEO, read_shipped

NOTED_RATIO = 1.25  # of frame rates: people differ more in how fast they move


def named_lifter(checkpoint: Path, posenet_name: str | None, input_mode: str) -> ScreenLifter:
    """Load the lifter of a checkpoint; refuse one of several cameras."""
    lifter = load_lifter(checkpoint, posenet_name, input_mode)
    if lifter.views > 1 or not isinstance(lifter, ScreenLifter):
        raise PoseFKError(
            f"{checkpoint} reads {lifter.views} cameras at once, expected a lifter of one camera's video."
        )
    return lifter


def shipped_lifter(people: People) -> ScreenLifter:
    """Choose the lifter that ships for a file: by its joints, and of clips the one that reads several frames."""
    name = BODY
    if {*Skeleton("coco_17").joints} <= {*people.detected.joints}:
        window, longest = read_shipped(VIDEO).content["posenet"]["frames"], max(len(t.frames) for t in people.tracks)
        name = VIDEO if longest >= window else SINGLE
    card = read_shipped(name).card
    print(f"No --checkpoint: {name} is used, which ships with PoseFK ({card['reads']}; posefk models {name}).")
    return named_lifter(Path(name), None, "screen")


def rate_notes(lifter: ScreenLifter, fps: float) -> list[str]:
    """Tell where a lifter of several frames has learnt from another rate than a video's."""
    if lifter.frames == 1 or not lifter.fps:
        return []
    step = rate_step(lifter, fps)
    notes = [f"The lifter's {lifter.frames} frames are every {step}. one of the video's."] if step > 1 else []
    if not 1 / NOTED_RATIO <= fps / step / lifter.fps <= NOTED_RATIO:
        notes.append(
            f"It sees {fps / step:g} frames a second and has learnt from {lifter.fps:g}: motions look "
            f"{'slower' if fps / step > lifter.fps else 'faster'} to it than they are."
        )
    return notes
