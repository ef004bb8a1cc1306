"""Files of a lifted clip: npz, JSON, BVH."""

from collections.abc import Callable
from pathlib import Path

from evaluation.predict.files.arrays import write_json, write_npz
from evaluation.predict.files.bvh import BVH_LAYOUT, write_bvh_files
from evaluation.predict.lifted import LiftedClip

__all__ = ["BVH_LAYOUT", "WRITERS", "write_bvh_files"]

WRITERS: dict[str, Callable[[LiftedClip, Path], list[str]]] = {
    "npz": write_npz, "json": write_json, "bvh": write_bvh_files,
}  # fmt: skip
