"""The page of the DH body: a slider for every joint angle and every bone."""

import math

import torch
import viser

from kinematics import BONES, JOINT_ANGLES, joint_limits
from kinematics.dh import ANGLE_GROUPS
from viewer.body import BONE_RANGE, Body, body_at_rest, motions_of, random_angles, random_bones
from viewer.orbit_panel import OrbitPanel
from viewer.pages import Pages
from viewer.stage import BODY, Stage

# Browsers say 20 times a second where a dragged slider is; the body glides there, so that it moves 60 times.
GLIDE = 0.4


class BodyPage:
    """What it shows is read off the sliders each time: they are all there is to know."""

    uses_orbit = True

    def __init__(self, pages: Pages, stage: Stage, orbit: OrbitPanel) -> None:
        self._stage, self._orbit, self._gui = stage, orbit, stage.server.gui
        self._figure = stage.figure("body", BODY)
        self._random = torch.Generator().manual_seed(0)
        self._shown = body_at_rest()
        buttons = self._gui.add_button_group("Set", ("Reset", "Random pose", "Random bones"))
        buttons.on_click(lambda event: self._press(event.target.value))
        self.angles = self._angle_sliders()
        with self._gui.add_folder("Bones, m", expand_by_default=False):
            self.bones = self._bone_sliders()
        for slider in self.angles + self.bones:
            slider.on_update(pages.redrawing.request)

    def _angle_sliders(self) -> list[viser.GuiSliderHandle[int]]:
        limits = joint_limits("anatomical")
        lower, upper = (torch.rad2deg(end).round().int().tolist() for end in (limits.lower, limits.upper))
        sliders: list[viser.GuiSliderHandle[int]] = []
        by_first_angle = sorted(ANGLE_GROUPS.items(), key=lambda limb: limb[1].start)
        for limb, indices in by_first_angle:
            words = limb.replace("_", " ")
            with self._gui.add_folder(f"{words.capitalize()}, degrees", expand_by_default=limb == "right_arm"):
                sliders += [
                    self._gui.add_slider(
                        JOINT_ANGLES[i].removeprefix(limb.partition("_")[0] + "_").replace("_", " "),
                        lower[i], upper[i], 1, 0, hint=motions_of(JOINT_ANGLES[i]),
                    )
                    for i in range(indices.start, indices.stop)
                ]  # fmt: skip
        return sliders

    def _bone_sliders(self) -> list[viser.GuiSliderHandle[float]]:
        sliders = []
        for bone, length in zip(BONES, body_at_rest().bone_lengths.tolist(), strict=True):
            low, high = (round(length * end, 2) for end in BONE_RANGE)
            sliders.append(self._gui.add_slider(bone.replace("_", " "), low, high, 0.001, round(length, 3)))
        return sliders

    def _press(self, button: str) -> None:
        if button == "Random pose":
            self._set(random_angles(self._random), None)
        elif button == "Random bones":
            self._set(None, random_bones(self._random))
        else:
            rest = body_at_rest()
            self._set(rest.joint_angles, rest.bone_lengths)
            self._orbit.reset()

    def _set(self, joint_angles: torch.Tensor | None, bone_lengths: torch.Tensor | None) -> None:
        if joint_angles is not None:
            for slider, degrees in zip(self.angles, torch.rad2deg(joint_angles).round().int().tolist(), strict=True):
                slider.value = degrees
        if bone_lengths is not None:
            for slider, length in zip(self.bones, bone_lengths.tolist(), strict=True):
                slider.value = round(min(max(length, slider.min), slider.max), 3)

    def _wanted(self) -> Body:
        degrees = torch.tensor([float(slider.value) for slider in self.angles])
        return Body(degrees * (math.pi / 180), torch.tensor([float(slider.value) for slider in self.bones]))

    def draw(self) -> bool:
        """The body a little nearer to what the sliders say."""
        wanted = self._wanted()
        moving = not self._shown.is_near(wanted)
        self._shown = self._shown.towards(wanted, GLIDE) if moving else wanted
        camera, camera_moving = self._orbit.camera(GLIDE)
        with self._stage.server.atomic():
            self._stage.show_person(self._figure, self._shown.joints_world(), camera)
        return moving or camera_moving

    def hide(self) -> None:
        """Take the body off the stage."""
        self._figure.hide()
