"""MPI-INF-3DHP's annotations -> data_extra/test_set/test_3dhp.npz or, of the training set, data/data_3dhp_train.npz

    python prepare_data_3dhp.py                    from data_extra/dataset_extras/mpi_inf_3dhp_valid.npz (SPIN)
    python prepare_data_3dhp.py --source FOLDER    from FOLDER/TS1/annot_data.mat ... TS6 (the official release)
    python prepare_data_3dhp.py --train FOLDER     from FOLDER/S1/Seq1/annot.mat, camera.calibration ... S8/Seq2

Only the official release knows activities and the video between the scored frames. docs/data_3dhp.md tells what goes
where, docs/data_multiview.md for the training set's eight views.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from data.command_line import OneSentenceParser
from data.files.writing import atomic_write
from data.mpi_inf_3dhp.official.test import (
    SCENES,
    SEQUENCES,
    TO_H36M_16,
    VALID_FRAMES,
    AnnotatedFrames,
    read_official,
    read_spin,
)
from data.mpi_inf_3dhp.official.train import FRAMES, find_sequences, read_sequence
from data.mpi_inf_3dhp.test_set import TEST_FILE
from data.mpi_inf_3dhp.train_set import TRAIN_FILE
from data.mpi_inf_3dhp.train_set import arrays as train_arrays
from data.recordings import Recording
from kinematics.errors import PoseFKError, exit_with_one_sentence
from kinematics.skeleton import Skeleton

SPIN_FILE = "dataset_extras/mpi_inf_3dhp_valid.npz"


def _parser() -> OneSentenceParser:
    parser = OneSentenceParser("python prepare_data_3dhp.py", __doc__)
    parser.add_argument(
        "--source", metavar="PATH", help=f"SPIN's npz or a folder of TS1 ... TS6 (data_extra/{SPIN_FILE})"
    )
    parser.add_argument("--data_extra_root", default="data_extra", help="where test_set/ lies (data_extra)")
    parser.add_argument("--train", metavar="PATH", help="a folder of S1 ... S8: prepare the training set instead")
    parser.add_argument("--data_root", default="data", help=f"where {TRAIN_FILE} is written (data)")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command. argv: its words, default sys.argv."""
    arguments = _parser().parse(argv)
    if arguments.train is not None:
        if arguments.source is not None:
            raise PoseFKError("--train makes the training file and --source the test file: give one of the two.")
        return prepare_train(Path(arguments.train), Path(arguments.data_root) / TRAIN_FILE)
    source = Path(arguments.source or Path(arguments.data_extra_root) / SPIN_FILE)
    frames = read_official(source) if source.is_dir() else read_spin(source)
    path = Path(arguments.data_extra_root) / TEST_FILE
    with atomic_write(path) as part:
        np.savez_compressed(part, **arrays(frames))
    _report(frames, source, path)


def prepare_train(folder: Path, path: Path) -> None:
    """The training sequences that are in `folder`, to `path`; those that are not are listed."""
    available, missing = find_sequences(folder)
    recordings = [read_sequence(place, name) for name, place in available.items()]
    with atomic_write(path) as part:
        np.savez_compressed(part, **train_arrays(recordings))  # type: ignore[arg-type]
    _report_train(recordings, missing, path)


def arrays(frames: AnnotatedFrames) -> dict[str, Any]:
    """What test_3dhp.npz holds.

    pose3d (N, 16, 3) metres, pelvis-centred, and pose2d (N, 16, 2) screen: what PoseAug and DH-AUG read.
    joints17_3d, joints17_2d: the same in the official order of 17; sequence, scene, activity, image: (N,).
    video17_3d, video17_2d, video_sequence, video_activity, video_image, video_valid: every frame of the videos, where
    the source has more than the scored ones. 2D that is missing in a frame between scored ones is interpolated.
    """
    scored = frames[frames.valid]
    joints_3d, joints_2d = scored.joints_3d.astype(np.float32), scored.screen().astype(np.float32)
    content = {
        "pose3d": joints_3d[:, TO_H36M_16], "pose2d": joints_2d[:, TO_H36M_16],
        "joints17_3d": joints_3d, "joints17_2d": joints_2d,
        "joints17_names": np.array(Skeleton("mpi_inf_3dhp_17").joints),
        "sequence": scored.sequence, "scene": np.array([SCENES[name] for name in scored.sequence]),
        "activity": scored.activity, "image": scored.image,
    }  # fmt: skip
    return content if len(scored) == len(frames) else content | _video(frames)


def _video(frames: AnnotatedFrames) -> dict[str, Any]:
    screen = frames.screen()
    for name in SEQUENCES:
        of_sequence = np.flatnonzero(frames.sequence == name)
        screen[of_sequence] = without_gaps(screen[of_sequence])
    return {
        "video17_3d": np.nan_to_num(frames.joints_3d).astype(np.float32), "video17_2d": screen.astype(np.float32),
        "video_sequence": frames.sequence, "video_activity": frames.activity, "video_image": frames.image,
        "video_valid": frames.valid,
    }  # fmt: skip


def without_gaps(points: Float[np.ndarray, "frames joints 2"]) -> Float[np.ndarray, "frames joints 2"]:
    """Points whose NaN and infinities are replaced, joint by joint, on the straight line between the frames around."""
    filled, clock = points.copy(), np.arange(len(points))
    for joint, axis in zip(*np.nonzero(~np.isfinite(points).all(axis=0)), strict=True):
        known = np.isfinite(points[:, joint, axis])
        filled[:, joint, axis] = np.interp(clock, clock[known], points[known, joint, axis])
    return filled


def _report(frames: AnnotatedFrames, source: Path, path: Path) -> None:
    print(f"{'sequence':<10}{'scene':<9}{'frames':>8}{'valid':>8}{'usual':>8}")
    for name in SEQUENCES:
        of_sequence = frames.sequence == name
        counts = f"{of_sequence.sum():>8,}{frames.valid[of_sequence].sum():>8,}{VALID_FRAMES[name]:>8,}"
        print(f"{name:<10}{SCENES[name]:<9}{counts}")
    valid, usual = int(frames.valid.sum()), sum(VALID_FRAMES.values())
    print(f"{'all':<19}{len(frames):>8,}{valid:>8,}{usual:>8,}")
    if valid != usual:
        print(f"{source} has {valid:,} valid frames, published scores are over {usual:,}: do not compare with them.")
    if not (frames.activity != "").any():
        print("Activities are not known: SPIN's file has none. The official annot_data.mat files have.")
    if valid == len(frames):
        print("Only scored frames: lifters of several frames can be judged on 3dhp_sparse, not on the video (3dhp).")
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


def _report_train(recordings: list[Recording], missing: list[str], path: Path) -> None:
    print(f"{'sequence':<10}{'fps':>5}{'views':>7}{'frames':>9}{'usual':>9}")
    for recording in recordings:
        name = recording.group["sequence"]
        print(f"{name:<10}{recording.fps:>5g}{len(recording.views):>7}{len(recording):>9,}{FRAMES[name]:>9,}")
    print(f"{'all':<22}{sum(map(len, recordings)):>9,}{sum(FRAMES.values()):>9,}")
    for name in missing:
        print(f"missing  {name}")
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    exit_with_one_sentence(main)
