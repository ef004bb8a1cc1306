"""The pages of the viewer: one is open at a time and says what the scene shows."""

from collections.abc import Callable
from typing import Protocol

import viser

from kinematics.errors import PoseFKError
from viewer.redrawing import Redrawing
from viewer.scene import Scene


class Page(Protocol):
    """One page: its widgets, and what it shows. uses_orbit: whether the camera's sliders are its own."""

    uses_orbit: bool

    def draw(self) -> bool:
        """Put its figures and the camera's picture in the scene; True: they are still on their way."""
        ...

    def hide(self) -> None:
        """Take its figures out of the scene."""
        ...


class Pages:
    """Buttons to choose a page, its widgets below. Only the open page's folder is visible, and only it draws."""

    def __init__(self, scene: Scene) -> None:
        self._gui = scene.server.gui
        self._pages: dict[str, tuple[Page, viser.GuiFolderHandle]] = {}
        self._open = ""
        self.redrawing = Redrawing(self._draw)
        self._buttons = self._gui.add_button_group("Show", ("Body",))
        self._buttons.on_click(lambda event: self.open(event.target.value))
        self._notes = {level: self._gui.add_markdown("", visible=False) for level in ("note", "busy", "trouble")}
        with scene.under_picture:
            self.orbit_folder = self._gui.add_folder("Camera")

    @property
    def names(self) -> tuple[str, ...]:
        """The pages that can be opened."""
        return tuple(self._pages)

    def add(self, name: str, make: Callable[[], Page]) -> None:
        """Offer a page; the first one is opened. make: makes its widgets."""
        folder = self._gui.add_folder(name, visible=False)
        with folder:
            page = make()
        self._pages[name] = (page, folder)
        self._buttons.options = self.names
        if not self._open:
            self.open(name)

    def open(self, name: str) -> None:
        """Show a page instead of the one that is open."""
        self._open = name
        for other, (_, folder) in self._pages.items():
            folder.visible = other == name
        self.orbit_folder.visible = self._pages[name][0].uses_orbit
        self.redrawing.request()

    def say(self, level: str, sentence: str) -> None:
        """A sentence below the buttons, "" takes it away. level: note, busy or trouble; one of each."""
        note = self._notes[level]
        note.content, note.visible = sentence, bool(sentence)

    def _draw(self) -> bool:
        if not self._open:
            return False
        open_page = self._pages[self._open][0]
        for page, _ in tuple(self._pages.values()):
            if page is not open_page:
                page.hide()
        try:
            moving = open_page.draw()
        except (PoseFKError, ValueError) as error:
            self.say("trouble", f"**{error}**")
            return False
        self.say("trouble", "")
        return moving
