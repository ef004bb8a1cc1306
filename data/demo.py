"""The invented, animated population `demo`: no file, no licence, made in seconds.

Adults do everyday things in Human3.6M's camera rigs (train, and the test "demo" with unseen people). In the shifted
test "demo_shifted" people of other builds, a child among them, do other things (lie, crawl, kick, dance...) in front
of wide-angle cameras like MPI-INF-3DHP's (CMU-X's test cameras). Validation sees held-out people do the training
activities through unseen wide cameras. The population has a seed of its own: the demo of one run is the demo of all.
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from data.cmu.benchmark import TEST_B, VALIDATION, CameraRange, looking_camera, stands_apart
from data.data_source import DataSource
from data.demo_activities import TRAIN_ACTIVITIES, Activity
from data.demo_bodies import SKELETON, DemoBody, make_body
from data.demo_motions import FPS, make_motion, way_radius
from data.demo_shifted_activities import SHIFTED_ACTIVITIES
from data.h36m.cameras import CAMERA_IDS, H36M_CAMERAS
from data.recordings import DataSettings, DataSplits, Recording, view_from_world
from kinematics.camera import Camera, in_image
from kinematics.skeleton import Skeleton

POPULATION_SEED = 20_22
# name: (stature m, build, leg length against the average, Human3.6M rig used unless the split has wide cameras)
_PEOPLE = {
    "D1": (1.72, 1.00, 1.00, "S1"), "D2": (1.80, 1.06, 0.99, "S5"), "D3": (1.66, 0.97, 1.01, "S6"),
    "D4": (1.77, 1.10, 1.00, "S7"), "D5": (1.84, 0.98, 1.02, "S8"), "D6": (1.70, 1.04, 0.99, "S8"),
    "D7": (1.78, 1.02, 1.01, "S9"), "D8": (1.65, 1.00, 0.98, "S11"),
    "D9": (1.18, 0.88, 0.93, "S9"), "D10": (1.99, 0.90, 1.05, "S11"), "D11": (1.53, 1.35, 0.96, "S9"),
    "D12": (1.71, 0.92, 1.02, "S11"),
}  # fmt: skip
TRAIN_SUBJECTS = ("D1", "D2", "D3", "D4", "D5")
VALIDATION_SUBJECTS = ("D6",)
TEST_SUBJECTS = {"demo": ("D7", "D8"), "demo_shifted": ("D9", "D10", "D11", "D12")}
# Where Human3.6M's four cameras look (the point nearest to their axes) and how far from it people may stray, metres.
_RIG_CENTRE, _RIG_REACH = (0.05, 0.3), 1.15
_WIDE_DRAWS = 48


def load(settings: DataSettings) -> DataSplits:
    """Training, validation and both tests. `settings.seed` changes nothing: everybody's demo is the same set."""
    _refuse_unknown("subjects_train", settings.subjects_train, TRAIN_SUBJECTS + VALIDATION_SUBJECTS)
    every_test_subject = tuple(name for names in TEST_SUBJECTS.values() for name in names)
    _refuse_unknown("subjects_test", settings.subjects_test, every_test_subject)
    activities = TRAIN_ACTIVITIES + SHIFTED_ACTIVITIES
    _refuse_unknown("actions", settings.actions, [activity.name for activity in activities])
    if settings.downsample < 1:
        raise ValueError(f"downsample is {settings.downsample}, expected 1 or more: keep every n-th frame.")
    skeleton = _skeleton(settings.num_joints)
    learned = settings.subjects_train or TRAIN_SUBJECTS
    if not settings.hold_out_validation:
        learned = tuple(dict.fromkeys(learned + VALIDATION_SUBJECTS))
    everyday = _kept(TRAIN_ACTIVITIES, settings)
    train = [_recording(name, activity, 110, skeleton, None) for name in learned for activity in everyday]
    if not train:
        raise ValueError(
            f"The demo has nothing to train on: actions {', '.join(settings.actions)} belong to its shifted test. "
            f"Add one of {', '.join(activity.name for activity in TRAIN_ACTIVITIES)}."
        )
    held_out = [(name, activity) for name in VALIDATION_SUBJECTS for activity in everyday]
    wide = _Wide(VALIDATION, settings.views)
    validation = [_recording(name, activity, 90, skeleton, wide) for name, activity in held_out]
    notes = ["demo: an invented population, the same for every seed; not a benchmark to compare papers with."]
    if set(learned) & set(VALIDATION_SUBJECTS):
        notes.append(f"demo: {', '.join(VALIDATION_SUBJECTS)} is trained on, so the validation is not held out.")
    return DataSplits(
        [recording.thinned(settings.downsample) for recording in train], validation, _tests(settings), notes
    )


def load_tests(settings: DataSettings) -> dict[str, list[Recording]]:
    """Only the takes of "demo" and "demo_shifted"."""
    return _tests(settings)


def _tests(settings: DataSettings) -> dict[str, list[Recording]]:
    skeleton = _skeleton(settings.num_joints)
    tests: dict[str, list[Recording]] = {}
    for test, subjects in TEST_SUBJECTS.items():
        shifted = test == "demo_shifted"
        activities = _kept(SHIFTED_ACTIVITIES if shifted else TRAIN_ACTIVITIES, settings)
        chosen = [name for name in subjects if name in (settings.subjects_test or subjects)]
        wide = _Wide(TEST_B, settings.views) if shifted else None
        recordings = [_recording(name, activity, 75, skeleton, wide) for name in chosen for activity in activities]
        if recordings:
            tests[test] = recordings
    return tests


def _kept(activities: Iterable[Activity], settings: DataSettings) -> list[Activity]:
    return [activity for activity in activities if not settings.actions or activity.name in settings.actions]


def _refuse_unknown(setting: str, given: Sequence[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Perhaps you meant: {near[0]}" if near else ""
            raise ValueError(f"{setting} has {name!r}, the demo knows {', '.join(known)}.{hint}")


def _skeleton(num_joints: int) -> Skeleton:
    if num_joints not in (16, 17):
        raise ValueError(f"The demo has 16 or 17 joints, num_joints asks for {num_joints}.")
    return Skeleton.from_num_joints(num_joints)


def _generator(subject: str, *numbers: int) -> np.random.Generator:
    """Every person and every take draws from a stream of its own, so that one can be made without the others."""
    return np.random.Generator(np.random.PCG64([POPULATION_SEED, int(subject[1:]), *numbers]))


def demo_body(subject: str) -> DemoBody:
    """The person called `subject`, D1 to D12."""
    stature, build, legs, _ = _PEOPLE[subject]
    return make_body(subject, stature, build, legs, _generator(subject))


class _Wide(NamedTuple):
    """Cameras that look at the person: of which kind, and how many a lifter is to see at once."""

    kind: CameraRange
    views: int


def _recording(subject: str, activity: Activity, frames: int, skeleton: Skeleton, wide: _Wide | None) -> Recording:
    """One person doing one thing. wide: before such cameras; None: in the person's rig."""
    number = (TRAIN_ACTIVITIES + SHIFTED_ACTIVITIES).index(activity)
    generator = _generator(subject, number + 1)
    joints = make_motion(demo_body(subject), activity, frames, _RIG_REACH, generator)  # (F, 17, 3) world
    joints = _kept_near(joints, generator)
    if wide is not None:
        found = _wide_cameras(joints, f"{subject} {activity.name}", wide)
        cameras = {f"wide_{i}": camera for i, camera in enumerate(found)}
    else:
        cameras = dict(zip(CAMERA_IDS, H36M_CAMERAS[_PEOPLE[subject][3]], strict=True))
    joints = SKELETON.convert(joints, skeleton)
    views = tuple(view_from_world(joints, camera, name) for name, camera in cameras.items())
    return Recording(subject, activity.name, views, FPS, np.ones(frames, dtype=bool), {"activity": activity.name})


def _kept_near(joints: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Joints (F, 17, 3) with their way over the ground moved, and shrunk if it must be, into the rig's reach."""
    way = joints[:, :1, :2]
    middle = (way.max(0) + way.min(0)) / 2
    radius = way_radius(joints)
    shrink = min(1.0, _RIG_REACH / radius)
    spare, direction = _RIG_REACH - radius * shrink, generator.uniform(0, 2 * np.pi)
    aside = spare * np.sqrt(generator.random()) * np.array([np.cos(direction), np.sin(direction)])
    moved = joints.copy()
    moved[..., :2] += (shrink - 1) * way - shrink * middle + aside + np.array(_RIG_CENTRE)
    return moved


def _wide_cameras(joints: np.ndarray, clip: str, wide: _Wide) -> list[Camera]:
    """Cameras that look at the person like CMU-X's, fixed by the clip's name: two, or as many views as there are to be.

    The first of some draws that see every joint of every frame; if there are fewer, those that see most. From the third
    on each stands apart from those before it.
    """
    points = torch.from_numpy(joints)
    middle, most = points[:, 0].mean(0), max(wide.views, 2)
    partly: list[tuple[float, Camera]] = []
    chosen: list[Camera] = []

    def may_join(camera: Camera) -> bool:
        return len(chosen) < 2 or (len(chosen) < most and stands_apart(camera, chosen, middle))

    for draw in range(_WIDE_DRAWS):
        camera = looking_camera(joints, clip, draw, wide.kind)
        seen = in_image(camera.project(camera.world_to_camera(points)), float(camera.aspect)).double().mean()
        if seen < 1:
            partly.append((float(seen), camera))
        elif may_join(camera):
            chosen.append(camera)
        if len(chosen) == most:
            break
    partly.sort(key=lambda entry: -entry[0])
    for _, camera in partly:
        if may_join(camera):
            chosen.append(camera)
    return chosen


DEMO = DataSource(
    load,
    views=4,
    test_sets=("demo", "demo_shifted"),
    budget={
        "lifter": {"posenet_name": "simple_baseline", "posenet_width": 512, "dropout": 0.1},
        "learning": {"epochs": 8, "steps_per_epoch": 150, "batch_size": 256, "gan_every": 10, "lr": 4e-3},
    },
    short_runs=True,
)
