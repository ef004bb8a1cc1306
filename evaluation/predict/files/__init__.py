"""Files of a lifted clip: npz, JSON, BVH, TRC, C3D, and its joint angles as CSV."""

from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.predict.files.angles import write_angles
from evaluation.predict.files.arrays import write_json, write_npz
from evaluation.predict.files.bvh import BVH_LAYOUT, write_bvh_files
from evaluation.predict.files.markers import check_c3d, write_c3d_files, write_trc_files
from evaluation.predict.lifted import LiftedClip
from kinematics.errors import PoseFKError
from kinematics.skeleton import Skeleton

WRITERS: dict[str, Callable[[LiftedClip, Path], list[str]]] = {
    "npz": write_npz, "json": write_json, "bvh": write_bvh_files, "trc": write_trc_files, "c3d": write_c3d_files,
    "csv": write_angles,
}  # fmt: skip
_OF_THE_BODY = ("bvh", "csv")


def check_outputs(outputs: Sequence[str], skeleton: Skeleton | None = None, frames: int = 0) -> None:
    """Refuse outputs that cannot be written: for want of a library, of joints of the lifter, or of room for frames."""
    if skeleton and {*_OF_THE_BODY} & {*outputs} and not skeleton.can_become(BVH_LAYOUT):
        raise PoseFKError(
            f"The outputs {' and '.join(_OF_THE_BODY)} need the joints of {BVH_LAYOUT.name}, the lifter has "
            f"{skeleton.name}: --outputs npz json trc."
        )
    if "c3d" in outputs:
        check_c3d(frames)
