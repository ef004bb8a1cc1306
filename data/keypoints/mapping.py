"""Keypoints of a detector's layout in a lifter's layout: by name, and by rule where a joint has to be made up.

A made-up joint is a weighted sum of others. The rules are straight lines and hold for any view as far as a person is
small against the distance. What a lifter learnt at this place is another point: expect some centimetres of error.
"""

import numpy as np
from jaxtyping import Float

from kinematics.errors import PoseFKError
from kinematics.layouts import SUBSTITUTES
from kinematics.skeleton import Skeleton

# joint -> rules in order of preference, after the middles of SUBSTITUTES; a rule is joint -> weight. Each frame takes
# the first whose joints it has. The weights of the head are kinematics.head's average head, seen in profile.
RULES: dict[str, tuple[dict[str, float], ...]] = {
    "Spine": ({"Hip": 0.5, "Thorax": 0.5},),
    "Head": (
        {"HeadTop": 0.59, "Thorax": 0.41},
        {"REar": 1.0}, {"LEar": 1.0},  # from the side one ear hides the other
        {"REye": 0.5, "LEye": 0.5}, {"Nose": 1.0},
    ),
    "NeckNose": ({"Nose": 0.6, "Thorax": 0.4}, {"Head": 0.5, "Thorax": 0.5}),
    "HeadTop": ({"Head": 1.69, "Thorax": -0.69},),
}  # fmt: skip
# What the head hides of itself in a frame, where a lifter reads the face: not for what is made of it.
FACE: dict[str, tuple[dict[str, float], ...]] = {
    "Nose": ({"LEye": 0.5, "REye": 0.5}, {"LEye": 1.0}, {"REye": 1.0}, {"LEar": 0.5, "REar": 0.5}),
    "LEye": ({"REye": 1.0}, {"Nose": 1.0}), "REye": ({"LEye": 1.0}, {"Nose": 1.0}),
    "LEar": ({"REar": 1.0}, {"LEye": 1.0}, {"Nose": 1.0}), "REar": ({"LEar": 1.0}, {"REye": 1.0}, {"Nose": 1.0}),
}  # fmt: skip


def to_layout(
    keypoints: Float[np.ndarray, "frames joints axes"], scores: Float[np.ndarray, "frames joints"], source: Skeleton,
    target: Skeleton,
) -> tuple[Float[np.ndarray, "frames wanted axes"], Float[np.ndarray, "frames wanted"], list[str]]:  # fmt: skip
    """The joints of `target`; NaN, with score 0, where neither they nor what they are made of was found.

    keypoints: 2D or 3D, NaN where missing. The score of a made-up joint is the lowest of its parts. Returns also the
    names of the joints that had to be made up because `source` does not have them.
    """
    source.check(keypoints)
    made_up = [joint for joint in target.joints if joint not in source.joints]
    if impossible := [joint for joint in made_up if not _can_make(joint, source, ())]:
        raise PoseFKError(
            f"Keypoints of Skeleton('{source.name}') cannot become Skeleton('{target.name}') of the lifter: there is "
            f"nothing to make {', '.join(impossible)} of. Use a detector or a lifter with another layout."
        )
    table = np.concatenate([keypoints, scores[..., None]], axis=-1)  # (T, K, axes + 1)
    table[np.isnan(keypoints).any(axis=-1)] = np.nan
    mapped = np.stack([_joint(joint, table, source, ()) for joint in target.joints], axis=1)
    return mapped[..., :-1], np.nan_to_num(mapped[..., -1]), made_up


def _rules(joint: str) -> list[dict[str, float]]:
    named = SUBSTITUTES.get(joint, ())
    middle = [{name: 1 / len(named) for name in named}] if named else []
    return [*middle, *RULES.get(joint, ())]


def _can_make(joint: str, source: Skeleton, asked: tuple[str, ...]) -> bool:
    """Whether a joint is there, or can be made up. asked: the joints this is for, which cannot be made of it."""
    if joint in source.joints:
        return True
    return joint not in asked and any(
        all(_can_make(part, source, (*asked, joint)) for part in rule) for rule in _rules(joint)
    )


def _joint(joint: str, table: np.ndarray, source: Skeleton, asked: tuple[str, ...]) -> np.ndarray:
    """Coordinates and score of a joint in every frame, (T, axes + 1); NaN where it is not to be had."""
    points = np.full((len(table), table.shape[-1]), np.nan)
    if joint in asked:
        return points
    if joint in source.joints:
        points = table[:, source.joints.index(joint)].copy()
    for rule in (*_rules(joint), *(() if asked else FACE.get(joint, ()))):
        missing = np.isnan(points).any(axis=1)
        if not missing.any():
            break
        parts = [_joint(part, table[missing], source, (*asked, joint)) for part in rule]
        made = np.einsum("p,pfc->fc", list(rule.values()), parts)
        made[:, -1] = np.min([part[:, -1] for part in parts], axis=0)
        points[missing] = made
    return points
