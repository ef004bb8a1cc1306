"""Joint layouts with names, parents and sides, and conversions between them; tables: kinematics/layouts.py."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from kinematics.errors import nearest
from kinematics.layouts import LAYOUTS, SUBSTITUTES


@dataclass(frozen=True)
class Skeleton:
    """A joint layout, one of LAYOUTS. joints: names in order; parents: index of each joint's parent, -1: root."""

    name: str
    joints: tuple[str, ...] = field(init=False, repr=False)
    parents: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.name not in LAYOUTS:
            raise ValueError(
                f"Skeleton {self.name!r} is not known: choose from {', '.join(LAYOUTS)}.{nearest(self.name, LAYOUTS)}"
            )
        pairs = [entry.partition(":") for entry in LAYOUTS[self.name].split()]
        joints = tuple(pair[0] for pair in pairs)
        parents = tuple(joints.index(pair[2]) if pair[2] else -1 for pair in pairs)
        object.__setattr__(self, "joints", joints)
        object.__setattr__(self, "parents", parents)

    @classmethod
    def from_num_joints(cls, num_joints: int) -> "Skeleton":
        """Build the layout that VideoPose3D, PoseAug and their like mean by a number: 17 and 32 are Human3.6M's."""
        by_count = {
            32: "h36m_32", 17: "h36m_17", 16: "h36m_16", 28: "mpi_inf_3dhp_28",
            24: "spin_24", 18: "coco_hip_18", 15: "humaneva_15", 14: "lsp_14",
        }  # fmt: skip
        if num_joints not in by_count:
            raise ValueError(f"No layout has {num_joints} joints: choose from {sorted(by_count)}.")
        return cls(by_count[num_joints])

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    @property
    def root(self) -> int:
        return self.parents.index(-1)

    @cached_property
    def left(self) -> tuple[int, ...]:
        """Left joints, in the same order as `right`: left[i] mirrors right[i]."""
        return tuple(self.joints.index(name) for name in self.joints if name[0] == "L" and self._has_twin(name))

    @cached_property
    def right(self) -> tuple[int, ...]:
        """Right joints, in the same order as `left`."""
        return tuple(self.joints.index("R" + self.joints[i][1:]) for i in self.left)

    @cached_property
    def mirror(self) -> list[int]:
        """Indices that swap left and right: `joints[..., skeleton.mirror, :]`."""
        order = list(range(self.num_joints))
        for left, right in zip(self.left, self.right, strict=True):
            order[left], order[right] = right, left
        return order

    @cached_property
    def bones(self) -> list[tuple[int, int]]:
        """(parent, child) of every joint but the root, in the order of the children."""
        return [(parent, child) for child, parent in enumerate(self.parents) if parent >= 0]

    def _has_twin(self, name: str) -> bool:
        return "R" + name[1:] in self.joints

    def check(self, array: Any, axis: int = -2) -> None:
        """Refuse an array with another number of joints."""
        count = array.shape[axis]
        if count != self.num_joints:
            others = [name for name in LAYOUTS if Skeleton(name).num_joints == count]
            looks_like = f", as {' or '.join(others)} has" if others else ""
            raise ValueError(
                f"The array has {count} joints on axis {axis}{looks_like}, expected {self.num_joints}: "
                f"the joints of Skeleton('{self.name}')."
            )

    def sources(self, to: "Skeleton | str") -> list[list[int]]:
        """List the joints of this layout that each joint of `to` is taken from (or averaged of)."""
        target = Skeleton(to) if isinstance(to, str) else to
        matches, missing = [], []
        for joint in target.joints:
            names = (joint,) if joint in self.joints else SUBSTITUTES.get(joint, ())
            if names and all(name in self.joints for name in names):
                matches.append([self.joints.index(name) for name in names])
            else:
                missing.append(joint)
        if missing:
            raise ValueError(
                f"Skeleton('{self.name}') cannot become Skeleton('{target.name}'): it has no {', '.join(missing)}."
            )
        return matches

    def can_become(self, to: "Skeleton | str") -> bool:
        """Whether every joint of `to` can be taken from this layout."""
        try:
            self.sources(to)
        except ValueError:
            return False
        return True

    def convert(self, array: Any, to: "Skeleton | str", axis: int = -2) -> Any:
        """Convert an array (..., num_joints, C), numpy or torch, to the joints of another layout, by name."""
        self.check(array, axis)
        sources = self.sources(to)
        first = [indices[0] for indices in sources]
        if isinstance(array, torch.Tensor):
            index = torch.as_tensor(first, device=array.device)
            converted = array.index_select(axis % array.ndim, index)
        else:
            converted = np.take(np.asarray(array), first, axis=axis)
        averaged = [joint for joint, indices in enumerate(sources) if len(indices) > 1]
        if not averaged:
            return converted
        moved = converted.swapaxes(axis, 0)  # a view: writing to it writes to `converted`, which is a fresh copy
        given = array.swapaxes(axis, 0)
        for joint in averaged:
            moved[joint] = sum(given[i] for i in sources[joint]) / len(sources[joint])
        return converted
