"""The 3D scene in the browser, and the camera's picture beside it."""

import math
from typing import NamedTuple

import numpy as np
import torch
import viser
from jaxtyping import Float
from torch import Tensor

from evaluation.drawing.colours import FAINT, FLOOR, MIDDLE, bone_colours, joint_colours
from kinematics import Camera, Skeleton, in_front

BODY = Skeleton("h36m_16")
BONE_RADIUS_M, JOINT_RADIUS_M = 0.022, 0.034
SHADE_OPACITY, LEAST_SHADE_M = 0.25, 0.001
PICTURE_WIDTH_PX, CONTROLS_WIDTH_PX = 330, 350
# Where the scene is first seen from, metres, and how high its view is.
VIEW_FROM, VIEW_TO, VIEW_FOV_DEG = (1.7, 2.6, 1.4), (0.0, 0.0, 0.85), 45.0
FLOOR_HALF_M = 3
PIECES = 24  # of each line of the floor: those behind the camera are left out
BONE_WIDTH, JOINT_RADIUS = 0.022, 0.017  # screen units


class Window(NamedTuple):
    """A part of an image, screen units: its left and upper edge, and half its width."""

    left: float
    top: float
    half_width: float


def svg_of(
    joints_screen: Float[np.ndarray, "*people joints 2"] | None, skeleton: Skeleton, aspect: float,
    camera: Camera | None = None, window: Window | None = None,
) -> str:  # fmt: skip
    """Draw an image 2 wide, 2 aspect high, screen units, or a window of that shape.

    joints_screen: of a person or several; None if not in front; camera: adds a floor.
    """
    left, top, scale = window or (-1.0, -aspect, 1.0)
    parts = [
        f'<svg class="posefk-picture" viewBox="{left:g} {top:.4f} {2 * scale:g} {2 * scale * aspect:.4f}" '
        'xmlns="http://www.w3.org/2000/svg" stroke-linecap="round" '
        'style="display:block;width:100%;background:#fff;border:1px solid #ccc;border-radius:4px">'
    ]
    if camera is not None:
        parts.append(f'<path d="{_floor_path(camera)}" stroke="{FLOOR}" stroke-width="0.006" fill="none"/>')
    if window is not None:
        parts.append(f'<rect x="-1" y="{-aspect:.4f}" width="2" height="{2 * aspect:.4f}" stroke="{FAINT}" '
                     f'stroke-width="{0.01 * scale:.4f}" fill="none"/>')  # fmt: skip
    if joints_screen is not None:
        for person in joints_screen.reshape(-1, *joints_screen.shape[-2:]):
            parts += _bones(person, skeleton, scale)
    return "".join([*parts, "</svg>"])


def _bones(joints_screen: np.ndarray, skeleton: Skeleton, scale: float) -> list[str]:
    points = [(f"{x:.4f}", f"{y:.4f}") for x, y in joints_screen.clip(-20, 20).tolist()]
    lines = [
        f'<line x1="{points[parent][0]}" y1="{points[parent][1]}" x2="{points[child][0]}" y2="{points[child][1]}" '
        f'stroke="{colour}" stroke-width="{scale * BONE_WIDTH:.4g}"/>'
        for parent, child, colour in bone_colours(skeleton)
    ]
    radius = f"{scale * JOINT_RADIUS:.4g}"
    return lines + [f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{MIDDLE}"/>' for x, y in points]


def _floor_path(camera: Camera) -> str:
    """The floor's grid of 1 m where the camera sees it: lines in pieces, for a line may pass behind the camera."""
    across = torch.arange(-FLOOR_HALF_M, FLOOR_HALF_M + 1.0)
    along = torch.linspace(-FLOOR_HALF_M, FLOOR_HALF_M, PIECES + 1)
    fixed, moving = torch.meshgrid(across, along, indexing="ij")
    flat = torch.zeros_like(fixed)
    lines = torch.cat([torch.stack([fixed, moving, flat], -1), torch.stack([moving, fixed, flat], -1)])
    pieces = torch.stack([lines[:, :-1], lines[:, 1:]], dim=2).flatten(0, 1)  # (pieces, 2, 3)
    seen = camera.world_to_camera(pieces.flatten(0, 1)).unflatten(0, (-1, 2))
    screen = camera.project(seen)
    visible = in_front(seen, 0.3).all(dim=1) & (screen.abs() < 1.5).flatten(1).all(dim=1)
    drawn = screen[visible].flatten(1).tolist()
    return "".join(f"M{x1:.3f} {y1:.3f}L{x2:.3f} {y2:.3f}" for x1, y1, x2, y2 in drawn)


class Scene:
    """The 3D scene and the camera's picture."""

    def __init__(self, server: viser.ViserServer) -> None:
        self.server = server
        gui, scene = server.gui, server.scene
        gui.configure_theme(show_logo=False, show_share_button=False, brand_color=(0, 114, 178))
        gui.set_panel_label("PoseFK")
        gui.main_panel.dock_right()
        gui.main_panel.set_width(CONTROLS_WIDTH_PX)
        panel = gui.add_panel()
        self.under_picture = panel.add_tab("Camera image")
        with self.under_picture:
            self._picture = gui.add_html("")
            self._caption = gui.add_markdown("")
            shadows = gui.add_checkbox("shadows", True, order=1e6, hint="Off: twice as fast where no GPU draws.")
        shadows.on_update(lambda _: scene.configure_default_lights(cast_shadow=shadows.value))
        panel.dock_left()
        panel.set_width(PICTURE_WIDTH_PX)
        scene.set_up_direction("+z")
        self._world = scene.add_frame("/world", show_axes=False)
        scene.add_grid("/world/floor", 8.0, 8.0, cell_size=0.5, section_size=1.0, cell_color=(228, 228, 228),
                       section_color=(200, 200, 200), shadow_opacity=0.25)  # fmt: skip
        scene.configure_environment_map(None)
        scene.add_light_hemisphere("/sky", ground_color=(150, 150, 150), intensity=2.2)
        server.initial_camera.position, server.initial_camera.look_at = VIEW_FROM, VIEW_TO
        server.initial_camera.fov = math.radians(VIEW_FOV_DEG)
        self._frustum = scene.add_camera_frustum("/world/camera", 1.0, 1.0, scale=0.25, color=_rgb(MIDDLE))

    def figure(self, name: str, skeleton: Skeleton, faint: bool = False) -> "Figure":
        """Add a figure, hidden until it is shown. faint: all grey."""
        return Figure(self.server.scene, name, skeleton, faint)

    def show_person(self, figure: "Figure", joints_world: Float[Tensor, "16 3"], camera: Camera) -> None:
        """Show a body as a figure and as the camera sees it. joints_world: metres."""
        seen = camera.world_to_camera(joints_world)
        self.follow(joints_world[BODY.root].numpy())
        figure.show(joints_world.numpy())
        if in_front(seen, 0.1).all():
            self.show_picture(camera.project(seen).numpy(), BODY, camera, "")
        else:
            self.show_picture(None, BODY, camera, "A part of the body is behind the camera.")

    def follow(self, hip: Float[np.ndarray, "3"], half_turn: bool = False) -> None:
        """Move the world so that the person stays in the middle of the view. hip: metres, world.

        half_turn: look along the world's y axis, as a video's camera does, instead of against it.
        """
        sign = 1.0 if half_turn else -1.0
        self._world.wxyz = (0.0, 0.0, 0.0, 1.0) if half_turn else (1.0, 0.0, 0.0, 0.0)
        self._world.position = sign * hip[0], sign * hip[1], 0.0

    def show_picture(
        self, joints_screen: Float[np.ndarray, "*people joints 2"] | None, skeleton: Skeleton, camera: Camera | None,
        caption: str, aspect: float = 1.0, window: Window | None = None,
    ) -> None:  # fmt: skip
        """Show the 2D picture and, where the camera is known, the floor and the camera's place in the scene.

        aspect: image height / width where the camera is not known; window: the part of the image to show.
        """
        aspect = float(camera.aspect) if camera else aspect
        self._picture.content = svg_of(joints_screen, skeleton, aspect, camera, window)
        self._caption.content = caption
        self._frustum.visible = camera is not None
        if camera is not None:
            self._frustum.wxyz = camera.orientation_wxyz.numpy()
            self._frustum.position = camera.translation.numpy()
            self._frustum.aspect = 1 / float(camera.aspect)
            self._frustum.fov = 2 * math.atan(float(camera.aspect) / float(camera.intrinsics[1]))


class Figure:
    """Bones and joints of one skeleton in the scene."""

    def __init__(self, scene: viser.SceneApi, name: str, skeleton: Skeleton, faint: bool) -> None:
        bones = bone_colours(skeleton)
        self._parents, self._children = [bone[0] for bone in bones], [bone[1] for bone in bones]
        colours = np.array([_linear_rgb(FAINT if faint else colour) for *_, colour in bones], dtype=np.uint8)
        angle = np.linspace(0.001, np.pi - 0.001, 11)
        ball = turned(JOINT_RADIUS_M * np.sin(angle), -JOINT_RADIUS_M * np.cos(angle))
        bone = turned(np.ones(2), np.array([0.0, 1.0]))
        self._bones = scene.add_batched_meshes_simple(
            f"/world/{name}/bones", *bone, np.tile([1.0, 0, 0, 0], (len(bones), 1)),
            np.zeros((len(bones), 3)), batched_scales=np.ones((len(bones), 3)), batched_colors=colours, lod="off",
        )  # fmt: skip
        self._scene, self._name, self._skeleton = scene, name, skeleton
        self._shades: viser.BatchedMeshHandle | None = None
        count = skeleton.num_joints
        self._joints = scene.add_batched_meshes_simple(
            f"/world/{name}/joints", *ball, np.tile([1.0, 0, 0, 0], (count, 1)), np.zeros((count, 3)),
            batched_colors=_linear_rgb(FAINT if faint else MIDDLE), lod="off",
        )  # fmt: skip
        self.hide()

    def show(
        self, joints_world: Float[np.ndarray, "joints 3"], shades: Float[np.ndarray, "joints 3"] | None = None
    ) -> None:
        """Place it at these joints, metres. shades: half axes of an ellipsoid about each, along the world's axes."""
        start = joints_world[self._parents]
        wxyz, lengths = along(joints_world[self._children] - start)
        self._bones.batched_wxyzs, self._bones.batched_positions = wxyz, start
        self._bones.batched_scales = np.stack([np.full_like(lengths, BONE_RADIUS_M)] * 2 + [lengths], axis=-1)
        self._joints.batched_positions = joints_world
        self._bones.visible = self._joints.visible = True
        if shades is not None:
            self._shades = added = self._shades or self._add_shades()
            added.batched_positions, added.batched_scales = joints_world, np.maximum(shades, LEAST_SHADE_M)
            added.visible = True

    def hide(self) -> None:
        self._bones.visible = self._joints.visible = False
        if self._shades is not None:
            self._shades.visible = False

    def _add_shades(self) -> viser.BatchedMeshHandle:
        angle = np.linspace(0.001, np.pi - 0.001, 13)
        count, ball = self._skeleton.num_joints, turned(np.sin(angle), -np.cos(angle))
        colours = np.array([_linear_rgb(colour) for colour in joint_colours(self._skeleton)], dtype=np.uint8)
        return self._scene.add_batched_meshes_simple(
            f"/world/{self._name}/shades", *ball, np.tile([1.0, 0, 0, 0], (count, 1)), np.zeros((count, 3)),
            batched_scales=np.ones((count, 3)), batched_colors=colours, opacity=SHADE_OPACITY, cast_shadow=False,
            lod="off",
        )  # fmt: skip


def turned(
    radii: Float[np.ndarray, "rings"], heights: Float[np.ndarray, "rings"], sides: int = 18
) -> tuple[np.ndarray, np.ndarray]:
    """Mesh a surface of revolution about the z axis: vertices and triangles that face outwards."""
    angle = np.arange(sides) * 2 * np.pi / sides
    rim = np.stack([np.cos(angle), np.sin(angle), np.zeros(sides)], axis=-1)
    vertices = radii[:, None, None] * rim + heights[:, None, None] * np.array([0.0, 0.0, 1.0])
    here = np.arange(len(radii) - 1)[:, None] * sides + np.arange(sides)
    beside = np.arange(len(radii) - 1)[:, None] * sides + (np.arange(sides) + 1) % sides
    low, high = (here, beside, beside + sides), (here, beside + sides, here + sides)
    faces = np.concatenate([np.stack(corners, axis=-1).reshape(-1, 3) for corners in (low, high)])
    return vertices.reshape(-1, 3).astype(np.float32), faces.astype(np.uint32)


def along(vectors: Float[np.ndarray, "bones 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Compute quaternions (bones, 4) wxyz that turn +z along the vectors, and the vectors' lengths (bones,)."""
    vectors = vectors.astype(np.float64)
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1), 1e-6)
    x, y, z = (vectors / lengths[:, None]).T
    down = z < -1 + 1e-12  # half a turn about any level axis
    half = np.stack([1 + z, -y, x + down, np.zeros_like(z)], axis=-1)  # halfway between +z and the vector
    return half / np.linalg.norm(half, axis=-1, keepdims=True), lengths


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _linear_rgb(colour: str) -> tuple[int, int, int]:
    """Convert a colour to linear RGB, which batched meshes expect."""
    red, green, blue = (round(255 * (value / 255) ** 2.2) for value in _rgb(colour))
    return red, green, blue
