"""PoseBatch: the one thing that passes between all stages, real or synthetic. It checks itself at the door."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from data.plausible import REACH_M
from kinematics.batch_last import cat, index_select
from kinematics.camera import Camera
from kinematics.constants import constant, indices
from kinematics.definitions import PARAMETERS as DEFINITION_PARAMETERS
from kinematics.head import from_body
from kinematics.skeleton import Skeleton

REAL, SYNTHETIC = 0, 1
_FIELDS = "joints_3d joints_2d camera visible source confidence number definition focal_known"


@dataclass
class PoseBatch:
    """2D/3D pose pairs.

    joints_3d: (B, T, J, 3) metres, camera frame, absolute; joints_2d: (B, T, J, 2) screen;
    camera: batch of B, or None where unknown; visible: (B, T, J) bool; source: (B,) int64, REAL or SYNTHETIC.
    A single frame is T = 1. confidence: (B, T, J) float32, 0 to 1, how sure a detector is of each joint; None where the
    2D is no detection: then it counts as 1. screen_layout: layout of joints_2d and confidence where it is another than
    that of joints_3d (see seen_as), for instance coco_17.
    number: (B,) int64, which sample of its data set a pose is, -1 where it is of none; None where nobody asks.
    definition: (B, 14) how each synthetic body's joints are defined (kinematics.definitions); None: as in the data.
    focal_known: (B,) bool, of which poses a lifter may read the camera's intrinsics; None: of none.
    Seen by V synchronised cameras, all but source, number, definition and focal_known are (B, V, T, J, ...) and camera
    is (B, V); a view that is missing is visible nowhere.
    """

    joints_3d: Tensor
    joints_2d: Tensor
    camera: Camera | None
    visible: Tensor
    source: Tensor
    confidence: Tensor | None = None
    screen_layout: str | None = None
    number: Tensor | None = None
    definition: Tensor | None = None
    focal_known: Tensor | None = None

    def __post_init__(self) -> None:
        shape = self.joints_3d.shape
        if len(shape) not in (4, 5) or shape[-1] != 3:
            raise ValueError(f"PoseBatch.joints_3d has shape {tuple(shape)}, expected (B, T, J, 3) or (B, V, T, J, 3).")
        on_screen = (*shape[:-2], Skeleton(self.screen_layout).num_joints if self.screen_layout else shape[-2])
        wanted = {"joints_2d": (*on_screen, 2), "visible": tuple(shape[:-1]), "source": (shape[0],)}
        if self.confidence is not None:
            wanted["confidence"] = on_screen
        if self.number is not None:
            wanted["number"] = (shape[0],)
        if self.definition is not None:
            wanted["definition"] = (shape[0], len(DEFINITION_PARAMETERS))
        if self.focal_known is not None:
            wanted["focal_known"] = (shape[0],)
        for name, expected in wanted.items():
            if tuple(getattr(self, name).shape) != expected:
                raise ValueError(f"PoseBatch.{name} has shape {tuple(getattr(self, name).shape)}, expected {expected}.")
        if self.camera is not None and len(self.camera) != shape[0]:
            raise ValueError(f"PoseBatch.camera has {len(self.camera)} cameras, expected {shape[0]}: one per pose.")

    @classmethod
    def of(
        cls, joints_3d: Tensor, joints_2d: Tensor, camera: Camera | None, source: int = REAL,
        confidence: Tensor | None = None, screen_layout: str | None = None,
    ) -> "PoseBatch":  # fmt: skip
        """A batch in which every joint is visible and every pose has the same source."""
        visible = torch.ones(joints_3d.shape[:-1], dtype=torch.bool, device=joints_3d.device)
        sources = torch.full(joints_3d.shape[:1], source, dtype=torch.int64, device=joints_3d.device)
        return cls(joints_3d, joints_2d, camera, visible, sources, confidence, screen_layout)

    def check(self) -> "PoseBatch":
        """Refuse numbers that cannot be poses: NaN, millimetres. Called where data enters, not in the hot loop."""
        for name in ("joints_3d", "joints_2d", "confidence"):
            values = getattr(self, name)
            if values is not None and not torch.isfinite(values).all():
                count = int((~torch.isfinite(values)).flatten(1).any(1).sum())
                raise ValueError(f"PoseBatch.{name} has NaN or infinite values in {count} of {len(self)} poses.")
        if len(self):
            reach = float(self.root_relative().norm(dim=-1).amax())
            if not reach <= REACH_M:
                raise ValueError(
                    f"PoseBatch.joints_3d reaches {reach:.1f} m from the root, expected under {REACH_M:.0f} m: "
                    "are these millimetres? Divide by 1000."
                )
        return self

    def __len__(self) -> int:
        return self.joints_3d.shape[0]

    @property
    def frames(self) -> int:
        return self.joints_3d.shape[-3]

    @property
    def views(self) -> int | None:
        """V; None where poses are seen by one camera each and there is no such dimension."""
        return self.joints_3d.shape[1] if self.joints_3d.ndim == 5 else None

    @property
    def skeleton(self) -> Skeleton:
        return Skeleton.from_num_joints(self.joints_3d.shape[-2])

    @property
    def screen_skeleton(self) -> Skeleton:
        """The layout of joints_2d."""
        return Skeleton(self.screen_layout) if self.screen_layout else self.skeleton

    def __getitem__(self, index: Tensor | slice) -> "PoseBatch":
        return replace(self, **self._each(lambda values: values[index]))

    def index_select(self, rows: Tensor) -> "PoseBatch":
        """The poses of some rows (int64, none negative): as by an index, several times as fast."""
        return self.map_tensors(lambda values: index_select(values, rows))

    def map_tensors(self, layout: Callable[[Tensor], Tensor]) -> "PoseBatch":
        """Its tensors and those of its cameras laid out otherwise in memory, by a function of kinematics.batch_last."""
        lists = self._each(layout, _FIELDS.replace("camera ", ""))
        return replace(self, **lists, camera=None if self.camera is None else self.camera.each(layout))

    def to(self, device: torch.device | str) -> "PoseBatch":
        return replace(self, **self._each(lambda values: values.to(device)))

    def _each(self, change: Callable[[Any], Any], names: str = _FIELDS) -> dict[str, Any]:
        """The same change to each of what it holds."""
        held = {name: value for name in names.split() if (value := getattr(self, name)) is not None}
        return {name: change(value) for name, value in held.items()}

    @staticmethod
    def cat(batches: "Sequence[PoseBatch]") -> "PoseBatch":
        """Batches one after another. The cameras are kept only if every batch has them; confidences, numbers and
        definitions if any has: what has none is certain, no sample, and as in the data. Likewise known focal lengths.
        """
        cameras = [batch.camera for batch in batches]
        known = [camera for camera in cameras if camera is not None]
        detected = any(batch.confidence is not None for batch in batches)
        numbered = any(batch.number is not None for batch in batches)
        defined = any(batch.definition is not None for batch in batches)
        known_focal = any(batch.focal_known is not None for batch in batches)
        return PoseBatch(
            cat([batch.joints_3d for batch in batches]),
            cat([batch.joints_2d for batch in batches]),
            Camera.cat(known) if len(known) == len(cameras) else None,
            torch.cat([batch.visible for batch in batches]),
            torch.cat([batch.source for batch in batches]),
            torch.cat([batch.certainty() for batch in batches]) if detected else None,
            batches[0].screen_layout,
            torch.cat([batch.numbers() for batch in batches]) if numbered else None,
            torch.cat([batch.definitions() for batch in batches]) if defined else None,
            torch.cat([batch.focals_known() for batch in batches]) if known_focal else None,
        )

    def numbers(self) -> Tensor:
        """(B,) int64 the numbers; -1 where there are none."""
        return torch.full_like(self.source, -1) if self.number is None else self.number

    def definitions(self) -> Tensor:
        """(B, 14) the joint definitions; 0, the data's, where there are none."""
        zeros = self.joints_3d.new_zeros(len(self), len(DEFINITION_PARAMETERS))
        return zeros if self.definition is None else self.definition

    def focals_known(self) -> Tensor:
        """(B,) bool whether intrinsics may be read; of none where nobody says."""
        return torch.zeros_like(self.source, dtype=torch.bool) if self.focal_known is None else self.focal_known

    def with_focal_known(self, known: Tensor | None = None) -> "PoseBatch":
        """Let lifters read the intrinsics of some poses (B,) bool, or of all. Refuses batches without cameras."""
        if self.camera is None:
            raise ValueError("The poses' cameras are not known, so a lifter cannot read focal lengths of them.")
        return replace(self, focal_known=torch.ones_like(self.focals_known()) if known is None else known)

    def seen_as(self, layout: Skeleton) -> "PoseBatch":
        """The same poses with joints_2d in another layout: its joints on the body (kinematics.head), projected anew.

        Only what was projected can be projected in another way: detections and batches without cameras are refused.
        """
        if layout == self.screen_skeleton:
            return self
        if self.camera is None or self.confidence is not None:
            has = "no cameras" if self.camera is None else "detections"
            raise ValueError(
                f"2D of the layout {layout.name} is projected from 3D poses, but this batch has {has}: choose a data "
                "set with cameras and its own projections, or a lifter of the data's layout."
            )
        joints = self.camera.project(from_body(self.joints_3d, layout))
        return replace(self, joints_2d=joints, screen_layout=layout.name)

    def only_frame(self, frame: int) -> "PoseBatch":
        """One frame of each clip, T = 1."""
        one = slice(frame, frame + 1)
        points = self._each(lambda values: values[..., one, :, :], "joints_3d joints_2d")
        return replace(self, **points, **self._each(lambda values: values[..., one, :], "visible confidence"))

    def certainty(self) -> Tensor:
        """(..., T, J) the confidences; 1 where the 2D is no detection, 0 in a view that is missing."""
        known = torch.ones_like(self.joints_2d[..., 0]) if self.confidence is None else self.confidence
        return known if self.views is None else known * self.visible.any(dim=-1, keepdim=True)

    def in_views(self, views: int) -> "PoseBatch":
        """(B * V, T, ...) -> (B, V, T, ...), where V poses in a row are one pose seen by V cameras."""
        if self.views is not None or len(self) % views:
            raise ValueError(f"A batch of {len(self)} poses with views {self.views} is not {views} views each of some.")
        folded = self._each(lambda values: values.unflatten(0, (-1, views)), "joints_3d joints_2d visible confidence")
        camera = None if self.camera is None else self.camera.reshape(-1, views)
        once = self._each(lambda values: values[::views], "source number definition focal_known")
        return replace(self, **folded, **once, camera=camera)

    def one_by_one(self) -> "PoseBatch":
        """(B, V, T, ...) -> (B * V, T, ...): what in_views made one of."""
        if self.views is None:
            return self
        flat = self._each(lambda values: values.flatten(0, 1), "joints_3d joints_2d visible confidence")
        camera = None if self.camera is None else self.camera.reshape(-1)
        views = self.views
        repeated = self._each(
            lambda values: values.repeat_interleave(views, dim=0), "source number definition focal_known"
        )
        return replace(self, **flat, **repeated, camera=camera)

    def one_view(self, index: Tensor) -> "PoseBatch":
        """(B, V, T, ...) -> (B, T, ...): of each pose the view `index` (B,) int64."""
        if self.views is None:
            raise ValueError("PoseBatch.one_view() chooses among views, but these poses are seen by one camera.")
        first = torch.arange(len(self), device=index.device) * self.views
        return self.one_by_one()[first + index]

    def lifter_input(self, with_confidence: bool) -> Tensor:
        """(..., T, J, 2) screen: what a lifter reads; with confidence (..., T, J, 3), the confidence last."""
        if not with_confidence:
            return self.joints_2d
        return torch.cat([self.joints_2d, self.certainty().to(self.joints_2d.dtype)[..., None]], dim=-1)

    def root_relative(self) -> Tensor:
        """(..., T, J, 3) metres, camera axes, the root joint at 0: what lifters predict."""
        root = self.skeleton.root
        return self.joints_3d - self.joints_3d[..., root : root + 1, :]

    def joints_world(self) -> Tensor:
        """(..., T, J, 3) metres, world frame."""
        if self.camera is None:
            raise ValueError("PoseBatch.joints_world() needs cameras, but this batch has none (camera is None).")
        return self.camera.camera_to_world(self.joints_3d)

    def mirrored(self) -> "PoseBatch":
        """Left and right exchanged: x negated in camera frame and on screen, joints swapped, cameras mirrored."""
        order = indices(self.skeleton.mirror, self.joints_3d)
        on_screen = indices(self.screen_skeleton.mirror, self.joints_2d)
        flip_3d = constant((-1.0, 1.0, 1.0), self.joints_3d)
        flip_2d = constant((-1.0, 1.0), self.joints_2d)
        return replace(
            self,
            joints_3d=self.joints_3d[..., order, :] * flip_3d,
            joints_2d=self.joints_2d[..., on_screen, :] * flip_2d,
            visible=self.visible[..., order],
            confidence=None if self.confidence is None else self.confidence[..., on_screen],
            camera=None if self.camera is None else self.camera.mirrored(),
        )

    def reversed(self) -> "PoseBatch":
        """Every clip backwards in time, seen by the same camera."""
        turned = self._each(lambda values: values.flip(-3), "joints_3d joints_2d")
        flags = self._each(lambda values: values.flip(-2), "visible confidence")
        return replace(self, **turned, **flags)


def sent(batch: PoseBatch, device: torch.device) -> PoseBatch:
    """A batch on another device, copied from pinned memory while the program goes on."""
    if device.type != "cuda":
        return batch.to(device)
    return batch.map_tensors(lambda values: values.pin_memory().to(device, non_blocking=True))
