"""Write CMU-X's motion as it ships with the project: every frame the benchmark uses, in steps of half a millimetre.

    python -m data.cmu.excerpt --data_root data --out data/cmu/excerpt.npz

makes the file from the data_3d_cmu.npz that data.prepare_data_cmu wrote of the 120 Hz originals. It holds the 144 clips
at the benchmark's 25 frames a second (the nearest measured frames; nothing is interpolated).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.benchmark_cameras import FPS
from data.cmu.clips import CMUX_CLIPS
from data.cmu.coding import EXCERPT, EXCERPT_FORMAT, decode, encode
from data.cmu.prepared import FILE_NAME, PreparedClip, read_clips
from data.command_line import OneSentenceParser
from data.files.writing import atomic_write
from kinematics.errors import PoseFKError, exit_with_one_sentence

ACKNOWLEDGEMENT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. The database was created with funding from NSF "
    "EIA-0196217."
)


def write_excerpt(prepared: dict[str, PreparedClip], path: Path) -> float:
    """Write CMU-X's clips of a prepared file; returns the largest error of a coordinate, metres."""
    if missing := [name for name in CMUX_CLIPS if name not in prepared]:
        raise PoseFKError(f"The prepared file lacks {len(missing)} clips of CMU-X, first {missing[0]}.")
    clips = {name: prepared[name].at_fps(FPS) for name in CMUX_CLIPS}
    rest = [encode(clip.joints_world) for clip in clips.values()]
    with atomic_write(path) as part:
        np.savez_compressed(
            part, allow_pickle=False, format=np.array(EXCERPT_FORMAT), about=np.array(ACKNOWLEDGEMENT),
            clips=np.array(list(clips)), fps=np.array([clip.fps for clip in clips.values()]),
            source_format=np.array([clip.source_format for clip in clips.values()]),
            first_frames=np.cumsum([0, *(clip.usable.size for clip in clips.values())]),
            second_differences=np.concatenate(rest, axis=2),
            usable=np.concatenate([clip.usable for clip in clips.values()]),
        )  # fmt: skip
    pairs = zip(rest, clips.values(), strict=True)
    return float(max(np.abs(decode(numbers) - clip.joints_world).max() for numbers, clip in pairs))


def main(argv: Sequence[str] | None = None) -> None:
    """The command. argv: its words, default sys.argv."""
    parser = OneSentenceParser("python -m data.cmu.excerpt", __doc__)
    parser.add_argument("--data_root", default="data", help=f"folder of {FILE_NAME} (default: data)")
    parser.add_argument("--out", default=str(EXCERPT), help="file to write")
    arguments = parser.parse(argv)
    out = Path(arguments.out)
    error = write_excerpt(read_clips(Path(arguments.data_root) / FILE_NAME), out)
    print(f"Wrote {out} ({out.stat().st_size / 1e6:.2f} MB); coordinates are off by {1000 * error:.2f} mm at most.")


if __name__ == "__main__":
    exit_with_one_sentence(main)
