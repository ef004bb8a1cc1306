"""The page of a trained generator: noise, temperature, and the clip that comes of them."""

import torch
import viser

from viewer.generator import ClipSource, between
from viewer.orbit_panel import OrbitPanel
from viewer.pages import Pages
from viewer.player import Player
from viewer.scene import BODY, Scene

MOST_SEEDS = 10**6


class GeneratorPage:
    """Draws the clip anew whenever a slider of the noise moves, and shows the player's frame of it."""

    uses_orbit = True

    def __init__(self, pages: Pages, scene: Scene, orbit: OrbitPanel, source: ClipSource) -> None:
        self._scene, self._orbit, self._source = scene, orbit, source
        self._figure = scene.figure("generated", BODY)
        gui, request = scene.server.gui, pages.redrawing.request
        self._seed = gui.add_number("noise (seed)", 0, min=0, max=MOST_SEEDS, step=1)
        new = gui.add_button("New noise", icon=viser.Icon.REFRESH)
        new.on_click(lambda _: self._next())
        self._share = gui.add_slider("towards the next noise", 0.0, 1.0, 0.01, 0.0)
        self._temperature = gui.add_slider("temperature", 0.0, 2.0, 0.01, 1.0)
        for handle in (self._seed, self._share, self._temperature):
            handle.on_update(request)
        self.player = Player(gui, request)
        self.player.load(source.frames, source.fps)
        self._asked: tuple[int, float, float] | None = None
        self._clip = torch.zeros(1, 16, 3)

    def _next(self) -> None:
        self._seed.value = (int(self._seed.value) + 1) % MOST_SEEDS
        self._share.value = 0.0

    def _draw_clip(self) -> None:
        asked = int(self._seed.value), float(self._share.value), float(self._temperature.value)
        if asked == self._asked:
            return
        seed, share, temperature = self._asked = asked
        noise = between(self._source.noise(seed), self._source.noise(seed + 1), share)
        self._clip = self._source.clip(noise, temperature)

    def draw(self) -> bool:
        """The player's frame of the clip."""
        self._draw_clip()
        joints = self._clip[min(self.player.frame, len(self._clip) - 1)]
        camera, moving = self._orbit.camera()
        with self._scene.server.atomic():
            self._scene.show_person(self._figure, joints, camera)
        return moving

    def hide(self) -> None:
        """Take the clip out of the scene and pause it."""
        self._figure.hide()
        self.player.stop()
