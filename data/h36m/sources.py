"""The three forms Human3.6M's 3D positions come in, as a list of recordings that are read one at a time.

* CDF originals:     S1/MyPoseFeatures/D3_Positions/<Recording>.cdf       variable Pose (1, F, 96)
* MATLAB twins:      S1/MyPoseFeatures/D3_Positions/<Recording>.cdf.mat   variable data {1}: (F, 96)
* h36m.zip (HDF5):   h36m/S1/MyPoses/3D_positions/<Recording>.h5          dataset 3D_positions (96, F)

All are millimetres in the world frame, 32 joints.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Float

from data.files.archive import open_zip, read_member
from data.files.isolated.answers import OtherContentError
from data.files.isolated.client import UnreadableError, read_isolated
from data.files.present import require_file
from data.files.readers import load_mat
from data.h36m.names import ACTIONS, EXCLUDED, SUBJECTS, action_of, canonical_recording, expected_recordings
from data.plausible import FARTHEST_M, check_bodies, check_thighs
from kinematics.skeleton import Skeleton

NUM_JOINTS = 32
HIGHEST_ROOT_MM = 2500.0
_DOWNLOAD = (
    "Download Poses_D3_Positions_{S1,S5,S6,S7,S8,S9,S11}.tgz from vision.imar.ro/human3.6m and extract them there."
)


@dataclass(frozen=True)
class SourceRecording:
    """One recording in a source. name: where it lies, for messages. read: () -> raw array, frames first, 96 wide."""

    subject: str
    recording: str
    name: str
    read: Callable[[], Any]

    def positions(self) -> Float[np.ndarray, "frames 32 3"]:
        """(F, 32, 3) metres, world frame, float32; refuses what does not look like that recording."""
        return _checked_metres(self.read(), self.name)


@dataclass
class Source:
    """Recordings of a source. ignored: files that are none of the data set; excluded: those left out as corrupt."""

    recordings: list[SourceRecording] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)

    def add(self, subject: str, stem: str, name: str, read: Callable[[], Any]) -> None:
        recording = canonical_recording(stem)
        if recording is None or subject not in SUBJECTS:
            self.ignored.append(name)
        elif (subject, recording) in EXCLUDED:
            self.excluded.append(f"{subject} {recording}")
        else:
            for other in self.recordings:
                if (other.subject, other.recording) == (subject, recording):
                    raise ValueError(f"{other.name} and {name} are both {subject} {recording}: remove one of them.")
            self.recordings.append(SourceRecording(subject, recording, name, read))

    def missing(self) -> list[str]:
        """What the whole data set has and this source has not, in words."""
        have = [(recording.subject, action_of(recording.recording)) for recording in self.recordings]
        present = {subject for subject, _ in have}
        return [f"{subject}: no recordings at all" for subject in SUBJECTS if subject not in present] + [
            f"{subject} {action}: {count} of {expected} recordings"
            for subject, action in product(SUBJECTS, ACTIONS)
            if (count := have.count((subject, action))) < (expected := expected_recordings(subject, action))
            and subject in present
        ]


def find_features(folder: str | Path, suffix: str) -> Source:
    """The .cdf or .cdf.mat files (suffix) under a folder that holds S1, S5, ..."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder, expected the one that holds S1, S5, .... {_DOWNLOAD}")
    source, read = Source(), _READERS[suffix]
    for file in sorted(folder.glob(f"S*/MyPoseFeatures/D3_Positions/*{suffix}")):
        source.add(file.parts[-4], file.name.removesuffix(suffix), str(file), partial(read, file))
    if not source.recordings:
        raise FileNotFoundError(_nothing_found(folder, suffix))
    return source


def find_archive(path: str | Path) -> Source:
    """The .h5 files of h36m.zip, read inside the archive, or of the folder it was extracted to."""
    path = Path(path)
    source = Source()
    if path.is_dir():
        names = {str(PurePosixPath(file.relative_to(path))): file.read_bytes for file in sorted(path.rglob("*.h5"))}
    else:
        require_file(path, "Give the h36m.zip that SemGCN's data/README.md describes.")
        with open_zip(path, what_to_do="Copy or download it again.") as archive:
            inside = sorted(archive.namelist())
        names = {name: partial(_read_member, path, name) for name in inside}
    for name, read_bytes in names.items():
        match = re.search(r"(?:^|/)(S\d+)/MyPoses/3D_positions/([^/]+)\.h5$", name)
        if match:
            source.add(match[1], match[2], f"{path}:{name}", partial(_read_h5, read_bytes, f"{path}:{name}"))
    if not source.recordings:
        raise FileNotFoundError(f"{path} holds no pose, expected h36m/S1/MyPoses/3D_positions/*.h5 and so on inside.")
    return source


def _nothing_found(folder: Path, suffix: str) -> str:
    wanted = f"expected {folder}/S1/MyPoseFeatures/D3_Positions/*{suffix} and so on"
    if any(folder.glob("S*/MyPoseFeatures/D3_Positions_mono*/*")):
        return (
            f"{folder} holds D3_Positions_mono (camera frame) but no D3_Positions (world frame): {wanted}. {_DOWNLOAD}"
        )
    if any(folder.glob("*.tgz")):
        return f"{folder} holds archives that are not extracted: {wanted}. Extract them with: tar -xzf FILE.tgz"
    others = {".cdf": "--from-source-cdf", ".cdf.mat": "--from-source"}
    for other, flag in others.items():
        if other != suffix and any(folder.glob(f"S*/MyPoseFeatures/D3_Positions/*{other}")):
            return f"{folder} holds {other} files, not {suffix} files: use {flag} {folder}."
    return f"{folder} holds no pose: {wanted}. {_DOWNLOAD}"


def _read_cdf(path: Path) -> Any:
    try:
        return read_isolated("cdf", require_file(path), variable="Pose")
    except UnreadableError as error:
        raise ValueError(
            f"{path} cannot be read as a CDF file with 'Pose' ({error}). Copy or extract it again."
        ) from error


def _read_cdf_mat(path: Path) -> Any:
    content = load_mat(path)
    if "data" not in content:
        raise ValueError(f"{path} has {', '.join(content)[:80] or 'nothing'} inside, expected 'data' of cdfread.")
    data = content["data"]
    while isinstance(data, np.ndarray) and data.dtype == object and data.size == 1:
        data = data.flat[0]
    return data


_READERS = {".cdf": _read_cdf, ".cdf.mat": _read_cdf_mat}


def _read_member(path: Path, name: str) -> bytes:
    with open_zip(path) as archive:
        return read_member(archive, path, name)


def _read_h5(read_bytes: Callable[[], bytes], name: str) -> Any:
    content = read_bytes()
    try:
        return read_isolated("hdf5", name, content, names=["3D_positions"])["arrays"]["3D_positions"].T
    except (UnreadableError, OtherContentError, KeyError) as error:
        why = "it has none" if isinstance(error, KeyError) else error
        raise ValueError(
            f"{name} cannot be read as an HDF5 file with '3D_positions' ({why}). Copy or download it again."
        ) from error


def _checked_metres(raw: object, name: str) -> np.ndarray:
    array = np.asarray(raw)
    if array.dtype.kind not in "fiu" or array.ndim < 2 or array.shape[-1] != NUM_JOINTS * 3 or array.size == 0:
        raise ValueError(f"{name} has an array of shape {array.shape}, expected (frames, 96). Is it from D3_Positions?")
    poses = array.reshape(-1, NUM_JOINTS, 3).astype(np.float64)
    if len(frames := np.flatnonzero(~np.isfinite(poses).all(axis=(1, 2)))):
        raise ValueError(f"{name} has NaN or infinity in {len(frames)} frames (first: {frames[0]}). Extract it again.")
    check_thighs(poses, name, unit="mm")
    if np.median(poses[:, 0, 2]) > HIGHEST_ROOT_MM:
        raise ValueError(
            f"{name} has the hips {np.median(poses[:, 0, 2]) / 1000:.1f} m above the ground, expected under 2.5 m: it "
            "looks like the camera frame (D3_Positions_mono). Use D3_Positions."
        )
    metres = poses / 1000
    check_bodies(Skeleton("h36m_32").convert(metres, "h36m_17"), name, advice="Extract it again.")
    if not np.abs(metres).max() <= FARTHEST_M:  # of the toes, hands and copies
        raise ValueError(f"{name} has a joint {np.abs(metres).max():.3g} m from the origin, expected {FARTHEST_M:g}.")
    return metres.astype(np.float32)
