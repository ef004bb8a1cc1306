"""File formats of exported poses. Each module writes one shard: write(chunks, shard) -> names of its files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from augment.export.formats import bvh, coco, hdf5, mmpose, motionbert, poseaug, videopose3d
from augment.export.formats.chunk import Chunk as Chunk
from augment.export.formats.chunk import Chunks, Shard


@dataclass(frozen=True)
class Format:
    """write: writes a shard; size: about how many bytes it takes, with kept arrays of so many bytes a pose or clip.

    layouts: those it can hold, the first is its default; what: one line for the README; a_file_each: of every pose or
    clip.
    """

    write: Callable[[Chunks, Shard], list[str]]
    size: Callable[[Shard, Sequence[int]], int]
    layouts: tuple[str, ...]
    what: str
    a_file_each: bool = False


ANY = ("h36m_16", "h36m_17", "mpi_inf_3dhp_17", "lsp_14", "coco_17")
FORMATS = {
    "videopose3d": Format(
        videopose3d.write, videopose3d.size, ("h36m_17", "h36m_16"),
        "data_3d_h36m.npz: positions_3d[subject][take] (F, 32, 3) metres, world, z up. data_2d_h36m_gt.npz: "
        "positions_2d[subject][take], four (F, J, 2) arrays of pixels, one per camera of Human3.6M's rig; "
        "cameras[subject][take], the camera and view that each pose was drawn with",
    ),
    "poseaug": Format(
        poseaug.write, poseaug.size, ANY,
        "poseaug.npz: pose3d (N, J, 3) metres, camera axes, about the hip; pose2d (N, J, 2) screen",
    ),
    "motionbert": Format(
        motionbert.write, motionbert.size, ("h36m_17",),
        "SYNTHETIC/train/*.pkl: a clip each, data_label (T, 17, 3) in image units", a_file_each=True,
    ),
    "mmpose": Format(
        mmpose.write, mmpose.size, ("h36m_17",),
        "mmpose.npz: imgname, center, scale, part (N, 17, 3) pixels and visibility, S (N, 17, 4) metres, camera space, "
        "and visibility. cameras.pkl: (subject, camera) -> R, T, f, c, k, p, w, h",
    ),
    "hdf5": Format(
        hdf5.write, hdf5.size, ANY,
        "poses.h5: joints_world, joints_camera (N, T, J, 3) metres; joints_screen (N, T, J, 2); camera/*; kept/*",
    ),
    "bvh": Format(
        bvh.write, bvh.size, ("h36m_16",),
        "bvh/*.bvh: a clip each, joint angles of the DH body; metres, y up, -z forward, as Blender's importer expects",
        a_file_each=True,
    ),
    "coco": Format(
        coco.write, coco.size, ("coco_17",), "person_keypoints.json: COCO keypoint annotations, images 1,000 wide"
    ),
}  # fmt: skip
