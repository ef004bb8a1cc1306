"""TRC and C3D files of a lifted clip: the joints as markers, for OpenSim and other programs of biomechanics.

Both hold joints_world as it is, all joints of the lifter by name. TRC: metres, x right, y up, z backwards (OpenSim: y
up), laid out as OpenSim and Pose2Sim write it. C3D: millimetres, z up, as motion capture laboratories have it.
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from data.files.bvh.writer import y_up
from evaluation.predict.files.pieces import piece_files, times
from evaluation.predict.lifted import LiftedClip
from kinematics.errors import PoseFKError

MOST_C3D_FRAMES = 65_535  # a 16-bit number in the header


def check_c3d(frames: int) -> None:
    """Refuse to write C3D without ezc3d, saying how to get it, or more frames without a gap than a file holds."""
    if importlib.util.find_spec("ezc3d") is None:
        raise PoseFKError(
            'C3D files need ezc3d, which is not installed: pip install -e ".[c3d]", or leave c3d out of --outputs.'
        )
    if frames > MOST_C3D_FRAMES:
        raise PoseFKError(
            f"A C3D file holds {MOST_C3D_FRAMES:,} frames at most, the clip has {frames:,} without a gap: leave c3d "
            "out of --outputs (trc holds any number)."
        )


def write_trc_files(clip: LiftedClip, folder: Path) -> list[str]:
    """pose.trc, or one per piece; their names."""
    joints, seconds = y_up(clip.joints_world.astype(np.float64)), times(clip)
    names = []
    for name, frames in piece_files(clip, "trc"):
        text = _trc(name, clip.skeleton.joints, joints[frames], clip.frames[frames].tolist(), seconds[frames], clip.fps)
        (folder / name).write_text(text)
        names.append(name)
    return names


def _trc(
    name: str, markers: tuple[str, ...], joints: Float[np.ndarray, "frames joints 3"], numbers: list[int],
    seconds: Float[np.ndarray, "frames"], fps: float,
) -> str:  # fmt: skip
    """A TRC file as text. Tabs at the ends of the names and axes are there: Pose2Sim's readers count them."""
    axes = "".join(f"X{marker}\tY{marker}\tZ{marker}\t" for marker in range(1, len(markers) + 1))
    head = [
        f"PathFileType\t4\t(X/Y/Z)\t{name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{fps:.9g}\t{fps:.9g}\t{len(joints)}\t{len(markers)}\tm\t{fps:.9g}\t{numbers[0]}\t{len(joints)}",
        "Frame#\tTime\t" + "".join(f"{marker}\t\t\t" for marker in markers),
        f"\t\t{axes}",
    ]
    rows = [
        f"{number}\t{time:.6f}\t" + "\t".join(f"{place:.6f}" for place in row)
        for number, time, row in zip(numbers, seconds, joints.reshape(len(joints), -1) + 0.0, strict=True)
    ]
    return "\n".join([*head, *rows]) + "\n"


def write_c3d_files(clip: LiftedClip, folder: Path) -> list[str]:
    """pose.c3d, or one per piece; their names. Every file begins with frame 1."""
    import ezc3d  # an extra

    names = []
    for name, frames in piece_files(clip, "c3d"):
        joints = 1000 * clip.joints_world[frames].astype(np.float64)
        file: Any = ezc3d.c3d()
        point = file["parameters"]["POINT"]
        point["RATE"]["value"], point["UNITS"]["value"] = [clip.fps], ["mm"]
        point["LABELS"]["value"] = list(clip.skeleton.joints)
        for screen, axis in (("X_SCREEN", "+X"), ("Y_SCREEN", "+Z")):  # z is up
            file.add_parameter("POINT", screen, [axis])
        file["data"]["points"] = np.concatenate([joints, np.ones((*joints.shape[:2], 1))], axis=-1).T
        file.write(str(folder / name))
        names.append(name)
    return names
