"""The page of the DH body: a slider for every joint angle and every bone, and the joints they give."""

import math
from dataclasses import dataclass

import torch
import viser
from jaxtyping import Float
from torch import Tensor

from kinematics import BONES, JOINT_ANGLES, DHHuman, joint_limits
from kinematics.dh import ANGLE_GROUPS
from kinematics.limits import limits_source, motion_of
from kinematics.stature import average_bone_lengths, sample_population
from viewer.orbit import OrbitPanel
from viewer.pages import Pages
from viewer.scene import BODY, Scene

BONE_RANGE = (0.5, 1.5)  # of the average adult's
_HUMAN = DHHuman()


@dataclass(frozen=True)
class Body:
    """joint_angles: (28,) radians, order of JOINT_ANGLES; bone_lengths: (15,) metres, order of BONES."""

    joint_angles: Tensor
    bone_lengths: Tensor

    def joints_world(self) -> Float[Tensor, "16 3"]:
        """Compute the joints, metres; facing +y, the hip over the origin, the lowest joint on the floor."""
        zero = torch.zeros(3)
        return on_the_floor(_HUMAN(self.joint_angles, self.bone_lengths, zero, zero))

    def towards(self, other: "Body", share: float) -> "Body":
        return Body(
            torch.lerp(self.joint_angles, other.joint_angles, share),
            torch.lerp(self.bone_lengths, other.bone_lengths, share),
        )

    def is_near(self, other: "Body") -> bool:
        return torch.allclose(self.joint_angles, other.joint_angles, atol=2e-3) and torch.allclose(
            self.bone_lengths, other.bone_lengths, atol=1e-3
        )


def body_at_rest() -> Body:
    """Return an average adult with all angles zero: standing, arms hanging."""
    return Body(torch.zeros(len(JOINT_ANGLES)), average_bone_lengths())


def random_angles(generator: torch.Generator) -> Float[Tensor, "28"]:
    """Draw joint angles from the anatomical range of motion, radians."""
    return joint_limits("anatomical").sample_towards_rest(1, generator)[0]


def random_bones(generator: torch.Generator) -> Float[Tensor, "15"]:
    """Draw bone lengths from the population, metres."""
    return sample_population(average_bone_lengths(), torch.zeros(1), generator)[0]


def on_the_floor(joints_world: Float[Tensor, "*frames joints 3"]) -> Float[Tensor, "*frames joints 3"]:
    """Move all joints up or down by one height, so that the lowest of all frames comes to z = 0."""
    return joints_world - joints_world.new_tensor([0.0, 0.0, 1.0]) * joints_world[..., 2].amin()


def motions_of(angle: str) -> str:
    """Describe a joint angle: its positive and negative motion, and the source of its limits."""
    positive, negative = motion_of(angle)
    return f"+ {positive}, - {negative} ({limits_source(angle)})"


# Browsers say 20 times a second where a dragged slider is; the body glides there, so that it moves 60 times.
GLIDE = 0.4


class BodyPage:
    """Sliders for angles and bones; their values are the only state."""

    uses_orbit = True

    def __init__(self, pages: Pages, scene: Scene, orbit: OrbitPanel) -> None:
        self._scene, self._orbit, self._gui = scene, orbit, scene.server.gui
        self._figure = scene.figure("body", BODY)
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
        wanted = self._wanted()
        moving = not self._shown.is_near(wanted)
        self._shown = self._shown.towards(wanted, GLIDE) if moving else wanted
        camera, camera_moving = self._orbit.camera(GLIDE)
        with self._scene.server.atomic():
            self._scene.show_person(self._figure, self._shown.joints_world(), camera)
        return moving or camera_moving

    def hide(self) -> None:
        self._figure.hide()
