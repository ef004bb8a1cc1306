"""One person's keypoints as pieces without gaps: short gaps are closed, longer ones cut the clip."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from data.keypoints.clip import KeypointClip
from data.keypoints.gaps import GapCount, close_gaps, missing_joints, whole_spans
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

NORMALISED = 2.0  # coordinates of a file up to this are no pixels
SMALLEST_BODY = 2.0  # pixels between its keypoints, but for the outermost tenth of them


@dataclass(frozen=True)
class Piece:
    """Following frames, every joint in each. frames: (T,) numbers; joints: (T, J, 2) pixels; scores: (T, J)."""

    frames: Int[np.ndarray, "frames"]
    joints: Float[np.ndarray, "frames joints 2"]
    scores: Float[np.ndarray, "frames joints"]


def whole_pieces(
    frames: Int[np.ndarray, "frames"], joints: Float[np.ndarray, "frames joints 2"],
    scores: Float[np.ndarray, "frames joints"], longest: int, step: int = 1,
) -> tuple[list[Piece], GapCount]:  # fmt: skip
    """The pieces of a track. frames: numbers of those with the person, `step` apart where they follow each other.

    joints: NaN where missing. longest: gap to close, frames. A closed joint has score 0: nobody has seen it.
    Counted are frames made by interpolation, in part or whole, and frames with the person that were cut.
    """
    report, pieces = GapCount(), []
    places = (frames - frames[0]) // step
    breaks = np.flatnonzero(np.diff(places) - 1 > longest) + 1
    for chosen in np.split(np.arange(len(frames)), breaks):
        first, at = places[chosen[0]], places[chosen] - places[chosen[0]]
        dense = np.full((at[-1] + 1, *joints.shape[1:]), np.nan)
        certainty = np.zeros(dense.shape[:2])
        dense[at], certainty[at] = joints[chosen], scores[chosen]
        filled, closed = close_gaps(dense, longest)
        certainty[closed] = 0.0
        for span in whole_spans(filled):
            numbers = frames[0] + (first + np.arange(span.start, span.stop)) * step
            pieces.append(Piece(numbers, filled[span], certainty[span]))
            report.interpolated += int(closed[span].any(axis=1).sum())
    kept = {number for piece in pieces for number in piece.frames.tolist()}
    report.cut = sum(number not in kept for number in frames.tolist())
    return pieces, report


def refuse_nothing_left(
    pieces: list[Piece], joints: Float[np.ndarray, "frames joints 2"], layout: Skeleton, name: str
) -> None:
    """One sentence where no frame has every joint, with the joints that are missing most."""
    if pieces:
        return
    missing = missing_joints(joints).mean(axis=0)  # (J,) share of the frames
    worst = [f"{layout.joints[joint]} ({missing[joint]:.0%})" for joint in np.argsort(-missing)[:4] if missing[joint]]
    raise PoseFKError(
        f"{name}: no frame has every joint, expected whole bodies; missing most: {', '.join(worst)} of "
        f"{len(joints)} frames. Use a video that shows the whole person, or a longer --max_gap."
    )


def without_points(clip: KeypointClip, name: str) -> tuple[KeypointClip, int]:
    """The clip without people whose keypoints are at one point, as no body's are; and how many these were.

    Refused if there is nobody else. Files that look normalised are left to check_inside.
    """
    largest = (np.nanmax(np.abs(one.keypoints), initial=0) for people in clip.frames.values() for one in people)
    if max(largest, default=0) <= NORMALISED:
        return clip, 0
    bodies = {number: [one for one in people if not _is_point(one.keypoints)] for number, people in clip.frames.items()}
    points = sum(len(people) for people in clip.frames.values()) - sum(len(people) for people in bodies.values())
    if points and not any(bodies.values()):
        raise PoseFKError(
            f"{name} has nearly all keypoints of everybody at one point, in {len(bodies)} frames, expected those of a "
            "person. Run the detector again."
        )
    return replace(clip, frames=bodies), points


def _is_point(keypoints: Float[np.ndarray, "joints 2"]) -> bool:
    """Whether nearly all keypoints are within SMALLEST_BODY. Of half of them and fewer nobody can tell."""
    known = np.sort(keypoints[~np.isnan(keypoints).any(axis=1)], axis=0)
    tenth = len(known) // 10
    return 2 * len(known) > len(keypoints) and bool((known[-1 - tenth] - known[tenth] < SMALLEST_BODY).all())


def check_inside(pixels: Float[np.ndarray, "points 2"], size: tuple[int, int], name: str) -> str | None:
    """A sentence on keypoints outside the image, None if there are none. Most of them outside is refused.

    pixels: of keypoints that were found.
    """
    width, height = size
    if len(pixels) and np.abs(pixels).max() <= NORMALISED:
        raise PoseFKError(
            f"{name} has coordinates up to {np.abs(pixels).max():.3g}, expected pixels of an image of {width} x "
            f"{height}: they look normalised. Save pixels."
        )
    outside = int(((pixels < 0) | (pixels > [width, height])).any(axis=1).sum())
    if outside > len(pixels) / 20 and width != height and ((pixels >= 0) & (pixels <= [height, width])).all():
        raise PoseFKError(
            f"{name} has {outside} of {len(pixels)} keypoints outside the image of {width} x {height} and all inside "
            f"one of {height} x {width}: are width and height exchanged? Give the video's own --image_size."
        )
    if outside > len(pixels) / 2:
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        raise PoseFKError(
            f"{name} has {outside} of {len(pixels)} keypoints outside the image of {width} x {height} (they are in x "
            f"{low[0]:.0f} to {high[0]:.0f}, y {low[1]:.0f} to {high[1]:.0f}): give the video's own --image_size."
        )
    return f"{outside} of {len(pixels)} keypoints lie outside the image; used as they are." if outside else None
