"""The pages of the viewer: one is open at a time, drawn by a thread of its own; another thread plays clips."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

import viser

from kinematics.errors import PoseFKError
from viewer.scene import Scene

RATE = 60.0  # pictures a second at most; browsers show no more
TICK_S = 1 / RATE


class Redrawing:
    """Calls `draw` when asked to, at most RATE times a second. draw: returns whether to draw again."""

    def __init__(self, draw: Callable[[], bool]) -> None:
        self._draw, self._asked, self._stopped = draw, threading.Event(), False
        self._thread = threading.Thread(target=self._run, daemon=True, name="redrawing")
        self._thread.start()

    def request(self, event: object = None) -> None:
        """Ask for a drawing. event: of the slider that was moved; unused, for all sliders are read again."""
        self._asked.set()

    def stop(self) -> None:
        """Stop; return when the last drawing is finished."""
        self._stopped = True
        self._asked.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._stopped:
                return
            start = time.perf_counter()
            if self._draw():
                self._asked.set()
            time.sleep(max(0.0, TICK_S - (time.perf_counter() - start)))


class Player:
    """frame: the one to show. request: called whenever it changes. The slider is hidden for a single frame."""

    def __init__(self, gui: viser.GuiApi, request: Callable[[object], None]) -> None:
        self._slider = gui.add_slider("frame", 0, 1, 1, 0, visible=False)
        self._button = gui.add_button("Play", icon=viser.Icon.PLAYER_PLAY, visible=False)
        self._speed = gui.add_slider("frames a second", 1, 120, 1, 25, visible=False)
        self._slider.on_update(request)
        self._button.on_click(lambda _: self._switch(not self._playing.is_set()))
        self._playing = threading.Event()
        threading.Thread(target=self._run, daemon=True, name="player").start()

    @property
    def frame(self) -> int:
        return int(self._slider.value)

    def load(self, frames: int, fps: float) -> None:
        """Show a new clip from its first frame; a playing one keeps playing."""
        moves = frames > 1
        if not moves:
            self._switch(False)
        self._slider.value = 0
        self._slider.max = max(frames - 1, 1)
        self._speed.value = max(1, min(120, round(fps)))
        self._slider.visible = self._button.visible = self._speed.visible = moves

    def stop(self) -> None:
        self._switch(False)

    def _switch(self, playing: bool) -> None:
        self._button.label = "Pause" if playing else "Play"
        self._button.icon = viser.Icon.PLAYER_PAUSE if playing else viser.Icon.PLAYER_PLAY
        (self._playing.set if playing else self._playing.clear)()

    def _run(self) -> None:
        """Advance frames by the clock: a slow browser gets fewer of them in the same time."""
        place, before = 0.0, time.perf_counter()
        while True:
            self._playing.wait()
            now = time.perf_counter()
            if int(place) != self.frame:  # somebody has moved the slider, or it has been waiting
                place = float(self.frame)
            else:
                place += min(now - before, 0.5) * self._speed.value
            before = now
            place %= self._slider.max + 1
            self._slider.value = int(place)
            time.sleep(TICK_S)


class Page(Protocol):
    """One page: its widgets, and what it shows. uses_orbit: whether the camera's sliders are its own."""

    uses_orbit: bool

    def draw(self) -> bool:
        """Put its figures and the camera's picture in the scene; True: they are still moving."""
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
        self._open = name
        for other, (_, folder) in self._pages.items():
            folder.visible = other == name
        self.orbit_folder.visible = self._pages[name][0].uses_orbit
        self.redrawing.request()

    def say(self, level: str, sentence: str) -> None:
        """Show a sentence below the buttons; "" removes it. level: note, busy or trouble; one of each."""
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
