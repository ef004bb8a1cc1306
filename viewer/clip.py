"""The page of lifted clips: the person on the floor, the 2D beside it, and the angles of the DH body as curves."""

from collections.abc import Callable

import numpy as np
import torch
import viser
from jaxtyping import Float

from evaluation.predict.files.angles import angles_csv, clip_angles
from evaluation.predict.lifted import LiftedClip
from kinematics.camera import pixels_to_screen
from viewer.angles import Curves, angle_ranges, joints_of_angles, table_of_all, table_of_joint
from viewer.pages import Pages, Player
from viewer.scene import Scene, Window

SHADED_SD = 2  # one is mostly inside the figure's limbs
MARGIN, WIDEST = 1.15, 0.85  # of what a person covers of the image; half widths above which all of it is shown


class Person:
    """One lifted person. screen: (F, K, 2) the 2D in screen units; box: its ends; angles: (F, 28) clip_angles."""

    def __init__(self, clip: LiftedClip) -> None:
        self.clip = clip
        self.screen = pixels_to_screen(torch.from_numpy(clip.joints_2d), *clip.image_size).numpy()
        self.box = self.screen.min(axis=(0, 1)), self.screen.max(axis=(0, 1))
        self.angles = clip_angles(clip)
        self.ranges = angle_ranges(self.angles)

    def row_of(self, number: int) -> int | None:
        """Return the row of a frame by its number in the file; None where the person is not seen."""
        row = int(np.searchsorted(self.clip.frames, number))
        return row if row < len(self.clip) and self.clip.frames[row] == number else None

    def in_space(self, row: int) -> tuple[Float[np.ndarray, "joints 3"], Float[np.ndarray, "joints 3"] | None]:
        """Return the joints of a row in the world, and the half axes of their shades, if known; metres.

        Those are SHADED_SD standard deviations along a level camera's axes: right is the world's x, forward its y.
        """
        sd = self.clip.joints_sd
        return self.clip.joints_world[row], None if sd is None else SHADED_SD * sd[row][:, [0, 2, 1]]

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
    """The angles of a joint as curves with a line at the frame, tables of their ranges, and a button that saves all."""

    def __init__(self, gui: viser.GuiApi, request: Callable[[object], None]) -> None:
        with gui.add_folder("Joint angles"):
            self._joint = gui.add_dropdown("joint", tuple(joints_of_angles()), initial_value="right knee")
            self._plot, self._table = gui.add_html(""), gui.add_html("")
            save = gui.add_button("Save angles.csv", icon=viser.Icon.DOWNLOAD, hint="All angles of every frame.")
            with gui.add_folder("All joints", expand_by_default=False):
                self._all = gui.add_html("")
        self._joint.on_update(request)
        save.on_click(self._save)
        self._shown: tuple[Person, str, Curves] | None = None

    def show(self, person: Person, row: int) -> None:
        """Show a person's angles at a row of the clip."""
        joint = self._joint.value
        indices = joints_of_angles()[joint]
        if self._shown is None or self._shown[:2] != (person, joint):
            self._shown = person, joint, Curves(person.angles[:, indices], person.clip)
            self._all.content = table_of_all(person.ranges)
        self._plot.content = self._shown[2].at(row)
        ranges = [person.ranges[index] for index in indices]
        self._table.content = table_of_joint(ranges, person.angles[row, indices])

    def _save(self, event: viser.GuiEvent) -> None:
        """Send the browser that asks the file that `evaluation.predict --outputs csv` writes."""
        if event.client is not None and self._shown is not None:
            content = angles_csv(self._shown[0].clip).encode()
            event.client.send_file_download("angles.csv", content, save_immediately=True)


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
        self._shown: str | None = None

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
                    figure.show(*self._people[other].in_space(seen[other]))
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
