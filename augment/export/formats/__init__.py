"""File formats of exported poses, a module each. To add one: a module with a FORMAT, and a line here or in a plugin."""

from augment.export.formats import bvh, coco, hdf5, mmpose, motionbert, poseaug, videopose3d
from augment.export.formats.chunk import Chunk as Chunk
from augment.export.formats.format import Format as Format
from augment.export.formats.format import Reader as Reader

FORMATS: dict[str, Format] = {
    "videopose3d": videopose3d.FORMAT, "poseaug": poseaug.FORMAT, "motionbert": motionbert.FORMAT,
    "mmpose": mmpose.FORMAT, "hdf5": hdf5.FORMAT, "bvh": bvh.FORMAT, "coco": coco.FORMAT,
}  # fmt: skip


def register_format(name: str, form: Format) -> None:
    if name in FORMATS:
        raise ValueError(f"Format {name} exists already: choose another name.")
    FORMATS[name] = form
