"""The page of synthetic poses: by number and source, in space and as their cameras see them."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import viser
from jaxtyping import Float
from torch import Tensor

from augment import Augmenter, AugmentSettings
from augment.export.poses import EXPORT_RECIPES, recorded_poses
from augment.stored import stored_augmenter, why_no_augmenter
from data import DataSettings
from kinematics import Camera
from viewer.pages import Pages, Player
from viewer.scene import BODY, Scene

MIXED, WITHOUT_RUN, CLIP_FRAMES = "as mixed", "limb_swap", 25
MOST_SEEDS, MOST_REFERENCE = 10**6, 1000  # real poses or clips that synthetic ones are made from: fitted at the first


class Sample(NamedTuple):
    """One synthetic pose or clip, and the name of its source. joints_world: metres; joints_screen: as detected."""

    source: str
    joints_world: Float[Tensor, "frames 16 3"]
    joints_screen: Float[Tensor, "frames 16 2"]
    camera: Camera


class SyntheticPoses:
    """What an augmenter draws. shares: source -> its part of the mixture; fps: of clips."""

    def __init__(self, settings: AugmentSettings, data: DataSettings, frames: int) -> None:
        real, self.fps = recorded_poses(data, frames)
        self._augmenter = Augmenter(replace(settings, max_reference=MOST_REFERENCE), real)
        self.shares = dict(self._augmenter.shares)

    @classmethod
    def of_run(cls, content: dict[str, Any], path: Path, data_root: str) -> "SyntheticPoses":
        """Build those of a run, on its own data set, which has to be in data_root."""
        stored = stored_augmenter(content, path)
        poses = cls(stored.settings, replace(stored.data, data_root=data_root), stored.frames)
        poses._augmenter.load_state_dict(stored.fresh_state)
        return poses

    @classmethod
    def without_run(cls, data_root: str) -> "SyntheticPoses":
        """Build clips of a recipe that needs no training, on the built-in data set."""
        return cls(EXPORT_RECIPES[WITHOUT_RUN], DataSettings(data_root=data_root), CLIP_FRAMES)

    @torch.inference_mode()
    def sample(self, seed: int, source: str = MIXED) -> Sample:
        """Draw the pose of a number; the same number gives the same. source: of the mixture, or MIXED: by its share."""
        generator = torch.Generator().manual_seed(seed)
        if source not in self.shares:
            place = torch.tensor(list(self.shares.values())).multinomial(1, generator=generator)
            source = list(self.shares)[int(place)]
        self._augmenter.shares = {source: 1.0}
        batch = self._augmenter.sample(1, generator)
        assert batch.camera is not None
        return Sample(source, batch.joints_world()[0], batch.joints_2d[0], batch.camera[0])


def load_synthetic(content: Any, path: Path | None, data_root: str) -> tuple[SyntheticPoses, str]:
    """Load the poses of a run, or a recipe's where there is none, and what to say of them. path: of the checkpoint."""
    if path is not None and why_no_augmenter(content) is None:
        return SyntheticPoses.of_run(content, path, data_root), f"What the run of {path.name} mixes into its batches."
    lacks = f"{path.name} is of no run with augmentation. " if path else ""
    return SyntheticPoses.without_run(data_root), f"{lacks}Recipe `{WITHOUT_RUN}` on the built-in motion."


class SyntheticPage:
    """Draws the pose anew whenever its number or source changes, and shows the player's frame of it."""

    uses_orbit = False

    def __init__(self, pages: Pages, scene: Scene, poses: SyntheticPoses, about: str) -> None:
        self._scene, self._poses = scene, poses
        self._figure = scene.figure("synthetic", BODY)
        gui, request = scene.server.gui, pages.redrawing.request
        gui.add_markdown(about)
        self._source = gui.add_dropdown("source", (MIXED, *poses.shares), visible=len(poses.shares) > 1)
        self._seed = gui.add_number("pose (seed)", 0, min=0, max=MOST_SEEDS, step=1)
        new = gui.add_button("Next pose", icon=viser.Icon.REFRESH)
        new.on_click(lambda _: self._next())
        for handle in (self._source, self._seed):
            handle.on_update(request)
        self.player = Player(gui, request)
        self._caption = gui.add_markdown("")
        self._asked: tuple[int, str] | None = None

    def _next(self) -> None:
        self._seed.value = (int(self._seed.value) + 1) % MOST_SEEDS

    def _chosen(self) -> Sample:
        asked = int(self._seed.value), self._source.value
        if asked != self._asked:
            self._asked, self._sample = asked, self._poses.sample(*asked)
            self.player.load(len(self._sample.joints_world), self._poses.fps)
            share = self._poses.shares[self._sample.source]
            self._caption.content = f"Source `{self._sample.source}`, {share:.0%} of the mixture."
        return self._sample

    def draw(self) -> bool:
        sample = self._chosen()
        frame = min(self.player.frame, len(sample.joints_world) - 1)
        joints = sample.joints_world[frame].numpy()
        with self._scene.server.atomic():
            self._scene.follow(np.asarray(joints[BODY.root]))
            self._figure.show(joints)
            screen = sample.joints_screen[frame].numpy()
            self._scene.show_picture(screen, BODY, sample.camera, "What the lifter learns from.")
        return False

    def hide(self) -> None:
        self._figure.hide()
        self.player.stop()
