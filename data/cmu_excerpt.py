"""CMU-X's motion as it ships with the project: every frame the benchmark uses, in steps of half a millimetre.

    python -m data.cmu_excerpt --prepared data/data_3d_cmu.npz --out data/cmu_excerpt.npz

writes the file from a prepared one of the 120 Hz originals. It holds CMU-X's 144 clips at its 25 frames a second (the
nearest measured frames; nothing is interpolated). For 120 frames a second and the rest of the database there is
data.prepare_data_cmu.

Joints are whole steps of STEP metres. A joint is stored as its way from its parent joint, of which the second
difference over time is small and compresses well; adding up whole numbers gives the joints back without further error.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int16

from data import cmux
from data.cmu import PreparedClip, read_prepared
from data.cmux_clips import CMUX_CLIPS
from data.command_line import OneSentenceParser
from data.files.writing import atomic_write
from kinematics.errors import PoseFKError, exit_with_one_sentence
from kinematics.skeleton import Skeleton

EXCERPT = Path(__file__).with_name("cmu_excerpt.npz")
FORMAT = "posefk-cmu-excerpt-1"
STEP = 5e-4  # metres; joints are off by half of it at most
ACKNOWLEDGEMENT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding from NSF "
    "EIA-0196217."
)
_PARENTS = Skeleton("h36m_17").parents


def encode(joints_world: Float[np.ndarray, "frames 17 3"]) -> Int16[np.ndarray, "17 3 frames"]:
    """Second differences over time of each joint's way from its parent, in steps."""
    steps = np.round(joints_world.astype(np.float64) / STEP).astype(np.int64)
    ways = steps.copy()
    for joint, parent in enumerate(_PARENTS):
        if parent >= 0:
            ways[:, joint] -= steps[:, parent]
    rest = np.diff(np.diff(ways, axis=0, prepend=0), axis=0, prepend=0)
    if np.abs(rest).max() > np.iinfo(np.int16).max:
        raise PoseFKError(f"A joint moves by more than {np.iinfo(np.int16).max * STEP:.0f} m in a frame.")
    return rest.astype(np.int16).transpose(1, 2, 0)


def decode(rest: Int[np.ndarray, "17 3 frames"]) -> Float[np.ndarray, "frames 17 3"]:
    """World joints in metres (float32) that encode() was given, to half a STEP."""
    steps = rest.astype(np.int64).cumsum(-1).cumsum(-1).transpose(2, 0, 1)
    for joint, parent in enumerate(_PARENTS):  # parents come before their children
        if parent >= 0:
            steps[:, joint] += steps[:, parent]
    return (steps * STEP).astype(np.float32)


def write_excerpt(prepared: dict[str, PreparedClip], path: Path) -> float:
    """Write CMU-X's clips of a prepared file; returns the largest error of a coordinate, metres."""
    if missing := [name for name in CMUX_CLIPS if name not in prepared]:
        raise PoseFKError(f"The prepared file lacks {len(missing)} clips of CMU-X, first {missing[0]}.")
    clips = {name: prepared[name].at_fps(cmux.FPS) for name in CMUX_CLIPS}
    rest = [encode(clip.joints_world) for clip in clips.values()]
    with atomic_write(path) as part:
        np.savez_compressed(
            part, allow_pickle=False, format=np.array(FORMAT), about=np.array(ACKNOWLEDGEMENT),
            clips=np.array(list(clips)), fps=np.array([clip.fps for clip in clips.values()]),
            source_format=np.array([clip.source_format for clip in clips.values()]),
            first_frames=np.cumsum([0, *(clip.usable.size for clip in clips.values())]),
            second_differences=np.concatenate(rest, axis=2),
            usable=np.concatenate([clip.usable for clip in clips.values()]),
        )  # fmt: skip
    pairs = zip(rest, clips.values(), strict=True)
    return float(max(np.abs(decode(numbers) - clip.joints_world).max() for numbers, clip in pairs))


def joints_of(content: dict[str, Any]) -> Float[np.ndarray, "frames 17 3"]:
    """World joints of all clips of an excerpt's content, one clip after the other."""
    bounds = content["first_frames"]
    spans = [slice(int(start), int(end)) for start, end in zip(bounds[:-1], bounds[1:], strict=True)]
    return np.concatenate([decode(content["second_differences"][..., span]) for span in spans])


def main(argv: Sequence[str] | None = None) -> None:
    """The command. argv: its words, default sys.argv."""
    parser = OneSentenceParser("python -m data.cmu_excerpt", __doc__)
    parser.add_argument("--prepared", default="data/data_3d_cmu.npz", help="what data.prepare_data_cmu wrote")
    parser.add_argument("--out", default=str(EXCERPT), help="file to write")
    arguments = parser.parse(argv)
    out = Path(arguments.out)
    error = write_excerpt(read_prepared(Path(arguments.prepared).parent), out)
    print(f"Wrote {out} ({out.stat().st_size / 1e6:.2f} MB); coordinates are off by {1000 * error:.2f} mm at most.")


if __name__ == "__main__":
    exit_with_one_sentence(main)
