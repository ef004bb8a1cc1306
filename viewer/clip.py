"""The page of lifted clips: the person on the floor, the 2D beside it, and the angles of the DH body as curves."""

from collections.abc import Callable

import numpy as np
import torch
import viser
from viser import uplot

from evaluation.drawing.colours import LEFT, MIDDLE, REAL_COLOUR, RIGHT
from evaluation.predict.lifted import LiftedClip
from kinematics import JOINT_ANGLES
from kinematics.camera import pixels_to_screen
from viewer.angles import Curves, angle_ranges, angles_deg, joints_of_angles, table_of
from viewer.pages import Pages, Player
from viewer.scene import Scene, Window

CURVE_COLOURS = LEFT, RIGHT, REAL_COLOUR
MARGIN, WIDEST = 1.15, 0.85  # of what a person covers of the image; half widths above which all of it is shown


class Person:
    """One lifted person. screen: (F, K, 2) the 2D in screen units; box: its ends; angles: (F, 28) degrees."""

    def __init__(self, clip: LiftedClip) -> None:
        self.clip = clip
        self.screen = pixels_to_screen(torch.from_numpy(clip.joints_2d), *clip.image_size).numpy()
        self.box = self.screen.min(axis=(0, 1)), self.screen.max(axis=(0, 1))
        self.angles = angles_deg(clip)
        self.ranges = angle_ranges(self.angles)

    def row_of(self, number: int) -> int | None:
        """Return the row of a frame by its number in the file; None where the person is not seen."""
        row = int(np.searchsorted(self.clip.frames, number))
        return row if row < len(self.clip) and self.clip.frames[row] == number else None

    def sentence(self, row: int) -> str:
        """Say which frame of the file a row is."""
        clip = self.clip
        pieces = int(clip.pieces[-1]) + 1
        piece = f", piece {clip.pieces[row] + 1} of {pieces}" if pieces > 1 else ""
        return f"frame {clip.frames[row]} of the file{piece}"


def stand_together(clips: list[LiftedClip]) -> bool:
    """Whether people can be shown at once: placed before one camera, in the same images."""
    return len(clips) > 1 and all(clip.root_camera is not None for clip in clips) and len(
        {(clip.fps, clip.image_size, clip.input_skeleton.name) for clip in clips}
    ) == 1  # fmt: skip


def window_of(people: list[Person], aspect: float) -> Window | None:
    """Find the part of the image, in its shape, in which people move; None where that is most of it."""
    low, high = (end([person.box[i] for person in people], axis=0) for i, end in enumerate((np.min, np.max)))
    half = MARGIN * float(((high - low) / 2 / [1, aspect]).max())
    left, top = (low + high) / 2 - [half, half * aspect]
    return Window(float(left), float(top), half) if half < WIDEST else None


class AnglePanel:
    """The angles of a joint as curves with a marker at the frame, and tables of their ranges."""

    def __init__(self, gui: viser.GuiApi, request: Callable[[object], None]) -> None:
        self._gui = gui
        self._folder = gui.add_folder("Joint angles")
        with self._folder:
            self._joint = gui.add_dropdown("joint", tuple(joints_of_angles()), initial_value="right knee")
            self._table = gui.add_html("")
            with gui.add_folder("All joints", expand_by_default=False):
                self._all = gui.add_html("")
        self._joint.on_update(request)
        self._plot: viser.GuiUplotHandle | None = None
        self._curves: Curves | None = None
        self._shown: tuple[Person, str] | None = None

    def show(self, person: Person, row: int) -> None:
        """Show a person's angles, with a marker at a row of the clip."""
        joint = self._joint.value
        if self._curves is None or self._plot is None or self._shown != (person, joint):
            indices = joints_of_angles()[joint]
            self._curves = Curves(person.angles[:, indices], person.clip.frames, person.clip.pieces)
            self._table.content = table_of([person.ranges[index] for index in indices], meaning=True)
            self._all.content = table_of(person.ranges)
            if self._plot is not None:
                self._plot.remove()
            self._plot, self._shown = self._new_plot(joint, indices, self._curves.at(row)), (person, joint)
        self._plot.data = self._curves.at(row)

    def _new_plot(self, joint: str, indices: list[int], data: tuple[np.ndarray, ...]) -> viser.GuiUplotHandle:
        names = [JOINT_ANGLES[index].rpartition("_")[2] for index in indices]
        lines = [uplot.Series(label=n, stroke=c, width=2) for n, c in zip(names, CURVE_COLOURS, strict=False)]
        series = uplot.Series(label="frame"), *lines, uplot.Series(label="", stroke=MIDDLE, width=1)
        scales = {"x": uplot.Scale(time=False)}
        with self._folder:
            return self._gui.add_uplot(
                data, series, title=f"{joint}, degrees", scales=scales, aspect=1.6, order=self._table.order - 0.5
            )


class ClipPage:
    """Choice of person, frame and joint. clips: name -> clip; with several, people can be shown at once."""

    uses_orbit = False

    def __init__(self, pages: Pages, scene: Scene, clips: dict[str, LiftedClip]) -> None:
        self._scene = scene
        gui, request = scene.server.gui, pages.redrawing.request
        self._people = {name.replace("_", " "): Person(clip) for name, clip in clips.items()}
        self._figures = {
            name: scene.figure(f"lifted_{place}", person.clip.skeleton)
            for place, (name, person) in enumerate(self._people.items())
        }
        self._person = gui.add_dropdown("person", tuple(self._people), visible=len(clips) > 1)
        self._together = gui.add_checkbox("everybody at once", True, visible=stand_together(list(clips.values())))
        for handle in (self._person, self._together):
            handle.on_update(request)
        self.player = Player(gui, request)
        self._frame = gui.add_markdown("")
        self._angles = AnglePanel(gui, request)
        self._shown = ""

    def draw(self) -> bool:
        name = self._person.value
        person = self._people[name]
        clip = person.clip
        if name != self._shown:
            self.player.load(len(clip), clip.fps)
            self._shown = name
        row = min(self.player.frame, len(clip) - 1)
        together = self._together.visible and self._together.value
        number = int(clip.frames[row])
        rows = {other: one.row_of(number) for other, one in self._people.items() if together or other == name}
        seen = {other: row for other, row in rows.items() if row is not None}
        with self._scene.server.atomic():
            self._scene.follow(clip.joints_world[row, clip.skeleton.root], half_turn=True)
            for other, figure in self._figures.items():
                if other in seen:
                    figure.show(self._people[other].clip.joints_world[seen[other]])
                else:
                    figure.hide()
            self._show_picture(seen, list(rows), clip)
            self._frame.content = person.sentence(row)
            self._angles.show(person, row)
        return False

    def _show_picture(self, seen: dict[str, int], names: list[str], clip: LiftedClip) -> None:
        width, height = clip.image_size
        aspect = height / width
        screen = np.stack([self._people[name].screen[row] for name, row in seen.items()])
        window = window_of([self._people[name] for name in names], aspect)
        self._scene.show_picture(screen, clip.input_skeleton, None, "The keypoints that were lifted.", aspect, window)

    def hide(self) -> None:
        for figure in self._figures.values():
            figure.hide()
        self.player.stop()
