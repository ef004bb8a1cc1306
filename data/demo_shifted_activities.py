"""What the invented people do in the shifted test only; the tables are written as in demo_activities.py."""

from data.demo_activities import STAND, Activity, Pose

_LYING: Pose = dict(pitch=-90, hip_out=8, arm_out=22, elbow=14, knee=5)
_PRONE: Pose = dict(pitch=71, hip_flex=2, knee=4, arm_flex=76, arm_out=16, elbow=10, arm_twist=-10, neck_flex=-25)
_FOURS: Pose = dict(pitch=78, hip_flex=80, knee=88, arm_flex=80, elbow=12, hip_out=5, arm_out=8, neck_flex=-30)
_FLOOR: Pose = dict(hip_flex=84, knee=8, hip_out=12, arm_flex=-28, arm_out=18, elbow=16, pitch=-14, waist_flex=14)
_CROSSED: Pose = dict(
    hip_flex=98, hip_out=46, hip_twist=-58, knee=122, arm_flex=30, arm_out=14, elbow=40, waist_flex=16
)
_GUARD: Pose = dict(STAND, arm_flex=42, elbow=112, arm_twist=26, hip_flex_l=16, hip_flex_r=-8, knee_l=18, knee_r=12)
_LUNGE: Pose = dict(hip_flex_r=84, knee_r=84, hip_flex_l=-18, knee_l=22)

SHIFTED_ACTIVITIES: tuple[Activity, ...] = (
    Activity(
        "lie",
        (
            ((0.9, dict(hip_flex=52, knee=98, arm_flex=20)), (1.0, dict(hip_flex_r=84, knee_r=104))),
            ((1.0, dict(arm_flex=158, elbow=16)), (0.9, dict(arm_out=86, elbow=60))),
            ((1.0, dict(spin=78, hip_flex=56, knee=70, arm_flex=68, elbow=62)), (1.1, dict(spin=84, hip_flex=38))),
            ((1.0, dict(pitch=-38, hip_flex=50, waist_flex=30, chest_flex=22, arm_flex=60)), (0.9, {})),
        ),
        _LYING,
    ),
    Activity(
        "crawl",
        (
            (
                (0.6, dict(hip_flex_r=98, hip_flex_l=62, arm_flex_l=104, arm_flex_r=62, elbow_l=24)),
                (0.6, dict(hip_flex_l=98, hip_flex_r=62, arm_flex_r=104, arm_flex_l=62, elbow_r=24)),
            ),
        ),
        _FOURS,
    ),
    Activity(
        "push_up",
        (
            ((0.8, dict(pitch=83, elbow=98, arm_out=50, arm_flex=20)), (0.8, {})),
            ((1.0, dict(pitch=108, hip_flex=74, arm_flex=160, knee=6, neck_flex=10)), (1.0, {})),
            ((0.9, dict(hip_flex_r=84, knee_r=90)), (0.7, {})),
        ),
        _PRONE,
    ),
    Activity(
        "sit_on_floor",
        (
            ((1.0, _CROSSED), (0.9, dict(_CROSSED, arm_flex=62, elbow=60)), (0.9, _CROSSED)),
            ((0.9, dict(pitch=20, hip_flex=116, waist_flex=34, chest_flex=20, arm_flex=74, elbow=12)), (0.9, {})),
            ((0.9, dict(hip_flex_r=106, knee_r=102, arm_flex_r=50, elbow_r=58)), (0.9, {})),
        ),
        _FLOOR,
    ),
    Activity(
        "kick",
        (
            (
                (0.4, dict(_GUARD, hip_flex_r=82, knee_r=104, pitch=-6)),
                (0.24, dict(_GUARD, hip_flex_r=98, knee_r=14, pitch=-20, arm_flex_l=10)),
                (0.6, _GUARD),
            ),
            (
                (0.4, dict(_GUARD, hip_flex_r=52, hip_out_r=52, knee_r=98, roll=-18, hip_out_l=-12)),
                (0.26, dict(_GUARD, hip_flex_r=34, hip_out_r=74, knee_r=16, roll=-38, hip_out_l=-30)),
                (0.6, _GUARD),
            ),
            ((0.24, dict(_GUARD, arm_flex_r=86, elbow_r=14, chest_twist=32)), (0.4, _GUARD)),
        ),
        _GUARD,
    ),
    Activity(
        "dance",
        (
            (
                (0.5, dict(arm_out=128, elbow=52, hip_out_r=32, roll=12, chest_side=-18)),
                (0.5, dict(arm_flex=112, elbow=62, yaw=90, knee=42, hip_flex=34)),
            ),
            (
                (0.5, dict(hip_flex_r=72, knee_r=94, arm_out_r=92, arm_flex_l=132, chest_twist=-28)),
                (0.5, dict(hip_out_r=44, arm_out=102, yaw=70, roll=-14, lift=0.06)),
            ),
            (
                (0.5, dict(lean=38, arm_flex=-42, arm_out=40, knee=52, hip_flex=46, neck_flex=24)),
                (0.5, dict(arm_out=142, arm_flex=42, chest_flex=-16, waist_flex=-12, neck_flex=-26)),
            ),
        ),
        STAND,
    ),
    Activity(
        "balance",
        (
            (
                (1.0, dict(pitch=66, hip_flex_l=70, hip_flex_r=-8, knee_r=8, arm_flex=140, elbow=10, neck_flex=-30)),
                (1.0, dict(pitch=72, hip_flex_l=76, hip_flex_r=-10, arm_out=88)),
            ),
            ((1.0, dict(hip_flex_r=58, hip_out_r=50, hip_twist_r=-40, knee_r=124, arm_out=160)), (1.2, {})),
            ((1.0, dict(hip_flex_r=86, knee_r=30, arm_out=82)), (1.0, dict(hip_out_r=50, arm_out=96))),
        ),
        STAND,
    ),
    Activity(
        "lunge",
        (
            (
                (0.7, dict(_LUNGE, arm_out=88)),
                (0.8, dict(_LUNGE, chest_twist=42, arm_flex=86, waist_twist=18)),
                (0.7, {}),
            ),
            (
                (0.7, dict(hip_out_r=44, hip_flex_r=52, knee_r=82, hip_out_l=34, lean=22, roll=8, arm_flex=78)),
                (0.7, {}),
            ),
            ((0.6, dict(_LUNGE, lean=22, arm_flex_r=96, elbow_r=8, arm_out_l=66, arm_flex_l=-30)), (0.6, {})),
        ),
        STAND,
    ),
    Activity(
        "jumping_jack",
        (
            (
                (0.34, dict(arm_out=158, elbow=16, hip_out=24, lift=0.07)),
                (0.16, dict(arm_out=150, hip_out=24, knee=12)),
                (0.34, dict(lift=0.07, arm_out=30)),
                (0.16, dict(knee=14, hip_flex=8)),
            ),
        ),
        STAND,
    ),
    Activity(
        "crouch",
        (
            (
                (0.8, dict(lean=34, hip_flex=84, knee=130, hip_out=18, arm_flex=70, elbow=28, waist_flex=24)),
                (0.8, dict(lean=40, hip_flex=84, knee=132, arm_flex=92, chest_twist=26, waist_flex=22)),
            ),
            (
                (0.9, dict(hip_flex_r=88, knee_r=92, hip_flex_l=-4, knee_l=98, arm_flex_r=46, elbow_r=72)),
                (1.0, dict(hip_flex_r=92, knee_r=94, hip_flex_l=-2, knee_l=100, lean=16, arm_flex_l=62)),
            ),
        ),
        STAND,
    ),
)
