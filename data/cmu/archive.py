"""CMU motion capture as it comes: a folder, .tar(.xz, .gz, .bz2) or .zip with ASF, AMC and BVH files anywhere inside.

Files are known by their names: 01.asf is a skeleton, 01_02.amc and 01_02.bvh are a motion of subject 01.
"""

import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from data.cmu.clips import CAPTURE_FPS
from data.files.archive import check_size, open_zip, read_member
from data.files.asf_amc import TAKE_AGAIN, AsfSkeleton, amc_joints, parse_asf
from data.files.bvh.reader import bvh_joints
from data.files.tar import open_tar
from data.plausible import check_bodies, check_thighs

_CAPTURE_NAME = re.compile(r"^(\d{2,3})(_\d{2,3})?\.(asf|amc|bvh)$", re.IGNORECASE)
THIGH_M = (0.25, 0.6)  # in other units than CMU's (0.0254/0.45 m) it is longer or shorter
SOURCES = "a folder, .tar.xz or .zip with CMU's .asf/.amc or .bvh files"


@dataclass(frozen=True)
class Clip:
    """One motion. joints: (F, 17, 3) metres, z-up world, h36m_17.

    source_format: amc, bvh+asf (thorax put back exactly) or bvh (thorax estimated).
    """

    name: str
    joints: Float[np.ndarray, "frames 17 3"]
    fps: float
    source_format: str


@dataclass
class CaptureSource:
    """What a source holds: per subject and clip a function that reads the file's text."""

    place: str
    skeletons: dict[str, Callable[[], str]] = field(default_factory=dict)
    motions: dict[str, dict[str, Callable[[], str]]] = field(default_factory=dict)
    _parsed: dict[str, AsfSkeleton] = field(default_factory=dict)

    def add(self, name: str, read: Callable[[], str]) -> None:
        """Take a file in if its name says what it is; the first of several files with one name counts."""
        if match := _CAPTURE_NAME.match(name):
            subject, motion, extension = match[1], match[2], match[3].lower()
            if extension == "asf" and motion is None:
                self.skeletons.setdefault(subject, read)
            elif extension != "asf" and motion is not None:
                self.motions.setdefault(subject + motion, {}).setdefault(extension, read)

    def skeleton(self, subject: str) -> AsfSkeleton | None:
        """The subject's skeleton, None where the source has none."""
        if subject not in self._parsed and subject in self.skeletons:
            self._parsed[subject] = parse_asf(self.skeletons[subject](), f"{self.place}: {subject}.asf")
        return self._parsed.get(subject)

    def read_clip(self, clip: str) -> Clip:
        """A motion from its AMC file, which is the original, or from its BVH file."""
        formats, subject = self.motions[clip], clip.split("_")[0]
        skeleton = self.skeleton(subject)
        if "amc" in formats and skeleton is not None:
            name = f"{self.place}: {clip}.amc"
            joints, fps, format_name = amc_joints(formats["amc"](), skeleton, name), CAPTURE_FPS, "amc"
        elif "bvh" in formats:
            name = f"{self.place}: {clip}.bvh"
            joints, fps = bvh_joints(formats["bvh"](), skeleton, name)
            format_name = "bvh" if skeleton is None else "bvh+asf"
        else:
            raise FileNotFoundError(
                f"{self.place}: {clip}.amc needs its subject's skeleton {subject}.asf: put both into the same source."
            )
        check_thighs(joints, name, expected=THIGH_M, advice="Is the file in other units than CMU's (0.0254/0.45 m)?")
        check_bodies(joints, name, advice=TAKE_AGAIN, called=lambda row: f"frame {row + 1}")
        return Clip(clip, joints.astype(np.float32), fps, format_name)


@contextmanager
def open_source(source: str | Path, wanted: Callable[[str], bool]) -> Iterator[CaptureSource]:
    """The capture files of a folder or archive. wanted(clip name) says which motions matter."""
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing, expected {SOURCES}. Get one with --download.")
    if path.is_dir():
        files = sorted(path.rglob("*"))
        yield _collect(path, ((file.name, partial(_read_file, file)) for file in files), wanted)
    elif zipfile.is_zipfile(path):
        with open_zip(path, what_to_do="Copy or download it again.") as archive:
            names = archive.namelist()
            yield _collect(path, ((Path(name).name, partial(_read_zip, archive, path, name)) for name in names), wanted)
    elif path.suffix.lower() == ".zip":
        raise ValueError(f"{path} is no whole archive, expected {SOURCES}. Copy or download it again.")
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield _collect(path, _unpack_tar(path, Path(folder), wanted), wanted)


def _collect(
    place: Path, files: Iterable[tuple[str, Callable[[], str]]], wanted: Callable[[str], bool]
) -> CaptureSource:
    source = CaptureSource(str(place))
    for name, read in files:
        if _matters(name, wanted):
            source.add(name, read)
    if not source.motions:
        raise FileNotFoundError(f"{place} has no motion that was asked for, expected {SOURCES}, named like 01_02.amc.")
    return source


def _matters(name: str, wanted: Callable[[str], bool]) -> bool:
    match = _CAPTURE_NAME.match(name)
    return bool(match) and (match[2] is None or wanted(match[1] + match[2]))


def _read_file(path: Path) -> str:
    check_size(str(path), path.stat().st_size)
    return path.read_text(encoding="latin-1")


def _read_zip(archive: zipfile.ZipFile, path: Path, name: str) -> str:
    return read_member(archive, path, name).decode("latin-1")


def _unpack_tar(path: Path, folder: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Unpack what matters, in one pass: a compressed tar cannot be read at random. Names inside never become paths."""
    with open_tar(path, SOURCES) as members, tqdm(desc=f"Unpacking {path.name}", unit=" files") as progress:
        for number, (member, read) in enumerate(members):
            name = Path(member.name).name
            if member.isfile() and _matters(name, wanted):
                copy = folder / str(number)  # not progress.n, which stays 0 where bars are switched off
                copy.write_bytes(read())
                progress.update()
                yield name, partial(_read_file, copy)
