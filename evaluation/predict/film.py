"""A film of a clip: 2D keypoints in their image beside the 3D body on the world's floor; one figure is redrawn."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from PIL import Image
from tqdm import tqdm

from evaluation.drawing.colours import FAINT, FLOOR, bone_colours, joint_colours
from evaluation.drawing.poses import HALF_SIZE_M, seen_from_the_side
from evaluation.predict.lifted import LiftedClip, level_orientation
from kinematics.camera import camera_to_world
from kinematics.errors import PoseFKError

PANEL_PIXELS, TITLE_PIXELS = 320, 24
LINE_SPACING_M = 0.5
SHORTEST_GIF_FRAME_MS = 20  # browsers slow down what is faster
SHADE_ALPHA, ELLIPSE_CORNERS = 0.22, 25
LOOK_AT_M, VIEW_HALF_M = 0.85, 1.25  # height of the view's middle, and half its side


def write_film(clip: LiftedClip, path: Path, most_frames: int = 300) -> None:
    """Write a .gif or .mp4 of 640 x 344 pixels; longer clips are thinned to `most_frames` frames, in real time."""
    chosen = np.unique(np.linspace(0, len(clip) - 1, min(most_frames, len(clip))).round().astype(int))
    fps = clip.fps * len(chosen) / len(clip)
    pictures = draw_frames(clip, chosen)
    shown = iter(tqdm(pictures, total=len(chosen), unit="frame", desc=path.name))
    (_write_gif if path.suffix == ".gif" else _write_mp4)(shown, path, fps)


def check_film(film: str) -> None:
    """Refuse mp4 where ffmpeg is missing."""
    if film == "mp4" and shutil.which("ffmpeg") is None:
        raise PoseFKError("--film mp4 needs ffmpeg, which is not on the PATH: install it, or choose --film gif.")


def draw_frames(clip: LiftedClip, chosen: np.ndarray) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    figure = Figure(figsize=(2 * PANEL_PIXELS / 100, (PANEL_PIXELS + TITLE_PIXELS) / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    left, right = _panels(figure)
    keypoints = _screen(left, clip)
    floor, body = _space(right, clip)
    shades = PolyCollection([], facecolors=joint_colours(clip.skeleton), alpha=SHADE_ALPHA, linewidths=0)
    right.add_collection(shades)
    title = figure.text(0.01, 0.985, "", fontsize=9, va="top", color="#404040")
    screen_bones, bones = np.array(clip.input_skeleton.bones), np.array(clip.skeleton.bones)
    root = clip.skeleton.root
    shade = "" if clip.joints_sd is None else "   shades: one standard deviation"
    for frame in chosen:
        joints = clip.joints_world[frame]
        here = joints[root] * [1.0, 1.0, 0.0]
        keypoints.set_segments(list(clip.joints_2d[frame][screen_bones]))
        floor.set_segments(list(_project(_floor_lines(here))))
        body.set_segments(list(_project(joints - here)[bones]))
        if clip.joints_sd is not None:
            shades.set_verts(list(_ellipses(_project(joints - here), clip.joints_sd[frame], clip.camera_pitch_deg)))
        title.set_text(f"frame {clip.frames[frame]}   right: orange, left: blue{shade}")
        canvas.draw()
        yield np.asarray(canvas.buffer_rgba())[..., :3]


def _panels(figure: Figure) -> list[Axes]:
    height = PANEL_PIXELS / (PANEL_PIXELS + TITLE_PIXELS)
    panels = [figure.add_axes((0.5 * i + 0.005, 0.01, 0.49, height - 0.01)) for i in range(2)]
    for axes in panels:
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
    panels[0].spines[:].set(visible=True, color=FLOOR)
    return panels


def _screen(axes: Axes, clip: LiftedClip) -> LineCollection:
    """Draw the image's frame; return lines for the keypoints. The view is the square in which the person moves."""
    width, height = clip.image_size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height], [0, 0]], dtype=float)
    axes.add_collection(LineCollection([corners], colors=FAINT, linewidths=0.8))
    low, high = clip.joints_2d.min(axis=(0, 1)), clip.joints_2d.max(axis=(0, 1))
    middle, reach = (low + high) / 2, max(1.0, 0.6 * float((high - low).max()))
    axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] + reach, middle[1] - reach))
    return _bones(axes, [colour for *_, colour in bone_colours(clip.input_skeleton)])


def _space(axes: Axes, clip: LiftedClip) -> tuple[LineCollection, LineCollection]:
    """Return lines for the floor and for the body."""
    middle = _project(np.array([[0.0, 0.0, LOOK_AT_M]]))[0]
    axes.set(xlim=middle[0] + np.array([-1, 1]) * VIEW_HALF_M, ylim=middle[1] + np.array([-1, 1]) * VIEW_HALF_M)
    floor = LineCollection([], colors=FLOOR, linewidths=0.9)
    axes.add_collection(floor)
    return floor, _bones(axes, [colour for *_, colour in bone_colours(clip.skeleton)])


def _bones(axes: Axes, colours: list[str]) -> LineCollection:
    lines = LineCollection([], colors=colours, linewidths=2.6, capstyle="round")
    axes.add_collection(lines)
    return lines


def _project(points_world: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
    """Project world points (z up) in parallel."""
    x, y, z = np.moveaxis(points_world, -1, 0)
    return seen_from_the_side(np.stack([x, -z, y], axis=-1))


def _ellipses(
    middles: Float[np.ndarray, "joints 2"], sd: Float[np.ndarray, "joints 3"], pitch_deg: float
) -> Float[np.ndarray, "joints corners 2"]:
    """Outline the ellipsoids of one standard deviation (camera axes, metres) about joints in the view."""
    axes = camera_to_world(torch.eye(3), level_orientation(pitch_deg), torch.zeros(3)).numpy()
    half = sd[:, :, None] * _project(axes)  # (J, 3, 2): each axis of an ellipsoid in the view
    values, vectors = np.linalg.eigh(half.swapaxes(1, 2) @ half)
    turn = np.linspace(0, 2 * np.pi, ELLIPSE_CORNERS)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    return middles[:, None] + circle @ (np.sqrt(values.clip(0))[..., None] * vectors.swapaxes(1, 2))


def _floor_lines(here: Float[np.ndarray, "3"]) -> Float[np.ndarray, "lines 2 3"]:
    """Return the floor grid around a person. here: the point of the floor under the root, metres, the new origin."""
    lines = []
    for axis in (0, 1):
        first = np.ceil((here[axis] - HALF_SIZE_M) / LINE_SPACING_M) * LINE_SPACING_M - here[axis]
        for place in np.arange(first, HALF_SIZE_M + 1e-6, LINE_SPACING_M):
            ends = np.zeros((2, 3))
            ends[:, axis], ends[:, 1 - axis] = place, (-HALF_SIZE_M, HALF_SIZE_M)
            lines.append(ends)
    return np.stack(lines)


def _write_gif(pictures: Iterator[np.ndarray], path: Path, fps: float) -> None:
    """Write a GIF, thinned where it cannot show so many frames a second, in the first frame's palette."""
    every = max(1, round(fps * SHORTEST_GIF_FRAME_MS / 1000))
    kept = [Image.fromarray(picture) for place, picture in enumerate(pictures) if place % every == 0]
    palette = kept[0].quantize(32)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in kept]
    duration = max(SHORTEST_GIF_FRAME_MS, round(100 * every / fps) * 10)  # GIF counts hundredths of a second
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=duration, loop=0, optimize=False)


def _write_mp4(pictures: Iterator[np.ndarray], path: Path, fps: float) -> None:
    first = next(pictures)
    height, width = first.shape[:2]
    command = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
               "-r", f"{fps:.6f}", "-i", "-", "-c:v", "libx264", "-pix_fmt", "yuv420p", str(path)]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        try:
            for picture in (first, *pictures):
                process.stdin.write(np.ascontiguousarray(picture).tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg says why below
        said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise PoseFKError(f"ffmpeg could not write {path.name}: {said.splitlines()[-1] if said else 'no reason given'}")
