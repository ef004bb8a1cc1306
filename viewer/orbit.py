"""A camera that a few sliders place on a circle about the person; or one of Human3.6M's cameras instead."""

import math
from dataclasses import dataclass

import torch
import viser

from data.h36m.cameras import CAMERA_IDS, H36M_CAMERAS
from kinematics import Camera, look_at
from kinematics.camera import NUM_INTRINSICS
from viewer.pages import Pages

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
        """Build the camera, without lens distortion."""
        azimuth = math.radians(self.azimuth_deg)
        position = torch.tensor([self.distance * math.sin(azimuth), self.distance * math.cos(azimuth), self.height])
        orientation = look_at(position, torch.tensor([0.0, 0.0, AIM_HEIGHT_M]), math.radians(self.roll_deg))
        intrinsics = torch.zeros(NUM_INTRINSICS)
        intrinsics[:2] = self.focal
        return Camera(orientation, position, intrinsics, torch.tensor(self.aspect))

    def towards(self, other: "Orbit", share: float) -> "Orbit":
        """Interpolate to another place by a share of 0 to 1, angles the short way round."""
        return Orbit(*(_between(name, getattr(self, name), getattr(other, name), share) for name in _FIELDS))

    def is_near(self, other: "Orbit") -> bool:
        return all(abs(_between(name, 0.0, getattr(other, name) - getattr(self, name), 1.0)) < 5e-3 for name in _FIELDS)


_FIELDS = tuple(Orbit.__dataclass_fields__)


def _between(name: str, start: float, end: float, share: float) -> float:
    way = end - start
    if name.endswith("_deg"):
        way = (way + 180) % 360 - 180
    return start + share * way


BY_SLIDERS = "placed by the sliders"
# field of Orbit: label, lowest, highest, step
RANGES = {
    "azimuth_deg": ("azimuth, degrees", -180.0, 180.0, 1.0),
    "distance": ("distance, m", 1.5, 10.0, 0.05),
    "height": ("height, m", 0.1, 5.0, 0.05),
    "focal": ("focal length, half image widths", 0.8, 4.0, 0.05),
    "roll_deg": ("roll, degrees", -45.0, 45.0, 1.0),
    "aspect": ("image height / width", 0.5, 1.5, 0.05),
}


class OrbitPanel:
    """Sliders of the camera that the pages without recordings share. `camera` glides after them."""

    def __init__(self, gui: viser.GuiApi, pages: Pages) -> None:
        real = zip(CAMERA_IDS, H36M_CAMERAS["S9"], strict=True)
        self._real = {f"Human3.6M, S9, {name}": camera.to(torch.float32) for name, camera in real}
        self._shown = start = Orbit()
        with pages.orbit_folder:
            self._choice = gui.add_dropdown("camera", (BY_SLIDERS, *self._real))
            self._sliders = {
                name: gui.add_slider(label, low, high, step, getattr(start, name))
                for name, (label, low, high, step) in RANGES.items()
            }
        for handle in (self._choice, *self._sliders.values()):
            handle.on_update(pages.redrawing.request)
        self._choice.on_update(lambda _: self._hide_sliders())

    def reset(self) -> None:
        self._choice.value = BY_SLIDERS
        for name, slider in self._sliders.items():
            slider.value = getattr(Orbit(), name)

    def camera(self, share: float = 1.0) -> tuple[Camera, bool]:
        """Return the camera, moved by a share of the way to the sliders' values, and whether it is still moving."""
        if self._choice.value != BY_SLIDERS:
            return self._real[self._choice.value], False
        wanted = Orbit(**{name: float(slider.value) for name, slider in self._sliders.items()})
        moving = not self._shown.is_near(wanted)
        self._shown = self._shown.towards(wanted, share) if moving else wanted
        return self._shown.camera(), moving

    def _hide_sliders(self) -> None:
        for slider in self._sliders.values():
            slider.visible = self._choice.value == BY_SLIDERS
