"""A synthetic set against real ones in numbers: everything the card says, as plain dictionaries for JSON.

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
class Described:
    """A set with what is computed of it once. joints: standard poses (N, 16, 3) m; angles: fitted (N, 28) rad."""

    poses: PoseSet
    joints: Tensor
    angles: Tensor

    def __getitem__(self, rows: Tensor) -> "Described":
        return Described(self.poses.part(rows), self.joints[rows], self.angles[rows])

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def flat(self) -> Tensor:
        """(N, 48) metres."""
        return self.joints.flatten(1)


def described(poses: PoseSet, upright: bool) -> Described:
    """upright: whether all sets of the card know what is up; otherwise none is asked."""
    return Described(
        poses, standardize_poses(poses.joints, upright), joint_angles_from_joints(poses.joints).joint_angles
    )


@dataclass(frozen=True)
class Effort:
    """poses: most of a set in any comparison; times: bootstrap samples; seed: of everything drawn by chance."""

    poses: int
    times: int
    seed: int

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)


def own_numbers(own: Described, effort: Effort) -> dict[str, Any]:
    """What a set says by itself."""
    poses = own.poses
    overlapping, pairs = overlaps(poses.joints)
    enough = poses.clips is not None and poses.fps and len(poses.clips) >= LEAST_CLIPS
    return {
        "poses": len(own),
        "poses_in_the_set": poses.total,
        "recordings": int(poses.recording.max()) + 1,
        "diversity_mm": _MM * pairwise_diversity(own.joints, effort.generator()),
        "outside_limits": limit_violations(own.angles),
        "capsule_overlap": {"depth_mm": _MM * DEPTH_M, "poses_percent": overlapping, "pairs_percent": pairs},
        "bones": bone_sanity(bone_lengths(poses.joints)),
        "views": None if poses.views is None else view_statistics(poses.views),
        "motion": _motion(poses) if enough else None,
    }


def _motion(poses: PoseSet) -> dict[str, Any]:
    """Statistics of clips, m/s and m/s^2; nan (a set whose feet never touch) is no number in JSON."""
    assert poses.clips is not None and poses.fps is not None
    found = asdict(motion_statistics(poses.clips, poses.fps))
    found = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in found.items()}
    return found | {"frames": poses.clips.shape[1], "fps": poses.fps}


def compared(synthetic: Described, real: Described, effort: Effort) -> dict[str, Any]:
    """The first set against the second, both of the same size. Not symmetrical: the second is the one to be covered."""
    size = min(len(synthetic), len(real), effort.poses)
    first, second = (_fewer(own, size, effort) for own in (synthetic, real))
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


def floor(real: Described, effort: Effort) -> dict[str, Any]:
    """One half of a set against the other: what no synthetic set has to be better than."""
    first, second = halves(real.poses, effort.generator())
    return compared(real[first], real[second], effort)


def _fewer(own: Described, size: int, effort: Effort) -> Described:
    return own[torch.randperm(len(own), generator=effort.generator())[:size]]


def _per_joint_mm(distance: float) -> float:
    return _MM * distance / math.sqrt(JOINTS)


def _middle_and_95(distances: Tensor) -> dict[str, float]:
    levels = torch.quantile(distances, torch.tensor([0.5, 0.95], dtype=distances.dtype))
    return dict(zip(("median", "95 %"), (_per_joint_mm(float(level)) for level in levels), strict=True))


def common_rate(synthetic_fps: float | int, real_fps: float | int) -> tuple[int, int] | None:
    """Every how many-th frame of each makes the rates equal; None where no whole number does."""
    ratio = real_fps / synthetic_fps
    step = max(1, round(max(ratio, 1 / ratio)))
    if max(ratio, 1 / ratio) > RATE_TOLERANCE * step or max(ratio, 1 / ratio) * RATE_TOLERANCE < step:
        return None
    return (1, step) if ratio >= 1 else (step, 1)


def motion_apart(synthetic: PoseSet, real: PoseSet, notes: list[str]) -> dict[str, float] | None:
    """Distances of the motion of two sets, m/s and m/s^2, at the slower of their rates."""
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
    """What the card calls the sets: the first is the synthetic one; equal names get numbers."""
    found = [SYNTHETIC_SET]
    for poses in sets[1:]:
        again = sum(name == poses.name or name.startswith(f"{poses.name} (") for name in found)
        found.append(f"{poses.name} ({again + 1})" if again else poses.name)
    return found


def common_axes(sets: list[PoseSet], notes: list[str]) -> bool:
    """Whether every set knows what is up; if not, the notes say what that means."""
    unknown = ", ".join(poses.name for poses in sets if not poses.upright)
    if unknown:
        notes.append(
            f"What is up is not known of {unknown} (no cameras in the data), so the poses of all sets are turned to "
            "the same pelvis: lying and standing are not told apart."
        )
    return not unknown


def judge(
    synthetic: Described, real: dict[str, Described], effort: Effort, notes: list[str], progress: Callable[[], object]
) -> dict[str, Any]:
    """All numbers. progress is called once for the synthetic set and three times for each real one."""
    sets = {SYNTHETIC_SET: own_numbers(synthetic, effort)}
    progress()
    against, halved, moving = {}, {}, {}
    for name, own in real.items():
        sets[name] = own_numbers(own, effort)
        progress()
        against[name] = compared(synthetic, own, effort)
        progress()
        halved[name] = floor(own, effort)
        progress()
        moving[name] = motion_apart(synthetic.poses, own.poses, notes)
    return {"sets": sets, "compared": against, "floor": halved, "motion_distance": moving}
