"""Which frame of a clip is shown: a slider, and a button that moves it."""

import threading
import time
from collections.abc import Callable

import viser

TICK_S = 1 / 60


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
        """From 0."""
        return int(self._slider.value)

    def load(self, frames: int, fps: float) -> None:
        """A new clip, from its first frame; what plays goes on playing."""
        moves = frames > 1
        if not moves:
            self._switch(False)
        self._slider.value = 0
        self._slider.max = max(frames - 1, 1)
        self._speed.value = max(1, min(120, round(fps)))
        self._slider.visible = self._button.visible = self._speed.visible = moves

    def stop(self) -> None:
        """Pause."""
        self._switch(False)

    def _switch(self, playing: bool) -> None:
        self._button.label = "Pause" if playing else "Play"
        self._button.icon = viser.Icon.PLAYER_PAUSE if playing else viser.Icon.PLAYER_PLAY
        if playing:
            self._playing.set()
        else:
            self._playing.clear()

    def _run(self) -> None:
        """Frames by the clock: a browser that is slow gets fewer of them, in the same time."""
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
