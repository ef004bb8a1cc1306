"""Write data_3d_cmu.npz from CMU motion capture.

    python -m data.prepare_data_cmu --source FOLDER_OR_ARCHIVE     a folder, .tar.xz or .zip with ASF/AMC or BVH files
    python -m data.prepare_data_cmu --download                     the database's own archive (1.1 GB)

The file holds plain arrays: joints_world (frames of all clips, 17, 3) metres, z up, h36m_17; usable (frames,); per clip
clips, fps, source_format, lowest_joint; first_frames (clips + 1) cuts the frames into clips.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data.cmu import FILE_FORMAT, FILE_NAME
from data.cmu.archive import CaptureSource, Clip, open_source
from data.cmu.clips import CMUX_CLIPS
from data.cmu.quality import FASTEST_JOINT, glitch_frames, lowest_joint
from data.command_line import OneSentenceParser
from data.files.download import check_sha256, download
from data.files.writing import atomic_write
from kinematics.errors import PoseFKError, exit_with_one_sentence
from kinematics.skeleton import Skeleton

ARCHIVE_URL = "http://mocap.cs.cmu.edu/allasfamc.zip"
BELOW_FLOOR = -0.02  # metres; a joint lower than this is said to be below the floor


def _parser() -> OneSentenceParser:
    parser = OneSentenceParser("python -m data.prepare_data_cmu", __doc__)
    add = parser.add_argument
    add("--source", help="folder, .tar.xz or .zip with ASF/AMC or BVH files, anywhere inside")
    add("--download", action="store_true", help="fetch the archive; an interrupted download is continued")
    add("--data_root", default="data", help="folder to write to; a download is kept in its folder downloads")
    add("--clips", choices=("cmu-x", "all"), default="cmu-x", help="the benchmark's 144 clips, or every motion found")
    add("--url", default=ARCHIVE_URL, help=f"where --download fetches from (default: {ARCHIVE_URL})")
    add("--sha256", default="", help="checksum the download must have; the database publishes none")
    add("--skip_bad", action="store_true", help="leave out clips that cannot be read, instead of stopping")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """The command. argv: its words, default sys.argv."""
    arguments = _parser().parse(argv)
    if bool(arguments.source) == arguments.download:
        raise PoseFKError("Give either --source FOLDER_OR_ARCHIVE or --download, one of the two.")
    root = Path(arguments.data_root)
    source = fetch(arguments.url, root, arguments.sha256) if arguments.download else Path(arguments.source)
    prepare(source, root, only_benchmark=arguments.clips == "cmu-x", skip_bad=arguments.skip_bad)


def fetch(url: str, data_root: Path, sha256: str) -> Path:
    """Download the archive unless it is there already."""
    archive = data_root / "downloads" / (url.rstrip("/").rpartition("/")[2] or "cmu.zip")
    if archive.exists():
        print(f"{archive} is already there; delete it to download it again.")
        check_sha256(archive, sha256)
    else:
        digest = download(url, archive, sha256)
        print(f"{archive}: sha256 {digest}" + ("" if sha256 else f" (to compare next time: --sha256 {digest})"))
    return archive


def prepare(source: Path, data_root: Path, only_benchmark: bool = True, skip_bad: bool = False) -> Path:
    """Read, check and write everything; returns the file written."""
    wanted: Callable[[str], bool] = CMUX_CLIPS.__contains__ if only_benchmark else lambda clip: True
    with open_source(source, wanted) as capture:
        read = _read_all(capture, skip_bad)
    clips, usable = [clip for clip, _ in read], [good for _, good in read]
    path = _write(clips, usable, data_root / FILE_NAME)
    print(_table(clips, usable))
    names = {clip.name for clip in clips}
    if absent := [clip for clip in CMUX_CLIPS if clip not in names]:
        some = ", ".join(absent[:8]) + (", ..." if len(absent) > 8 else "")
        print(f"Not in the source: {len(absent)} of the {len(CMUX_CLIPS)} clips of CMU-X ({some}).")
    print(f"Wrote {path} ({path.stat().st_size / 1e6:.0f} MB).")
    return path


def _read_all(capture: CaptureSource, skip_bad: bool) -> list[tuple[Clip, np.ndarray]]:
    """The clips, each with the frames that are no glitches."""
    clips = []
    for name in (bar := tqdm(sorted(capture.motions), desc="Reading clips", unit=" clips")):
        bar.set_postfix_str(name)
        try:
            clip = capture.read_clip(name)
            usable = ~glitch_frames(clip.joints, clip.fps)
            if not usable.any():
                raise ValueError(
                    f"{capture.place}: {name} has no frame to learn from, all {len(usable)} are glitches: joints "
                    f"faster than {FASTEST_JOINT:g} m/s, or a root at the origin. Leave it out (--skip_bad)."
                )
            clips.append((clip, usable))
        except (ValueError, FileNotFoundError) as error:
            if not skip_bad:
                raise
            tqdm.write(f"Left out: {error}")
    if not clips:
        raise PoseFKError(f"{capture.place} holds no clip that can be read.")
    return clips


def _write(clips: list[Clip], usable: list[np.ndarray], path: Path) -> Path:
    skeleton = Skeleton("h36m_17")
    with atomic_write(path) as part:
        np.savez(
            part, format=np.array(FILE_FORMAT), skeleton=np.array(skeleton.name),
            left=np.array(skeleton.left), right=np.array(skeleton.right),
            clips=np.array([clip.name for clip in clips]), fps=np.array([clip.fps for clip in clips]),
            source_format=np.array([clip.source_format for clip in clips]),
            lowest_joint=np.array([lowest_joint(c.joints, good) for c, good in zip(clips, usable, strict=True)]),
            first_frames=np.cumsum([0, *(len(clip.joints) for clip in clips)]),
            joints_world=np.concatenate([clip.joints for clip in clips]), usable=np.concatenate(usable),
        )  # fmt: skip
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
        counts = f"{subject:>8} {len(members):>6} {frames:>8} {minutes:>8.1f} {glitches:>9}"
        lines.append(f"{counts} {lowest:>11.3f} m  {formats}{floor}")
    return "\n".join(lines)


if __name__ == "__main__":
    exit_with_one_sentence(main)
