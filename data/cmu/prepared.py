"""Clips of CMU motion capture: the file that data.prepare_data_cmu writes, or the excerpt that is built in."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from data.cmu.coding import EXCERPT, EXCERPT_FORMAT, joints_of
from data.files.archive import shortened
from data.files.members import check_arrays
from data.files.npz import load_npz_restricted
from data.plausible import check_bodies, check_rate

FILE_NAME = "data_3d_cmu.npz"
FILE_FORMAT = "posefk-cmu-1"
HOW_TO_MAKE = "Make it with: python -m data.prepare_data_cmu --download (or --source FOLDER_OR_ARCHIVE)"
_ARRAYS = {  # types and shape
    "format": ("U", ()), "usable": ("b", ("frames",)), "joints_world": ("f", ("frames", 17, 3)),
    "clips": ("U", ("clips",)), "fps": ("fiu", ("clips",)), "source_format": ("U", ("clips",)),
    "first_frames": ("iu", ("clips + 1",)),
}  # fmt: skip


@dataclass(frozen=True)
class PreparedClip:
    """One clip of the prepared file. joints_world: (F, 17, 3) metres, z up, h36m_17; usable: (F,)."""

    joints_world: Float[np.ndarray, "frames 17 3"]
    usable: Bool[np.ndarray, "frames"]
    fps: float
    source_format: str

    def at_fps(self, fps: float | int) -> "PreparedClip":
        """The frames nearest to an even `fps` (measured poses, none in between); a slower clip stays as it is."""
        step = max(self.fps / fps, 1.0)
        frames = np.round(np.arange(int((len(self.usable) - 1) / step) + 1) * step).astype(int)
        return PreparedClip(self.joints_world[frames], self.usable[frames], self.fps / step, self.source_format)


def read_prepared(data_root: str | Path) -> dict[str, PreparedClip]:
    """Clip name -> clip, from the file that prepare_data_cmu wrote, else from the excerpt that is built in."""
    path = Path(data_root) / FILE_NAME
    return read_clips(path if path.exists() else EXCERPT)


def read_clips(path: Path) -> dict[str, PreparedClip]:
    """Clip name -> clip, from a prepared file or an excerpt of one."""
    content = load_npz_restricted(path, HOW_TO_MAKE)
    if str(content.get("format")) == EXCERPT_FORMAT:
        wanted = {"second_differences": ("i", (17, 3, "frames")), "first_frames": ("iu", ("clips + 1",))}
        if check_arrays(path, content, wanted, HOW_TO_MAKE)["clips + 1"] < 2:
            raise ValueError(f"{path} has no clip. {HOW_TO_MAKE}")
        content |= {"format": np.array(FILE_FORMAT), "joints_world": joints_of(content)}
    lengths = check_arrays(path, content, _ARRAYS, HOW_TO_MAKE)
    if str(content["format"]) != FILE_FORMAT:
        raise ValueError(
            f"{path} has the format {shortened(str(content['format']))}, expected {FILE_FORMAT}. {HOW_TO_MAKE}"
        )
    joints, usable, bounds = content["joints_world"], content["usable"], content["first_frames"]
    names = [str(name) for name in content["clips"]]
    fit = len(bounds) == lengths["clips"] + 1 and bounds[0] == 0 and bounds[-1] == len(usable)
    if not fit or not (bounds[1:] > bounds[:-1]).all():
        raise ValueError(f"{path}: its {len(usable)} frames are not those of its {len(names)} clips. {HOW_TO_MAKE}")
    if not np.isfinite(joints).all():
        raise ValueError(f"{path} holds numbers that are not finite. {HOW_TO_MAKE}")
    spans = [slice(int(start), int(end)) for start, end in zip(bounds[:-1], bounds[1:], strict=True)]
    rates, formats = content["fps"].tolist(), content["source_format"].tolist()
    for name, span, rate in zip(names, spans, rates, strict=True):
        check_bodies(joints[span], f"{path}: {name}", advice=HOW_TO_MAKE)
        check_rate(rate, f"{path}: {name}")
    return {
        name: PreparedClip(joints[span], usable[span], float(rate), str(source))
        for name, span, rate, source in zip(names, spans, rates, formats, strict=True)
    }
