"""Write data_3d_cmu.npz from CMU motion capture.

    python -m data.prepare_data_cmu --source FOLDER_OR_ARCHIVE     a folder, .tar.xz or .zip with .asf/.amc or .bvh files
    python -m data.prepare_data_cmu --download                     the database's own archive (1.1 GB)

The file holds plain arrays: joints_world (frames of all clips, 17, 3) metres, z up, h36m_17; usable (frames,); per clip
clips, fps, source_format, lowest_joint; first_frames (clips + 1) cuts the frames into clips.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from tqdm import tqdm

from data.cmu import FILE_FORMAT, FILE_NAME
from data.cmu_archive import CaptureSource, Clip, open_source
from data.cmu_quality import glitch_frames, lowest_joint
from data.cmux_clips import CMUX_CLIPS
from data.download import download
from data.readers import atomic_write
from kinematics.errors import PoseFKError, exit_with_one_sentence
from kinematics.skeleton import Skeleton

ARCHIVE_URL = "http://mocap.cs.cmu.edu/allasfamc.zip"
BELOW_FLOOR = -0.02  # metres; a joint lower than this is said to be below the floor


@dataclass
class PrepareSettings:
    """Write data_3d_cmu.npz from CMU motion capture (see docs/data_cmu.md)."""

    source: str = ""
    """Folder, .tar.xz or .zip with ASF/AMC or BVH files, anywhere inside."""
    download: bool = False
    """Fetch the archive from the database's own site instead; an interrupted download is continued."""
    data_root: str = "data"
    """Folder to write data_3d_cmu.npz to; a download is kept in its folder `downloads`."""
    clips: Literal["cmu-x", "all"] = "cmu-x"
    """cmu-x: the 144 clips of the benchmark. all: every motion of the source."""
    url: str = ARCHIVE_URL
    """Where --download fetches from."""
    sha256: str = ""
    """Checksum the downloaded archive must have. The database publishes none: every download prints its own."""
    skip_bad: bool = False
    """Leave out clips that cannot be read and say so, instead of stopping at the first."""


def main() -> None:
    prepare(tyro.cli(PrepareSettings))


def prepare(settings: PrepareSettings) -> Path:
    """Read, check and write everything; returns the file written."""
    source = _source(settings)
    wanted: Callable[[str], bool] = CMUX_CLIPS.__contains__ if settings.clips == "cmu-x" else lambda clip: True
    with open_source(source, wanted) as capture:
        clips = _read_all(capture, settings.skip_bad)
    usable = [~glitch_frames(clip.joints, clip.fps) for clip in clips]
    path = _write(clips, usable, Path(settings.data_root) / FILE_NAME)
    print(_table(clips, usable))
    if absent := [clip for clip in CMUX_CLIPS if clip not in {entry.name for entry in clips}]:
        print(
            f"Not in the source: {len(absent)} of the {len(CMUX_CLIPS)} clips of CMU-X ({', '.join(absent[:10])} ...)."
        )
    print(f"Wrote {path} ({path.stat().st_size / 1e6:.0f} MB).")
    return path


def _source(settings: PrepareSettings) -> Path:
    if bool(settings.source) == settings.download:
        raise PoseFKError("Give either --source FOLDER_OR_ARCHIVE or --download, one of the two.")
    if settings.source:
        return Path(settings.source)
    archive = Path(settings.data_root) / "downloads" / (settings.url.rstrip("/").rpartition("/")[2] or "cmu.zip")
    if archive.exists() and not settings.sha256:
        print(f"{archive} is already there and is used; delete it to download it again.")
        return archive
    found = download(settings.url, archive, settings.sha256)
    print(f"{archive}: sha256 {found}" + ("" if settings.sha256 else f" (compare next time with --sha256 {found})"))
    return archive


def _read_all(capture: CaptureSource, skip_bad: bool) -> list[Clip]:
    clips = []
    for name in (bar := tqdm(sorted(capture.motions), desc="Reading clips", unit=" clips")):
        bar.set_postfix_str(name)
        try:
            clips.append(capture.read_clip(name))
        except (ValueError, FileNotFoundError) as error:
            if not skip_bad:
                raise
            tqdm.write(f"Left out: {error}")
    if not clips:
        raise PoseFKError(f"{capture.place} holds no clip that can be read.")
    return clips


def _write(clips: list[Clip], usable: list[np.ndarray], path: Path) -> Path:
    skeleton = Skeleton("h36m_17")
    frames = [len(clip.joints) for clip in clips]
    with atomic_write(path) as part:
        np.savez(
            part,
            format=np.array(FILE_FORMAT),
            skeleton=np.array(skeleton.name),
            left=np.array(skeleton.left),
            right=np.array(skeleton.right),
            clips=np.array([clip.name for clip in clips]),
            fps=np.array([clip.fps for clip in clips]),
            source_format=np.array([clip.source_format for clip in clips]),
            lowest_joint=np.array([lowest_joint(c.joints, good) for c, good in zip(clips, usable, strict=True)]),
            first_frames=np.cumsum([0, *frames]),
            joints_world=np.concatenate([clip.joints for clip in clips]),
            usable=np.concatenate(usable),
        )
    return path


def _table(clips: list[Clip], usable: list[np.ndarray]) -> str:
    """Clips, frames, minutes, glitch frames and lowest joint per subject, and in total."""
    by_subject: dict[str, list[int]] = {}
    for index, clip in enumerate(clips):
        by_subject.setdefault(clip.name.split("_")[0], []).append(index)
    lines = [f"{'subject':>8} {'clips':>6} {'frames':>8} {'minutes':>8} {'glitches':>9} {'lowest joint':>13}  source"]
    rows = {**by_subject, "all": list(range(len(clips)))}
    for subject, members in rows.items():
        frames = sum(len(usable[i]) for i in members)
        minutes = sum(len(usable[i]) / clips[i].fps for i in members) / 60
        glitches = sum(int((~usable[i]).sum()) for i in members)
        lowest = min(lowest_joint(clips[i].joints, usable[i]) for i in members)
        floor = " below the floor" if lowest < BELOW_FLOOR else ""
        formats = " ".join(sorted({clips[i].source_format for i in members}))
        lines.append(
            f"{subject:>8} {len(members):>6} {frames:>8} {minutes:>8.1f} {glitches:>9} {lowest:>11.3f} m  {formats}{floor}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    exit_with_one_sentence(main)
