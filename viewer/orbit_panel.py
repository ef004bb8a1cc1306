"""Sliders that place the camera; or one of Human3.6M's cameras instead."""

import torch
import viser

from data.h36m.cameras import CAMERA_IDS, H36M_CAMERAS
from kinematics import Camera
from viewer.orbit import Orbit
from viewer.pages import Pages

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
    """The camera of the pages that have none of their own. `camera` glides after the sliders."""

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
        """Everything as it was at the start."""
        self._choice.value = BY_SLIDERS
        for name, slider in self._sliders.items():
            slider.value = getattr(Orbit(), name)

    def camera(self, share: float = 1.0) -> tuple[Camera, bool]:
        """The camera, a share of the way to where it is wanted, and whether it has not got there yet."""
        if self._choice.value != BY_SLIDERS:
            return self._real[self._choice.value], False
        wanted = Orbit(**{name: float(slider.value) for name, slider in self._sliders.items()})
        moving = not self._shown.is_near(wanted)
        self._shown = self._shown.towards(wanted, share) if moving else wanted
        return self._shown.camera(), moving

    def _hide_sliders(self) -> None:
        for slider in self._sliders.values():
            slider.visible = self._choice.value == BY_SLIDERS
