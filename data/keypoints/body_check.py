"""Whether keypoints can be people's: bones of a person's proportions, shoulders over hips, left and right as they say.

A projection shortens bones by its angle and never lengthens one against the others. So the long projections of every
bone (0.9 quantile over people and frames) are to each other as a person's bones are, in the right order of joints; in
a wrong order they are not. On CMU-X in every layout that has 12 limb joints their spread (standard deviation of the
logarithm) is 0.14 to 0.28 in the right order and 0.37 to 1.5 in others of as many joints. What no check can tell is all
left joints exchanged for all right ones: seen from behind a person is the same.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float

from data.plausible import MOST_PIXELS
from kinematics.layouts import LAYOUTS
from kinematics.skeleton import Skeleton

# (joints, length in metres) of an average adult
BONES = [
    *((side + upper, side + lower, length) for side in "LR" for upper, lower, length in (
        ("Hip", "Knee", 0.41), ("Knee", "Ankle", 0.415), ("Shoulder", "Elbow", 0.30), ("Elbow", "Wrist", 0.25),
        ("Shoulder", "Hip", 0.50),
    )),
    ("LHip", "RHip", 0.26), ("LShoulder", "RShoulder", 0.33),
]  # fmt: skip
LIMBS = {joint for upper, lower, _ in BONES for joint in (upper, lower)}
FEWEST_PEOPLE = 5  # whose bones are compared; of fewer only much better orders count
FEWEST_BONES = 8
SHORTEST = 0.1  # of a bone against the others, for the logarithm
# Another order is it if its spread is so small, and so much smaller than the order's that was read.
PERSON, NO_PERSON, BETTER, MUCH_BETTER = 0.35, 0.35, 0.65, 0.5
NEARLY_ALL = 0.9


def spread(points: Float[np.ndarray, "people joints 2"], joints: Sequence[str]) -> float:
    """Spread of the bones' long projections against a person's, natural logarithm; infinite where too few are seen."""
    index = {joint: place for place, joint in enumerate(joints)}
    points = np.where(np.abs(points) <= MOST_PIXELS, points, np.nan)
    lengths = np.stack(
        [np.linalg.norm(points[:, index[a]] - points[:, index[b]], axis=-1) / metres for a, b, metres in BONES], axis=1
    )
    lengths = lengths[(~np.isnan(lengths)).sum(axis=1) >= FEWEST_BONES]
    if not len(lengths):
        return float("inf")
    relative = lengths / np.maximum(np.nanmedian(lengths, axis=1, keepdims=True), 1e-9)
    seen = ~np.isnan(relative).all(axis=0)
    return float(np.log(np.maximum(np.nanquantile(relative[:, seen], 0.9, axis=0), SHORTEST)).std())


def orders(count: int) -> dict[str, tuple[str, ...]]:
    """Every layout, cut to so many joints, that has a person's limbs then."""
    layouts = {name: Skeleton(name).joints[:count] for name in LAYOUTS if Skeleton(name).num_joints >= count}
    return {name: joints for name, joints in layouts.items() if has_limbs(joints)}


def has_limbs(joints: Iterable[str]) -> bool:
    """Whether these are enough joints to tell a body by."""
    return {*joints} >= LIMBS


def other_order(points: Float[np.ndarray, "people joints 2"], joints: Sequence[str]) -> str | None:
    """A sentence where another known order of joints makes people of far more even bones; None where not.

    points: in the order of the file, missing ones NaN; joints: the names they were read by, "" of those that were not.
    """
    if not has_limbs(joints):
        return None
    read = spread(points, joints)
    if not np.isfinite(read) or read < NO_PERSON:
        return None
    spreads = {name: spread(points, order) for name, order in orders(points.shape[1]).items() if order != (*joints,)}
    best = min(spreads, key=lambda name: spreads[name], default=None)
    share = BETTER if len(points) >= FEWEST_PEOPLE else MUCH_BETTER
    if best is None or spreads[best] > min(PERSON, share * read):
        return None
    return (
        f"in this order its keypoints make bodies that nobody has (bones uneven by {read:.2f}), in that of {best} a "
        f"person's ({spreads[best]:.2f})"
    )


def posture(points: Float[np.ndarray, "people joints 2"], joints: Sequence[str]) -> tuple[str | None, str | None]:
    """What nearly nobody does nearly all the time: (to be refused, to be noted), None each where there is nothing."""
    index = {joint: place for place, joint in enumerate(joints)}
    if not has_limbs(joints):
        return None, None
    left, right = (
        np.stack([points[:, index[side + joint]] for joint in ("Shoulder", "Hip", "Ankle")], axis=1) for side in "LR"
    )
    middle, across = (left + right) / 2, left - right  # (people, 3, 2)
    torso, legs = middle[:, 1] - middle[:, 0], middle[:, 2] - middle[:, 1]
    length = np.linalg.norm(torso, axis=1)
    known = ~np.isnan(torso).any(axis=1) & (length > 0)
    if known.sum() < FEWEST_PEOPLE:
        return None, None
    inverted = (torso[:, 1] < -length / 2) & ~(legs[:, 1] > 0)
    if _share(inverted, known) > NEARLY_ALL:
        return "everybody is upside down: does its y point up? Save y from the image's top", None
    widths = np.linalg.norm(across[:, :2], axis=-1).min(axis=1)
    crossed = (across[:, 0] * across[:, 1]).sum(axis=1) < 0
    broad = known & (widths > length / 4)
    if broad.sum() >= FEWEST_PEOPLE and _share(crossed, broad) > NEARLY_ALL:
        return "left and right are exchanged between shoulders and hips", None
    lying = np.abs(torso[:, 0]) > 2 * np.abs(torso[:, 1])
    if _share(lying, known) > NEARLY_ALL:
        return None, "everybody lies on their side: are x and y exchanged, or is the video turned?"
    return None, None


def _share(which: Bool[np.ndarray, "people"], of: Bool[np.ndarray, "people"]) -> float:
    return float(which[of].mean())
