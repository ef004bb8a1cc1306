"""What comes into a batch: real poses in random order, synthetic ones, and the state all of them are drawn from."""

from typing import Any

import torch

from augment import Augmenter
from data import PoseBatch
from data.devices import go_on
from data.distributed import Processes
from data.multiview.dataset import Poses
from training.config import Settings
from training.detections import RunDetectorNoise

# Streams of random numbers: real poses for the lifter, real poses for the GAN, synthetic poses, dropout.
STREAMS = 4
RESTART_STREAM = 2**34  # times the batches done: of a run that goes on with another number of processes
NOISE_STREAM = 2**32  # of the noise on real poses, far from the others so that it does not move their seeds


class RealBatches:
    """Draw endless passes over a data set, each in a new random order; batches run on over the end of a pass."""

    def __init__(self, dataset: Poses, seed: int) -> None:
        self.dataset = dataset
        self.generator = torch.Generator().manual_seed(seed)
        self._shuffle()

    def _shuffle(self) -> None:
        self._before = self.generator.get_state()
        self._order = torch.randperm(len(self.dataset), generator=self.generator).to(self.dataset.device)
        self._place = 0

    def draw(self, count: int) -> PoseBatch:
        """Draw the next `count` poses."""
        parts = [self._order[:0]]
        while count:
            if self._place == len(self._order):
                self._shuffle()
            indices = self._order[self._place : self._place + count]
            parts.append(indices)
            self._place += len(indices)
            count -= len(indices)
        return self.dataset.batch(torch.cat(parts))

    def state_dict(self) -> dict[str, Any]:
        """The order is drawn again from the state of the generator before it."""
        return {"before": self._before, "place": self._place}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        go_on(self.generator, state["before"], "The saved order of poses")
        self._shuffle()
        if not 0 <= state["place"] <= len(self._order):
            raise ValueError(
                f"The run stood at pose {state['place']} of a pass, but there are {len(self._order)}: --resume needs "
                "the data it was started with."
            )
        self._place = state["place"]


class BatchMixer:
    """Draws this process's part of every batch, synthetic poses for gan_interval batches at once: that is faster."""

    def __init__(
        self, settings: Settings, processes: Processes, real: Poses, augmenter: Augmenter | None,
        noise: RunDetectorNoise,
    ) -> None:  # fmt: skip
        self.real, self.augmenter, self.noise = real, augmenter, noise
        self.count = processes.share(settings.learning.batch_size)
        self.chunk = settings.learning.gan_interval
        self.noise_generator = torch.Generator(processes.device)
        self.generator = torch.Generator(processes.device)
        self._seed = (settings.seed * processes.count + processes.rank) * STREAMS
        self.begin_streams()

    def begin_streams(self, batches: int = 0) -> None:
        """Begin all streams of random numbers. batches: done by other processes; what they drew does not come again."""
        seed = (self._seed + batches * RESTART_STREAM) % 2**63
        self.real_for_lifter, self.real_for_gan = RealBatches(self.real, seed), RealBatches(self.real, seed + 1)
        self.noise_generator.manual_seed(seed + NOISE_STREAM)
        self.generator.manual_seed(seed + 2)
        self._chunk_start = self.generator.get_state()
        self._drawn: PoseBatch | None = None
        torch.manual_seed(seed + 3)

    def for_gan(self) -> PoseBatch:
        return self.real_for_gan.draw(self.count)

    def for_lifter(self, synthetic_share: float, step: int) -> PoseBatch:
        """Real and synthetic poses for an update of the lifter. step: of the phase."""
        synthetic, parts = round(self.count * synthetic_share), []
        if synthetic < self.count:
            parts.append(self.noise.real(self.real_for_lifter.draw(self.count - synthetic), self.noise_generator))
        if synthetic and self.augmenter is not None:
            place = step % self.chunk
            if place == 0 or self._drawn is None:
                self._chunk_start = self.generator.get_state()
                self._drawn = self.augmenter.sample(synthetic * self.chunk, self.generator)
            parts.append(self._drawn[place * synthetic : (place + 1) * synthetic])
        return PoseBatch.cat(parts)

    def phase_done(self) -> None:
        """Forget synthetic poses of a chunk that the phase has cut off."""
        self._drawn = None

    def state_dict(self, inside_chunk: bool) -> dict[str, Any]:
        """inside_chunk: whether the next batch is in the middle of a chunk, which then has to be drawn again."""
        again = self._drawn is not None and inside_chunk
        return {
            "generator": self._chunk_start if again else self.generator.get_state(),
            "noise": self.noise_generator.get_state(),
            "real_for_lifter": self.real_for_lifter.state_dict(),
            "real_for_gan": self.real_for_gan.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> bool:
        """Returns whether the generators could go on: False where the run was saved on a device of another sort."""
        same_device = go_on(self.generator, state["generator"], "The saved run")
        if "noise" in state:  # runs from before there was any have none
            go_on(self.noise_generator, state["noise"], "The saved run")
        self._drawn = None
        self.real_for_lifter.load_state_dict(state["real_for_lifter"])
        self.real_for_gan.load_state_dict(state["real_for_gan"])
        return same_device
