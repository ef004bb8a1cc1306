"""MPI-INF-3DHP's test annotations -> data_extra/test_set/test_3dhp.npz

    python prepare_data_3dhp.py                    from data_extra/dataset_extras/mpi_inf_3dhp_valid.npz (SPIN)
    python prepare_data_3dhp.py --source FOLDER    from FOLDER/TS1/annot_data.mat ... TS6 (the official release)

Only the official release knows activities and all frames (--all-frames). docs/data_3dhp.md tells what goes where.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.command_line import OneSentenceParser
from data.mpi_inf_3dhp import (
    SCENES,
    SEQUENCES,
    TEST_FILE,
    TO_H36M_16,
    VALID_FRAMES,
    AnnotatedFrames,
    read_official,
    read_spin,
)
from data.readers import atomic_write
from kinematics.errors import exit_with_one_sentence
from kinematics.skeleton import Skeleton

SPIN_FILE = "dataset_extras/mpi_inf_3dhp_valid.npz"


def _parser() -> OneSentenceParser:
    parser = OneSentenceParser("python prepare_data_3dhp.py", __doc__)
    parser.add_argument(
        "--source", metavar="PATH", help=f"SPIN's npz or a folder of TS1 ... TS6 (data_extra/{SPIN_FILE})"
    )
    parser.add_argument("--data_extra_root", default="data_extra", help="where test_set/ lies (data_extra)")
    parser.add_argument("--all-frames", action="store_true", help="keep frames that are not scored, marked in `valid`")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command. argv: its words, default sys.argv."""
    arguments = _parser().parse(argv)
    source = Path(arguments.source or Path(arguments.data_extra_root) / SPIN_FILE)
    frames = read_official(source) if source.is_dir() else read_spin(source)
    if not arguments.all_frames:
        frames = frames[frames.valid]
    path = Path(arguments.data_extra_root) / TEST_FILE
    with atomic_write(path) as part:
        np.savez_compressed(part, **arrays(frames))
    _report(frames, source, path)


def arrays(frames: AnnotatedFrames) -> dict[str, Any]:
    """What test_3dhp.npz holds.

    pose3d (N, 16, 3) metres, pelvis-centred, and pose2d (N, 16, 2) screen: what PoseAug and DH-AUG read.
    joints17_3d, joints17_2d: the same in the official order of 17; sequence, scene, activity, image, valid: (N,).
    """
    joints_3d, joints_2d = frames.joints_3d.astype(np.float32), frames.screen().astype(np.float32)
    return {
        "pose3d": joints_3d[:, TO_H36M_16],
        "pose2d": joints_2d[:, TO_H36M_16],
        "joints17_3d": joints_3d,
        "joints17_2d": joints_2d,
        "joints17_names": np.array(Skeleton("mpi_inf_3dhp_17").joints),
        "sequence": frames.sequence,
        "scene": np.array([SCENES[name] for name in frames.sequence]),
        "activity": frames.activity,
        "image": frames.image,
        "valid": frames.valid,
    }


def _report(frames: AnnotatedFrames, source: Path, path: Path) -> None:
    print(f"{'sequence':<10}{'scene':<9}{'frames':>8}{'valid':>8}{'usual':>8}")
    for name in SEQUENCES:
        own = frames.sequence == name
        counts = f"{own.sum():>8,}{frames.valid[own].sum():>8,}{VALID_FRAMES[name]:>8,}"
        print(f"{name:<10}{SCENES[name]:<9}{counts}")
    valid, usual = int(frames.valid.sum()), sum(VALID_FRAMES.values())
    print(f"{'all':<19}{len(frames):>8,}{valid:>8,}{usual:>8,}")
    if valid != usual:
        print(f"{source} has {valid:,} valid frames, published scores are over {usual:,}: do not compare with them.")
    if not (frames.activity != "").any():
        print("Activities are not known: SPIN's file has none. The official annot_data.mat files have.")
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    exit_with_one_sentence(main)
