"""What `predict --refine` changes on CMU-X, beside plain smoothing, and where it makes things worse: docs/predict.md.

    python -m benchmarks.refine --checkpoint checkpoint/.../last.safetensors
    python -m benchmarks.refine --checkpoint held_out/.../last.safetensors --subjects 02 06    what is chosen on

Whole clips of the test people, each before one camera of the range of test set (b) that looks at the clip's middle, in
an image 1,000 pixels wide; 2D exact or as a detector of the default error sees it, with its scores.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from augment.detector_noise.model import DetectorNoise
from data import DataSettings, Recording, load_test_set
from data.benchmark_cameras import WIDE_TEST, looking_rig
from data.cmu.clips import TRAIN_SUBJECTS
from data.command_line import read_flags
from data.keypoints.mapping import to_layout
from data.keypoints.pieces import Piece
from evaluation.metrics import joint_errors, similarity_aligned
from evaluation.motion import joint_accelerations
from evaluation.predict.lifted import LiftedClip, lift_pieces, upright_on_the_floor
from evaluation.tables import columns
from kinematics import Camera, Skeleton, bone_lengths, exit_with_one_sentence, screen_to_pixels
from kinematics.head import from_body
from kinematics.joints import J
from kinematics.root_place import smoothed
from posenets import ScreenLifter, load_lifter

WIDTH = 1000
STANDS_M_S = 0.1  # a foot slower than this stands
SMOOTHINGS_S = (0.06, 0.12)  # sd of the Gaussian; the best of exact 2D and of detections, chosen on 02 and 06
PAN_PIXELS_S = 100
SPEEDS_M_S = (0.0, 0.3, 0.6, 1.0, 2.0, 10.0)  # mean of the joints about the root
HEADS = ("MPJPE", "P-MPJPE", "MPJVE", "acceleration", "bones", "skating")


@dataclass
class Benchmark:
    """Compare what is lifted with what is refined."""

    checkpoint: Path
    """A run's last.safetensors, of 16 joints."""
    subjects: tuple[str, ...] = ()
    """People whom the lifter has not seen; empty: CMU-X's test people."""
    every: int = 1
    """Only every n-th clip."""


@dataclass(frozen=True)
class Shot:
    """A clip before its camera: joints (T, 16, 3) m in camera axes, its 2D in pixels and scores."""

    recording: Recording
    joints: Tensor
    camera: Camera
    size: tuple[int, int]
    piece: Piece

    @property
    def fps(self) -> float:
        return self.recording.fps


def shots(settings: Benchmark, layout: str, noisy: bool) -> list[Shot]:
    """Film every clip."""
    people = DataSettings()
    if settings.subjects:
        rest = tuple(subject for subject in TRAIN_SUBJECTS if subject not in settings.subjects)
        people = DataSettings(subjects_train=rest, subjects_test=settings.subjects)
    generator = torch.Generator().manual_seed(0)
    filmed = []
    for number, recording in enumerate(load_test_set("cmux2_a", people)):
        if number % settings.every or len(recording) < 3:
            continue
        world = torch.from_numpy(recording.joints_world).double()
        camera = looking_rig(world.numpy(), recording.group["sequence"], number, WIDE_TEST, 1)[0].to(torch.float32)
        joints = camera.world_to_camera(world.float())
        screen = camera.project(from_body(joints, layout))
        scores = torch.ones(screen.shape[:2])
        if noisy:
            screen, scores = (
                values[0] for values in DetectorNoise.default(layout, recording.fps).apply(screen[None], generator)
            )
        size = (WIDTH, round(WIDTH * float(camera.aspect)))
        pixels = screen_to_pixels(screen.double(), *size).numpy()
        piece = Piece(np.arange(len(recording)), pixels, scores.double().numpy())
        filmed.append(Shot(recording, joints, camera, size, piece))
    return filmed


Method = Callable[[ScreenLifter, Shot], LiftedClip]


def plain(lifter: ScreenLifter, shot: Shot) -> LiftedClip:
    """Lift a shot as the command does without a camera."""
    return lift_pieces(lifter, [shot.piece], shot.size, shot.fps)


def smooth(seconds: float) -> Method:
    """Smooth what is lifted with a Gaussian of this sd."""

    def method(lifter: ScreenLifter, shot: Shot) -> LiftedClip:
        clip = plain(lifter, shot)
        joints = torch.from_numpy(clip.joints_3d)
        joints = smoothed(joints.flatten(1), seconds * shot.fps).view_as(joints)
        world = upright_on_the_floor(joints, fps=shot.fps)
        return replace(clip, joints_3d=joints.numpy(), joints_world=world.numpy())

    return method


def refined(focal: float | None = None) -> Method:
    """Refine without a camera, or with one whose focal length is `focal` times the true one."""

    def method(lifter: ScreenLifter, shot: Shot) -> LiftedClip:
        camera = None
        if focal is not None:
            intrinsics = shot.camera.intrinsics.clone()
            intrinsics[:2] *= focal
            camera = replace(shot.camera, intrinsics=intrinsics)
        return lift_pieces(lifter, [shot.piece], shot.size, shot.fps, camera=camera, refine=True)

    return method


METHODS: dict[str, Method] = {
    "lifted": plain,
    **{f"smoothed, {seconds:g} s": smooth(seconds) for seconds in SMOOTHINGS_S},
    "refined": refined(),
    "refined, known camera": refined(1.0),
}


WRONG: dict[str, Method] = {
    "focal length 0.7 of the true one": refined(0.7),
    "focal length 1.4 of the true one": refined(1.4),
}


def scores(clip: LiftedClip, shot: Shot) -> dict[str, Tensor]:
    """Compute HEADS of every usable frame or step: mm, mm, mm/frame, m/s^2, mm and mm/s."""
    target, joints = shot.joints - shot.joints[:, :1], torch.from_numpy(clip.joints_3d)
    off, usable = joints - target, torch.from_numpy(shot.recording.usable)
    steps = usable[1:] & usable[:-1]
    bends = steps[1:] & steps[:-1]
    feet = [J.R_ANKLE, J.L_ANKLE]
    true_speed, speed = (
        points[:, feet].diff(dim=0).norm(dim=-1) * shot.fps
        for points in (shot.joints, torch.from_numpy(clip.joints_world))
    )
    values = (
        1000 * joint_errors(joints, target).mean(dim=1)[usable],
        1000 * joint_errors(similarity_aligned(joints, target), target).mean(dim=1)[usable],
        1000 * off.diff(dim=0).norm(dim=-1).mean(dim=1)[steps],
        joint_accelerations(off, shot.fps).mean(dim=1)[bends],
        1000 * bone_lengths(joints).std(dim=0).mean().expand(len(joints)),
        1000 * speed[(true_speed < STANDS_M_S) & steps[:, None]],
    )
    return dict(zip(HEADS, values, strict=True))


def table(lifter: ScreenLifter, filmed: list[Shot], methods: dict[str, Method]) -> tuple[str, dict[str, list[Tensor]]]:
    """Format the mean over all frames of each score, and return every clip's MPJPE by method."""
    rows, errors = [["", *HEADS, "s per 300 frames"]], {}
    for name, method in methods.items():
        start, parts = time.process_time(), defaultdict(list)
        for shot in filmed:
            for head, values in scores(method(lifter, shot), shot).items():
                parts[head].append(values)
        seconds = (time.process_time() - start) * 300 / sum(len(shot.recording) for shot in filmed)
        rows.append([name, *(f"{float(torch.cat(parts[head]).mean()):.1f}" for head in HEADS), f"{seconds:.1f}"])
        errors[name] = parts[HEADS[0]]
    return columns(rows), errors


def worst(filmed: list[Shot], before: list[Tensor], after: list[Tensor], count: int = 5) -> str:
    """List the clips whose error grows most, and how many grow at all."""
    changes = torch.stack([late.mean() - early.mean() for early, late in zip(before, after, strict=True)])
    lines = [f"{int((changes > 0).sum())} of {len(changes)} clips are worse, {int((changes > 2).sum())} by over 2 mm"]
    for index in changes.argsort(descending=True)[:count].tolist():
        recording = filmed[index].recording
        lines.append(f"  {float(changes[index]):+.1f} mm from {float(before[index].mean()):.1f}: "
                     f"{recording.group['sequence']}, {recording.action}")  # fmt: skip
    return "\n".join(lines)


def by_speed(filmed: list[Shot], before: list[Tensor], after: list[Tensor]) -> str:
    """Tell the change of the error by how fast the body moves about its root."""
    speeds = []
    for shot in filmed:
        steps = (shot.joints - shot.joints[:, :1]).diff(dim=0).norm(dim=-1).mean(dim=1) * shot.fps
        speeds.append(torch.cat([steps[:1], steps])[torch.from_numpy(shot.recording.usable)])
    speed, early, late = (torch.cat(values) for values in (speeds, before, after))
    lines = []
    for low, high in pairwise(SPEEDS_M_S):
        chosen = (speed >= low) & (speed < high)
        if chosen.any():
            lines.append(f"  {low:g} to {high:g} m/s: {float(early[chosen].mean()):.1f} -> "
                         f"{float(late[chosen].mean()):.1f} mm ({int(chosen.sum())} frames)")  # fmt: skip
    return "\n".join(lines)


def panned(shot: Shot) -> Shot:
    """Pan the image by PAN_PIXELS_S."""
    shift = PAN_PIXELS_S / shot.fps * (np.arange(len(shot.joints)) - len(shot.joints) / 2)
    joints = shot.piece.joints + shift[:, None, None] * np.array([1.0, 0.0])
    return replace(shot, piece=replace(shot.piece, joints=joints))


def made_up(shot: Shot) -> Shot:
    """Make up the joints of the body that COCO's keypoints lack."""
    coco, body = Skeleton("coco_17"), Skeleton("h36m_16")
    screen = shot.camera.project(from_body(shot.joints, coco)).double()
    pixels = screen_to_pixels(screen, *shot.size).numpy()
    joints, certain, _ = to_layout(pixels, np.ones(pixels.shape[:2]), coco, body)
    return replace(shot, piece=Piece(shot.piece.frames, joints, certain))


def frames_of(shot: Shot, frames: slice) -> Shot:
    """Keep some frames."""
    piece = Piece(shot.piece.frames[frames], shot.piece.joints[frames], shot.piece.scores[frames])
    return replace(shot, recording=shot.recording[frames], joints=shot.joints[frames], piece=piece)


CASES: dict[str, Callable[[Shot], Shot]] = {
    f"a camera that pans by {PAN_PIXELS_S} pixels a second": panned,
    "5 frames a second": lambda shot: frames_of(shot, slice(None, None, 5)),
    "COCO keypoints, the other joints made up": made_up,
}


def main() -> None:
    """The command."""
    settings = read_flags(Benchmark, "benchmarks.refine", __doc__, sys.argv[1:])
    lifter = load_lifter(settings.checkpoint)
    assert isinstance(lifter, ScreenLifter), "a lifter of one camera"
    for noisy in (False, True):
        filmed = shots(settings, lifter.input_skeleton.name, noisy)
        shown, errors = table(lifter, filmed, METHODS)
        print(f"\n2D {'as detected' if noisy else 'exact'}, {len(filmed)} clips\n{shown}", flush=True)
        for name in ("refined", "refined, known camera"):
            print(f"{name}: {worst(filmed, errors['lifted'], errors[name])}")
            print(by_speed(filmed, errors["lifted"], errors[name]), flush=True)
        print(f"Wrong focal lengths\n{table(lifter, filmed, WRONG)[0]}", flush=True)
    exact = [shot for shot in shots(settings, lifter.input_skeleton.name, noisy=False) if len(shot.joints) >= 15]
    images = [frames_of(shot, slice(at, at + 1)) for shot in exact for at in range(10, len(shot.joints) - 1, 60)]
    for name, method in METHODS.items():
        off = [method(lifter, shot).joints_3d - (shot.joints - shot.joints[:, :1]).numpy() for shot in images]
        error = 1000 * float(np.mean([np.linalg.norm(one, axis=-1).mean() for one in off]))
        print(f"2D exact, {len(images)} single images, {name}: {error:.1f} mm")
    for name, changed in CASES.items():
        print(f"\n2D exact, {name}\n{table(lifter, [changed(shot) for shot in exact], METHODS)[0]}", flush=True)


if __name__ == "__main__":
    exit_with_one_sentence(main)
