"""A camera that a few sliders place: on a circle about the person, looking at them."""

import math
from dataclasses import dataclass

import torch

from kinematics import Camera, look_at
from kinematics.camera import NUM_INTRINSICS

AIM_HEIGHT_M = 0.85  # what it looks at: the middle of a standing adult over the origin


@dataclass(frozen=True)
class Orbit:
    """Where the camera is. A body at rest faces azimuth 0; azimuth 90 is at its right."""

    azimuth_deg: float = 35.0
    distance: float = 4.5  # level, metres
    height: float = 1.6  # metres over the floor
    focal: float = 3.2  # half image widths
    roll_deg: float = 0.0  # clockwise, as the camera sees it
    aspect: float = 1.0  # image height / width

    def camera(self) -> Camera:
        """The camera, without lens distortion."""
        azimuth = math.radians(self.azimuth_deg)
        position = torch.tensor([self.distance * math.sin(azimuth), self.distance * math.cos(azimuth), self.height])
        orientation = look_at(position, torch.tensor([0.0, 0.0, AIM_HEIGHT_M]), math.radians(self.roll_deg))
        intrinsics = torch.zeros(NUM_INTRINSICS)
        intrinsics[:2] = self.focal
        return Camera(orientation, position, intrinsics, torch.tensor(self.aspect))

    def towards(self, other: "Orbit", share: float) -> "Orbit":
        """A share (0 to 1) of the way to another place, azimuth and roll the short way round."""
        return Orbit(*(_between(name, getattr(self, name), getattr(other, name), share) for name in _FIELDS))

    def is_near(self, other: "Orbit") -> bool:
        """Whether nobody could see the difference."""
        return all(abs(_between(name, 0.0, getattr(other, name) - getattr(self, name), 1.0)) < 5e-3 for name in _FIELDS)


_FIELDS = tuple(Orbit.__dataclass_fields__)


def _between(name: str, start: float, end: float, share: float) -> float:
    way = end - start
    if name.endswith("_deg"):
        way = (way + 180) % 360 - 180
    return start + share * way
