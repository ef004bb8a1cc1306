"""The numbers of a dataset card, a synthetic set against real ones, as plain dictionaries for JSON.

Names end in their units. Joint distances are on bodies of 1.75 m, root mean squares over the 16 joints.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from evaluation.drawing.charts import SYNTHETIC_SET
from evaluation.motion import motion_distances, motion_statistics
from evaluation.synthetic_quality.checks import bone_sanity, limit_violations, view_statistics
from evaluation.synthetic_quality.distances import Interval, frechet_interval, neighbours, pairwise_diversity
from evaluation.synthetic_quality.pose_sets.sets import PoseSet, halves
from kinematics import bone_lengths, joint_angles_from_joints
from kinematics.capsules import DEPTH_M, overlaps
from kinematics.heading import standardize_poses

JOINTS = 16
RATE_TOLERANCE = 1.01
LEAST_CLIPS = 20
_MM = 1000.0


@dataclass
class SetFeatures:
    """A pose set and its features. joints: standard poses (N, 16, 3) m; angles: fitted (N, 28) rad."""

    poses: PoseSet
    joints: Tensor
    angles: Tensor

    def __getitem__(self, indices: Tensor) -> "SetFeatures":
        return SetFeatures(self.poses.part(indices), self.joints[indices], self.angles[indices])

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def flat(self) -> Tensor:
        """(N, 48) metres."""
        return self.joints.flatten(1)


def compute_features(poses: PoseSet, upright: bool) -> SetFeatures:
    """Standardise the poses and fit their angles. upright: whether all sets of the card know what is up."""
    angles = joint_angles_from_joints(poses.joints).joint_angles
    return SetFeatures(poses, standardize_poses(poses.joints, upright), angles)


@dataclass(frozen=True)
class Effort:
    """poses: most of a set in any comparison; times: bootstrap samples; seed: of everything drawn by chance."""

    poses: int
    times: int
    seed: int

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)


def set_numbers(features: SetFeatures, effort: Effort) -> dict[str, Any]:
    poses = features.poses
    overlapping, pairs = overlaps(poses.joints)
    enough = poses.clips is not None and poses.fps and len(poses.clips) >= LEAST_CLIPS
    return {
        "poses": len(features),
        "poses_in_the_set": poses.total,
        "recordings": int(poses.recording.max()) + 1,
        "diversity_mm": _MM * pairwise_diversity(features.joints, effort.generator()),
        "outside_limits": limit_violations(features.angles),
        "capsule_overlap": {"depth_mm": _MM * DEPTH_M, "poses_percent": overlapping, "pairs_percent": pairs},
        "bones": bone_sanity(bone_lengths(poses.joints)),
        "views": None if poses.views is None else view_statistics(poses.views),
        "motion": _motion(poses) if enough else None,
    }


def _motion(poses: PoseSet) -> dict[str, Any]:
    """Statistics of clips, m/s and m/s^2; None for the skating of feet that never touch the floor."""
    assert poses.clips is not None and poses.fps is not None
    numbers = asdict(motion_statistics(poses.clips, poses.fps))
    if math.isnan(numbers["skating"]):
        numbers["skating"] = None
    return numbers | {"frames": poses.clips.shape[1], "fps": poses.fps}


def compared(synthetic: SetFeatures, real: SetFeatures, effort: Effort) -> dict[str, Any]:
    """Compare equally many poses of both sets. Not symmetrical: the real set is the one to be covered."""
    size = min(len(synthetic), len(real), effort.poses)
    first, second = (
        features[torch.randperm(len(features), generator=effort.generator())[:size]] for features in (synthetic, real)
    )
    recordings = (first.poses.recording, second.poses.recording)
    joints = frechet_interval((first.flat, second.flat), recordings, effort.times, effort.generator())
    angles = frechet_interval((first.angles, second.angles), recordings, effort.times, effort.generator())
    near = neighbours((first.flat, second.flat), recordings)
    return {
        "poses_of_each": size,
        "frechet_joints_m2": joints._asdict(),
        "frechet_joints_mm": Interval(*(_per_joint_mm(math.sqrt(value)) for value in joints))._asdict(),
        "frechet_angles_rad2": angles._asdict(),
        "precision_percent": 100 * near.precision,
        "recall_percent": 100 * near.recall,
        "density": near.density,
        "coverage_percent": 100 * near.coverage,
        "nearest_real_mm": _middle_and_95(near.to_real),
        "nearest_synthetic_mm": _middle_and_95(near.to_synthetic),
    }


def split_half_floor(real: SetFeatures, effort: Effort) -> dict[str, Any]:
    """Compare one half of a set with the other: no synthetic set has to be better than that."""
    first, second = halves(real.poses, effort.generator())
    return compared(real[first], real[second], effort)


def _per_joint_mm(distance: float) -> float:
    return _MM * distance / math.sqrt(JOINTS)


def _middle_and_95(distances: Tensor) -> dict[str, float]:
    levels = torch.quantile(distances, torch.tensor([0.5, 0.95], dtype=distances.dtype))
    return dict(zip(("median", "95 %"), (_per_joint_mm(float(level)) for level in levels), strict=True))


def common_rate(synthetic_fps: float | int, real_fps: float | int) -> tuple[int, int] | None:
    """Find the two strides that make the frame rates equal; None where no whole number does."""
    ratio = real_fps / synthetic_fps
    if not 0 < ratio < math.inf:  # also NaN
        return None
    step = max(1, round(max(ratio, 1 / ratio)))
    if max(ratio, 1 / ratio) > RATE_TOLERANCE * step or max(ratio, 1 / ratio) * RATE_TOLERANCE < step:
        return None
    return (1, step) if ratio >= 1 else (step, 1)


def motion_apart(synthetic: PoseSet, real: PoseSet, notes: list[str]) -> dict[str, float] | None:
    """Compute the motion distances of two sets, m/s and m/s^2, at the slower of their rates."""
    if synthetic.clips is None or not synthetic.fps:
        return None
    if real.clips is None or not real.fps or len(real.clips) < LEAST_CLIPS:
        notes.append(f"{real.name} has no clips as long as the synthetic ones: motion is not compared.")
        return None
    steps = common_rate(synthetic.fps, real.fps)
    if steps is None:
        notes.append(
            f"{real.name} has {real.fps:g} frames a second, the synthetic clips {synthetic.fps:g}: motion is compared "
            "only where one is a multiple of the other."
        )
        return None
    first, second = synthetic.clips[:, :: steps[0]], real.clips[:, :: steps[1]]
    if min(first.shape[1], second.shape[1]) < 3:
        notes.append(f"At the rate of {real.name} the clips are shorter than 3 frames: motion is not compared.")
        return None
    return asdict(motion_distances(first, second, min(synthetic.fps, real.fps)))


def names(sets: list[PoseSet]) -> list[str]:
    """Name the sets on the card: the first is the synthetic one; equal names get numbers."""
    names_so_far = [SYNTHETIC_SET]
    for poses in sets[1:]:
        again = sum(name == poses.name or name.startswith(f"{poses.name} (") for name in names_so_far)
        names_so_far.append(f"{poses.name} ({again + 1})" if again else poses.name)
    return names_so_far


def common_axes(sets: list[PoseSet], notes: list[str]) -> bool:
    """Whether the vertical is known in every set; if not, a note says what that means."""
    unknown = ", ".join(poses.name for poses in sets if not poses.upright)
    if unknown:
        notes.append(
            f"What is up is not known of {unknown} (no cameras in the data), so the poses of all sets are turned to "
            "the same pelvis: lying and standing are not told apart."
        )
    return not unknown


def compute_report(
    synthetic: SetFeatures, real: dict[str, SetFeatures], effort: Effort, notes: list[str],
    progress: Callable[[], object],
) -> dict[str, Any]:  # fmt: skip
    """Compute all numbers. progress: called once for the synthetic set and three times for each real one."""
    sets = {SYNTHETIC_SET: set_numbers(synthetic, effort)}
    progress()
    against, halved, moving = {}, {}, {}
    for name, features in real.items():
        sets[name] = set_numbers(features, effort)
        progress()
        against[name] = compared(synthetic, features, effort)
        progress()
        halved[name] = split_half_floor(features, effort)
        progress()
        moving[name] = motion_apart(synthetic.poses, features.poses, notes)
    return {"sets": sets, "compared": against, "floor": halved, "motion_distance": moving}
