"""Human3.6M as downloaded -> data_3d_h36m.npz, data_2d_h36m_gt.npz and the bone-length templates.

    python -m data.prepare_data_h36m --from-source-cdf DIR      the .cdf originals, DIR holds S1, S5, ...
    python -m data.prepare_data_h36m --from-source DIR          the same as .cdf.mat
    python -m data.prepare_data_h36m --from-archive h36m.zip    the HDF5 archive of SemGCN's data/README.md

Missing recordings are listed and left out (--strict refuses them). A second run replaces them. docs/data_h36m.md tells
what goes where.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from tqdm import tqdm

from data.command_line import OneSentenceParser
from data.files.writing import atomic_write
from data.h36m.cameras import CAMERA_RESOLUTIONS, H36M_CAMERAS
from data.h36m.names import ACTIONS, SUBJECTS, TRAIN_SUBJECTS, expected_recordings
from data.h36m.sources import Source, find_archive, find_features
from data.recordings import view_from_world
from kinematics.camera import screen_to_pixels
from kinematics.errors import exit_with_one_sentence
from kinematics.skeleton import Skeleton

FILE_3D = "data_3d_h36m.npz"
FILE_2D = "data_2d_h36m_gt.npz"
TEMPLATES_FILE = "bone_length_npy/hm36s15678_bl_templates.npy"  # of PoseAug and DH-AUG
POSEAUG_BONES: list[tuple[int, int]] = Skeleton("h36m_16").bones  # their order: bone k ends at joint k + 1
Positions = dict[str, dict[str, np.ndarray]]
Keypoints = dict[str, dict[str, list[np.ndarray]]]  # of each camera
_FINDERS = {
    "from_source_cdf": partial(find_features, suffix=".cdf"),
    "from_source": partial(find_features, suffix=".cdf.mat"),
    "from_archive": find_archive,
}


def _parser() -> OneSentenceParser:
    parser = OneSentenceParser("python -m data.prepare_data_h36m", __doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--from-source-cdf", metavar="DIR", help="folder with S1/MyPoseFeatures/D3_Positions/*.cdf")
    source.add_argument("--from-source", metavar="DIR", help="the same with *.cdf.mat, converted by MATLAB")
    source.add_argument("--from-archive", metavar="ZIP", help="h36m.zip with h36m/S1/MyPoses/3D_positions/*.h5")
    inside = Path("prepare_data_h36m.py").is_file()  # `cd data; python prepare_data_h36m.py` of the family's READMEs
    data_root, extra_root = (".", "../data_extra") if inside else ("data", "data_extra")
    parser.add_argument("--data_root", "--output", default=data_root, help=f"folder of the npz files ({data_root})")
    parser.add_argument("--data_extra_root", default=extra_root, help=f"folder of the bone templates ({extra_root})")
    parser.add_argument("--num_joints", type=int, choices=(16, 17), default=17, help="joints of the 2D file (17)")
    parser.add_argument("--strict", action="store_true", help="refuse a source that lacks recordings")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command. argv: its words, default sys.argv."""
    arguments = _parser().parse(argv)
    flag = next(name for name in _FINDERS if getattr(arguments, name) is not None)
    source = _FINDERS[flag](getattr(arguments, flag))
    missing = source.missing()
    if missing and arguments.strict:
        raise ValueError(f"{getattr(arguments, flag)} lacks recordings and --strict was given: {'; '.join(missing)}.")
    positions = read_positions(source)
    joints_2d = project(positions, arguments.num_joints)
    templates = _templates(positions)
    written = write(arguments, positions, joints_2d, templates)
    _report(source, missing, positions, written)
    if templates is None:
        print(f"No bone templates: they need all of {', '.join(TRAIN_SUBJECTS)}.")


def read_positions(source: Source) -> Positions:
    """subject -> recording -> (F, 32, 3) metres, world frame, float32."""
    positions: Positions = {subject: {} for subject in SUBJECTS}
    for recording in tqdm(source.recordings, desc="reading recordings", unit="recording"):
        positions[recording.subject][recording.recording] = recording.positions()
    return {subject: recordings for subject, recordings in positions.items() if recordings}


def project(positions: Positions, num_joints: int = 17) -> Keypoints:
    """subject -> recording -> one (F, num_joints, 2) float32 array of pixels per camera, distorted as the lens does."""
    joints_2d: Keypoints = {subject: {} for subject in positions}
    names = [(subject, recording) for subject, recordings in positions.items() for recording in recordings]
    for subject, recording in tqdm(names, desc="projecting recordings", unit="recording"):
        joints = Skeleton("h36m_32").convert(positions[subject][recording], Skeleton.from_num_joints(num_joints))
        joints_2d[subject][recording] = [_pixels(joints, subject, i) for i in range(len(CAMERA_RESOLUTIONS))]
    return joints_2d


def _pixels(joints_world: np.ndarray, subject: str, camera_index: int) -> np.ndarray:
    view = view_from_world(joints_world, H36M_CAMERAS[subject][camera_index], str(camera_index))
    width, height = CAMERA_RESOLUTIONS[camera_index]
    return screen_to_pixels(torch.from_numpy(view.joints_2d).double(), width, height).float().numpy()


def _templates(positions: Positions) -> np.ndarray | None:
    """Bone lengths of S1, S5, S6, S7, S8, (5, 15) float32 metres; None where a training subject is missing."""
    if not all(subject in positions for subject in TRAIN_SUBJECTS):
        return None
    layout = Skeleton("h36m_32")
    poses = [layout.convert(np.concatenate(list(positions[s].values())), "h36m_16") for s in TRAIN_SUBJECTS]
    return np.stack([bone_lengths_of(joints) for joints in poses]).astype(np.float32)


def bone_lengths_of(joints: Float[np.ndarray, "frames 16 3"]) -> Float[np.ndarray, "15"]:
    """Median bone lengths over all frames: thorax-head and thorax-shoulder are not rigid, glitches must not count."""
    parents, children = np.array(POSEAUG_BONES).T
    return np.median(np.linalg.norm(joints[:, children] - joints[:, parents], axis=-1), axis=0)


def write(arguments: Any, positions: Positions, joints_2d: Keypoints, templates: np.ndarray | None) -> list[Path]:
    """Write all files, or none: they take their places when the last one is complete."""
    skeleton = Skeleton.from_num_joints(arguments.num_joints)  # what VideoPose3D's loaders read of the 2D
    sides = [sorted(skeleton.left), sorted(skeleton.right)]
    metadata = {"layout_name": "h36m", "num_joints": arguments.num_joints, "keypoints_symmetry": sides}
    root = Path(arguments.data_root)
    paths = [root / FILE_3D, root / FILE_2D]
    with ExitStack() as stack:
        part_3d, part_2d = (stack.enter_context(atomic_write(path)) for path in paths)
        if templates is not None:
            paths.append(Path(arguments.data_extra_root) / TEMPLATES_FILE)
            np.save(stack.enter_context(atomic_write(paths[-1])), templates)
        print(f"Writing {', '.join(map(str, paths))} ...", flush=True)
        _save_pickled(part_3d, positions_3d=positions)
        _save_pickled(part_2d, positions_2d=joints_2d, metadata=metadata)
    return paths


def _save_pickled(path: Path, **members: dict[str, Any]) -> None:
    """Dicts as 0-d object arrays, the layout every VideoPose3D-like project loads with allow_pickle=True."""
    arrays: dict[str, Any] = {name: np.array(value, dtype=object) for name, value in members.items()}
    np.savez_compressed(path, **arrays)


def _report(source: Source, missing: list[str], positions: Positions, written: list[Path]) -> None:
    print(f"\n{'subject':<8}{'recordings':>11}{'of':>5}{'frames':>10}")
    for subject in SUBJECTS:
        recordings = positions.get(subject, {})
        print(f"{subject:<8}{len(recordings):>11}{_expected(subject):>5}{sum(map(len, recordings.values())):>10,}")
    total = sum(len(recordings) for recordings in positions.values())
    print(f"{'all':<8}{total:>11}{sum(map(_expected, SUBJECTS)):>5}")
    lines = [f"missing  {line}" for line in missing]
    lines += [f"left out {line} (corrupt in the data set)" for line in source.excluded]
    lines += [f"ignored  {line} (no recording of Human3.6M)" for line in source.ignored]
    lines += [f"wrote    {path} ({path.stat().st_size / 1e6:,.1f} MB)" for path in written]
    print("\n".join(lines))


def _expected(subject: str) -> int:
    return sum(expected_recordings(subject, action) for action in ACTIONS)


if __name__ == "__main__":
    exit_with_one_sentence(main)
