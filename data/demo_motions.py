"""From the tables of demo_activities to a body moving on a floor: keyframes, splines, chance, gait, contact."""

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from data.demo_activities import Activity, Gait, Pose
from data.demo_bodies import CHANNELS, COLUMN, METRES, SIDES, DemoBody, posed_joints

FPS = 25.0
MEAN_STATURE = 1.75  # metres, the body that lift and rise are written for
# Softness of the floor contact, metres: below it the lowest points share the weight, so no motion has a corner.
_CONTACT = 0.008
_SHARPER_TURNS = (1.0, 1.25, 1.6, 2.0, 2.5)

# Ranges of motion, degrees (AAOS, with the pelvis and the girdle moving too). Both sides alike.
LIMITS: dict[str, tuple[int, int]] = {
    "waist_flex": (-20, 45), "waist_side": (-25, 25), "waist_twist": (-22, 22),
    "chest_flex": (-20, 38), "chest_side": (-25, 25), "chest_twist": (-45, 45),
    "neck_flex": (-45, 50), "neck_side": (-35, 35), "neck_twist": (-70, 70),
    "shrug": (-8, 25), "protract": (-15, 22), "arm_flex": (-55, 172), "arm_out": (-42, 168), "arm_twist": (-88, 80),
    "elbow": (4, 147), "hip_flex": (-28, 122), "hip_out": (-28, 72), "hip_twist": (-62, 40), "knee": (3, 148),
}  # fmt: skip
_MIRROR_SIGN = np.array([
    -1.0 if name in ("yaw", "roll", "spin") or (name[-2:] not in ("_r", "_l") and name.endswith(("_side", "_twist")))
    else 1.0 for name in CHANNELS
])  # fmt: skip
_MIRROR = [COLUMN[name[:-2] + {"_r": "_l", "_l": "_r"}[name[-2:]] if name[-2:] in ("_r", "_l") else name]
           for name in CHANNELS]  # fmt: skip


def pose_vector(pose: Pose) -> np.ndarray:
    """(C,) degrees (metres for lift and rise) of a pose of demo_activities."""
    vector = np.zeros(len(CHANNELS))
    for name, value in sorted(pose.items(), key=lambda entry: entry[0][-2:] in ("_r", "_l")):  # sides overrule both
        for column in [name] if name in COLUMN else [f"{name}_{side}" for side in SIDES if name != "lean"]:
            vector[COLUMN[column]] = value
    lean = pose.get("lean", 0)
    for column in ("pitch", "hip_flex_r", "hip_flex_l"):
        vector[COLUMN[column]] += lean
    return vector


def mirrored(motion: np.ndarray) -> np.ndarray:
    """The same motion (..., C) done the other way round."""
    return motion[..., _MIRROR] * _MIRROR_SIGN


_LOWEST, _HIGHEST = np.radians([
    LIMITS.get(name.removesuffix("_r").removesuffix("_l"), (-np.inf, np.inf)) for name in CHANNELS
]).T  # fmt: skip


def limit_angles(motion: np.ndarray) -> np.ndarray:
    """Motion (F, C) radians inside LIMITS; an arm is at most 170 degrees from hanging."""
    limited = np.clip(motion, _LOWEST, _HIGHEST)
    for side in SIDES:
        columns = [COLUMN[f"arm_flex_{side}"], COLUMN[f"arm_out_{side}"]]
        swing = np.linalg.norm(limited[:, columns], axis=1, keepdims=True)
        limited[:, columns] *= np.minimum(1, np.radians(170) / np.maximum(swing, 1e-9))
    return limited


def _keyframes(activity: Activity, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """(F, C) degrees: phrases in random order, each key a little off in time and place, joined by a monotone spline.

    A monotone spline does not overshoot, so that knees and elbows stay between their keys.
    """
    base = pose_vector(activity.base)
    one_sided = not np.allclose(mirrored(base), base)
    mirror_recording = rng.random() < 0.5
    tempo, amplitude = float(np.exp(rng.normal(0, 0.14))), rng.normal(1, 0.09)
    times, values = [0.0], [base]
    while times[-1] < seconds + 1:
        phrase = activity.phrases[rng.integers(len(activity.phrases))]
        mirror_phrase = not one_sided and rng.random() < 0.5
        for wait, pose in phrase:
            change = pose_vector({**activity.base, **pose}) - base
            change = mirrored(change) if mirror_phrase else change
            off = _uneven(rng) * (0.11 * np.abs(change) + np.where(change == 0, 0.0, 2.0))
            times.append(times[-1] + wait * tempo * float(np.exp(rng.normal(0, 0.1))))
            values.append(base + amplitude * change + off)
    instants = np.arange(round(seconds * FPS)) / FPS + rng.random()
    motion = PchipInterpolator(np.array(times), np.array(values))(instants)
    return mirrored(motion) if mirror_recording else motion


def _uneven(rng: np.random.Generator) -> np.ndarray:
    """(C,) normal numbers, mostly the same for left and right: both feet of a squat reach the floor; 0 for metres."""
    own = rng.normal(0, 1, len(CHANNELS))
    both = own + own[_MIRROR]
    both[[COLUMN[name] for name in METRES]] = own[[COLUMN[name] for name in METRES]] = 0
    return 0.6 * both + 0.4 * own


def _sway(frames: int, rng: np.random.Generator) -> np.ndarray:
    """(F, C) degrees: slow drifting of all joints, and glances; nobody stands still."""
    t = np.arange(frames)[:, None, None] / FPS
    frequency, phase = rng.uniform(0.08, 0.55, (3, len(CHANNELS))), rng.uniform(0, 2 * np.pi, (3, len(CHANNELS)))
    size = np.full(len(CHANNELS), 1.8)
    for name, amount in (("neck_twist", 11), ("neck_flex", 5), ("yaw", 9), ("pitch", 1.2), ("roll", 1.2), ("spin", 1)):
        size[COLUMN[name]] = amount
    for name, column in COLUMN.items():
        if name.startswith(("arm", "elbow")):
            size[column] = 3.5
    size[[COLUMN[name] for name in METRES]] = 0
    return (np.sin(2 * np.pi * frequency * t + phase)).sum(1) * size * rng.normal(1, 0.3, len(CHANNELS))


def _bump(phase: np.ndarray, centre: float, sharpness: float | int) -> np.ndarray:
    """A periodic hill of height 1. centre: in cycles."""
    return np.exp(sharpness * (np.cos(phase - 2 * np.pi * centre) - 1))


def _stepping(gait: Gait, frames: int, rng: np.random.Generator) -> np.ndarray:
    """(F, C) degrees to add: legs half a cycle apart, arms against them, the turn of the way."""
    t = np.arange(frames) / FPS
    stride = gait.stride * float(np.exp(rng.normal(0, 0.1)))
    swing, arms = np.exp(rng.normal(0, 0.12, 2))
    phase = 2 * np.pi * (stride * t + rng.random()) + 0.3 * np.sin(2 * np.pi * 0.2 * t + rng.uniform(0, 6.28))
    steps = np.zeros((frames, len(CHANNELS)))

    def add(name: str, value: np.ndarray | float | int) -> None:
        steps[:, COLUMN[name]] += value

    for side, shift in (("r", 0.0), ("l", np.pi)):
        own = phase + shift
        add(f"hip_flex_{side}", gait.hip_mean + gait.lean + gait.hip_swing * swing * np.cos(own))
        knee_swing = gait.knee_swing * swing * _bump(own, gait.knee_at, 3)
        add(f"knee_{side}", gait.knee_stance * _bump(own, 0.12, 5) + knee_swing)
        add(f"arm_flex_{side}", -gait.arm_swing * arms * np.cos(own))
        add(f"elbow_{side}", -0.4 * gait.arm_swing * arms * np.cos(own))
    add("pitch", gait.lean)
    add("waist_twist", -0.16 * gait.hip_swing * np.cos(phase))
    add("chest_twist", 0.32 * gait.hip_swing * np.cos(phase))
    add("roll", 2.5 * np.sin(phase))
    add("lift", gait.bounce * (1 - np.cos(2 * phase - 2.4)) / 2)
    add("rise", gait.step * (1 - np.cos(2 * np.pi * 0.13 * t + rng.uniform(0, 6.28))) / 2)
    turn = gait.turn * float(np.exp(rng.normal(0, 0.15))) * rng.choice([-1, 1])
    add("yaw", turn * (t + 0.35 * np.sin(2 * np.pi * 0.15 * t + rng.uniform(0, 6.28))))
    return steps


def _on_the_floor(body: DemoBody, joints: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Joints (F, 17, 3) with the lowest point on the floor, and what touches the floor staying where it is.

    The height is a soft minimum, which is never below the true one: nothing sinks in. The way over the ground follows
    from the contact: the root moves against the velocity of the touching points, so walking makes its own way.
    """
    gap = joints[..., 2] - body.skin
    lowest = gap.min(1, keepdims=True)
    share = np.exp(-(gap - lowest) / _CONTACT)
    scale = body.stature / MEAN_STATURE
    lift, rise = (np.maximum(motion[:, COLUMN[name]], 0) * scale for name in METRES)
    height = lift + rise - (lowest[:, 0] - _CONTACT * np.log(share.sum(1)))
    grip = share / share.sum(1, keepdims=True) * np.exp(-((lift / 0.04) ** 2))[:, None]
    velocity = -(grip[..., None] * np.gradient(joints[..., :2], axis=0)).sum(1)
    path = np.cumsum(gaussian_filter1d(velocity, 1.0, axis=0), axis=0)
    return joints + np.concatenate([path, height[:, None]], axis=1)[:, None]


def make_motion(body: DemoBody, activity: Activity, frames: int, reach: float, rng: np.random.Generator) -> np.ndarray:
    """A take: joints (F, 17, 3) metres, world frame, on the floor z = 0, facing anywhere.

    reach: metres; whose way leads farther from its middle turns more sharply, if stepping is what moves them.
    """
    motion = _keyframes(activity, frames / FPS, rng) + _sway(frames, rng)
    if activity.gait is not None:
        motion += _stepping(activity.gait, frames, rng)
    metres = [COLUMN[name] for name in METRES]
    heights = motion[:, metres]
    motion = np.radians(motion) + body.posture
    motion[:, metres] = heights
    motion = limit_angles(motion)
    facing, heading = rng.uniform(0, 2 * np.pi), motion[:, COLUMN["yaw"]].copy()
    for sharpness in _SHARPER_TURNS if activity.gait is not None else _SHARPER_TURNS[:1]:
        motion[:, COLUMN["yaw"]] = facing + sharpness * heading
        joints = _on_the_floor(body, posed_joints(body, motion), motion)
        if way_radius(joints) <= reach:
            break
    return joints


def way_radius(joints: np.ndarray) -> float:
    """Metres the hip strays from the middle of its way. joints: (F, 17, 3)."""
    way = joints[:, 0, :2]
    return float(np.linalg.norm(way - (way.max(0) + way.min(0)) / 2, axis=-1).max())
