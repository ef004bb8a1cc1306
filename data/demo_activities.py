"""What the invented people do before Human3.6M's cameras: tables of keyframes, in degrees.

A pose names the channels of demo_bodies.CHANNELS in which it differs from the activity's base pose; a limb's channel
without a side means both sides; `lean` tilts the pelvis forwards over straight legs (pitch and hip_flex together).
A phrase is a list of (seconds from the last key, pose); a take strings phrases together, mirrored half of the time.
"""

from dataclasses import dataclass

Pose = dict[str, float | int]
Phrase = tuple[tuple[float, Pose], ...]


@dataclass(frozen=True)
class Gait:
    """Legs that step. stride: Hz; angles in degrees; turn: degrees per second; bounce and step: metres;
    knee_at: when in the leg's cycle, which begins with the thigh foremost, the knee is bent most."""

    stride: float | int
    hip_mean: float | int
    hip_swing: float | int
    knee_stance: float | int
    knee_swing: float | int
    arm_swing: float | int = 0.0
    lean: float | int = 2.0
    turn: float | int = 0.0
    bounce: float | int = 0.0
    step: float | int = 0.0
    knee_at: float | int = 0.72


@dataclass(frozen=True)
class Activity:
    """base: the pose everything starts from; phrases: see above; gait: stepping added to the phrases."""

    name: str
    phrases: tuple[Phrase, ...]
    base: Pose
    gait: Gait | None = None


STAND: Pose = dict(arm_out=6, arm_flex=2, elbow=14, knee=5, hip_flex=3, hip_out=4, hip_twist=-6)
SEAT: Pose = dict(STAND, hip_flex=86, knee=86, hip_out=9, arm_flex=28, elbow=48, waist_flex=6, chest_flex=6)
_REST: Phrase = ((0.9, {}),)
_STEP: Pose = dict(hip_flex_l=26, knee_l=16, hip_flex_r=-10, knee_r=8)

_TALK: tuple[Phrase, ...] = (
    ((0.6, dict(arm_flex_r=35, elbow_r=85, arm_twist_r=20)), (0.5, dict(arm_flex_r=45, elbow_r=60, arm_twist_r=-15))),
    ((0.7, dict(arm_flex=30, elbow=80, arm_twist=25)), (0.6, dict(arm_flex=38, arm_out=28, elbow=62, arm_twist=-25))),
    ((0.8, dict(elbow=100, arm_flex=22, arm_twist=62, arm_out=18)), (0.7, dict(elbow=104, arm_twist=60, arm_out=16))),
    ((0.8, dict(arm_flex=-16, arm_out=16, elbow=72, arm_twist=70)), (0.9, dict(hip_out_l=8, roll=3))),
)
_CARRY: Pose = dict(STAND, arm_flex=18, elbow=88, arm_twist=12)
_PHONE: Pose = dict(STAND, arm_flex_r=42, arm_out_r=32, elbow_r=138, arm_twist_r=8, neck_side=6)

TRAIN_ACTIVITIES: tuple[Activity, ...] = (
    Activity("walk", (_REST, *_TALK[:1]), STAND, Gait(0.85, 6, 22, 13, 58, arm_swing=22, turn=52)),
    Activity("carry", (_REST,), _CARRY, Gait(0.78, 6, 20, 14, 55, turn=48)),
    Activity("run", (_REST,), dict(STAND, elbow=85, arm_flex=8), Gait(1.25, 12, 25, 24, 82, 32, 9, 105, bounce=0.05)),
    Activity("climb_stairs", (_REST,), STAND, Gait(0.7, 22, 25, 8, 62, 16, lean=9, turn=44, step=0.42, knee_at=0.92)),
    Activity(
        "phone", (_REST, ((0.8, dict(_PHONE, elbow_l=60, arm_flex_l=20)),)), _PHONE, Gait(0.6, 4, 14, 10, 42, turn=40)
    ),
    Activity(
        "turn",
        (
            ((1.0, dict(yaw=80, neck_twist=20)), (1.1, dict(yaw=95))),
            ((1.2, dict(yaw=150, neck_twist=25)), (0.8, dict(yaw=150, neck_twist=-5))),
            ((0.9, dict(chest_twist=28, waist_twist=16, neck_twist=40)), (0.8, dict(neck_twist=-30))),
        ),
        STAND,
        Gait(0.9, 4, 6, 8, 38),
    ),
    Activity(
        "sit",
        (
            ((0.8, dict(SEAT, lean=34, arm_flex=50, hip_flex=62, knee=70)), (0.6, SEAT), (1.2, SEAT)),
            (
                (0.8, dict(SEAT, lean=30, arm_flex=52, hip_flex=60, knee=72)),
                (0.6, SEAT),
                (0.9, dict(SEAT, arm_flex_r=50, elbow_r=95)),
                (0.7, dict(SEAT, elbow=85, arm_twist=-20)),
                (0.8, dict(SEAT, lean=36, hip_flex=66, knee=80)),
                (0.8, {}),
            ),
            (
                (0.9, dict(SEAT, pitch=-12, hip_flex_r=96, knee_r=62, hip_out_r=-9)),
                (1.0, dict(SEAT, pitch=-10, hip_flex_r=98, knee_r=70, hip_out_r=-10, elbow_l=100)),
            ),
        ),
        STAND,
    ),
    Activity(
        "reach",
        (
            ((0.8, dict(arm_flex_r=150, elbow_r=12, shrug_r=10, chest_side=-8, neck_flex=-22)), (0.6, {})),
            ((0.7, dict(_STEP, arm_flex_r=88, elbow_r=10, chest_twist=24, lean=14)), (0.7, {})),
            ((0.7, dict(arm_out_r=98, elbow_r=14, chest_side=14, roll=5)), (0.6, {})),
            ((0.8, dict(arm_flex_r=62, arm_out_r=-34, elbow_r=20, chest_twist=30)), (0.7, {})),
            ((0.8, dict(arm_flex=125, elbow=22, neck_flex=-15)), (0.7, dict(arm_flex=70, elbow=70))),
        ),
        STAND,
    ),
    Activity(
        "bend",
        (
            ((0.9, dict(lean=48, waist_flex=26, chest_flex=22, arm_flex=88, knee=14, elbow=10)), (0.9, {})),
            (
                (0.9, dict(lean=24, hip_flex=52, knee=84, waist_flex=26, chest_flex=18, arm_flex=62, elbow=20)),
                (0.9, dict(arm_flex=42, elbow=78)),
                (0.7, {}),
            ),
            ((0.8, dict(lean=28, waist_flex=18, chest_twist=24, arm_flex_l=70, elbow_l=8)), (0.8, {})),
        ),
        STAND,
    ),
    Activity(
        "squat",
        (
            ((0.9, dict(lean=26, hip_flex=74, knee=108, arm_flex=92, elbow=16, waist_flex=12, hip_out=14)), (0.9, {})),
            ((0.8, dict(lean=22, hip_flex=44, knee=68, arm_flex=48, elbow=60)), (0.7, {})),
        ),
        STAND,
    ),
    Activity(
        "jump",
        (
            (
                (0.55, dict(lean=26, hip_flex=46, knee=76, arm_flex=-26, waist_flex=10)),
                (0.48, dict(arm_flex=100, elbow=34, hip_flex=0, knee=6, lift=0.10)),
                (0.24, dict(arm_flex=126, elbow=26, hip_flex=14, knee=26, lift=0.30)),
                (0.24, dict(arm_flex=70, arm_out=26, hip_flex=18, knee=22, lift=0.02)),
                (0.24, dict(lean=20, hip_flex=40, knee=66, arm_flex=25)),
                (0.6, {}),
            ),
        ),
        STAND,
    ),
    Activity(
        "throw",
        (
            (
                (
                    0.6,
                    dict(
                        _STEP,
                        arm_out_r=86,
                        arm_flex_r=4,
                        arm_twist_r=-72,
                        elbow_r=98,
                        chest_twist=-30,
                        arm_flex_l=62,
                        elbow_l=22,
                    ),
                ),
                (0.28, dict(_STEP, arm_flex_r=118, arm_out_r=44, elbow_r=30, arm_twist_r=-20, chest_twist=24, lean=10)),
                (0.34, dict(_STEP, arm_flex_r=46, arm_out_r=-22, elbow_r=26, chest_twist=34, lean=22, waist_flex=14)),
                (0.8, {}),
            ),
        ),
        STAND,
    ),
    Activity(
        "wave",
        (
            (
                (0.6, dict(arm_out_r=76, arm_flex_r=36, arm_twist_r=-76, elbow_r=92)),
                (0.26, dict(arm_out_r=82, arm_flex_r=36, arm_twist_r=-76, elbow_r=62)),
                (0.26, dict(arm_out_r=76, arm_flex_r=36, arm_twist_r=-76, elbow_r=102)),
                (0.26, dict(arm_out_r=82, arm_flex_r=36, arm_twist_r=-76, elbow_r=66)),
                (0.6, {}),
            ),
        ),
        STAND,
    ),
    Activity(
        "stretch",
        (
            ((1.0, dict(arm_out=150, arm_flex=30, elbow=20, chest_flex=-8, neck_flex=-12)), (1.0, {})),
            ((0.9, dict(arm_out_r=150, elbow_r=24, chest_side=-22, waist_side=-14, arm_out_l=18)), (0.9, {})),
            ((0.9, dict(arm_out=86, elbow=10, chest_flex=-10)), (0.8, dict(arm_out=86, chest_twist=34))),
            ((0.9, dict(arm_flex_r=92, arm_out_r=-36, elbow_r=64, elbow_l=118, arm_flex_l=62)), (0.8, {})),
        ),
        STAND,
    ),
    Activity("talk", (*_TALK, _REST), STAND),
    Activity(
        "drink",
        (
            (
                (0.9, dict(arm_flex_r=50, arm_out_r=26, elbow_r=132, arm_twist_r=24)),
                (0.8, dict(arm_flex_r=64, arm_out_r=36, elbow_r=134, arm_twist_r=20, neck_flex=-20)),
                (0.9, dict(arm_flex_r=24, elbow_r=66)),
            ),
            _TALK[0],
        ),
        STAND,
    ),
)
