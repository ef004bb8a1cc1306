"""benchmarks/motion.py: what is judged was not learned from, and real clips are real throughout."""

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from benchmarks.motion import FLOOR, REAL, halves, row_of, whole_clips
from benchmarks.motion_figures import clip_strips, motion_curves
from data import PoseDataset
from data.recordings import Recording, view_from_world
from kinematics import look_at
from kinematics.camera import Camera

FRAMES = 5


@pytest.fixture
def recordings(generator) -> list[Recording]:
    """Two recordings of each of six captures; joint 0 counts the frames, so that a repeated frame is seen."""
    position, aim = torch.tensor([0.0, -30.0, 1.0]), torch.tensor([0.0, 0.0, 1.0])
    intrinsics = torch.tensor([1.5, 1.5, 0, 0, 0, 0, 0, 0, 0])
    camera = Camera(look_at(position, aim, torch.zeros(())), position, intrinsics, torch.ones(()))
    made = []
    for number in range(12):
        joints = 0.1 * torch.randn(20, 16, 3, generator=generator).numpy()
        joints[:, 0, 0] += np.arange(20)
        usable = np.ones(20, dtype=bool)
        usable[number] = False
        group = {"sequence": f"clip{number // 2}"}
        made.append(Recording("01", "walk", (view_from_world(joints, camera, "a"),), 25.0, usable, group))
    return made


def test_no_capture_is_in_both_halves_and_none_is_lost(recordings):
    first, second = halves(recordings)
    names = [{recording.group["sequence"] for recording in half} for half in (first, second)]
    assert not names[0] & names[1] and len(names[0]) == len(names[1]) == 3
    assert len(first) + len(second) == len(recordings)


def test_real_clips_have_neither_padding_nor_glitches(recordings):
    dataset = PoseDataset.from_recordings(recordings, "h36m_16", FRAMES)
    clips = whole_clips(dataset, 1000, seed=0)
    steps = clips[:, :, 0, 0].diff(dim=1)
    assert float(steps.amin()) > 0.3  # a padded frame would not go on
    for number, recording in enumerate(recordings):
        bad = torch.from_numpy(recording.joints_world[number]).float()
        assert float((clips - bad).abs().amax(dim=(2, 3)).amin()) > 1e-3
    assert len(clips) == sum(max(n - 4, 0) + max(19 - n - 4, 0) for n in range(12))


def test_a_row_has_a_cell_per_column_and_the_floor_a_distance(recordings):
    clips = whole_clips(PoseDataset.from_recordings(recordings, "h36m_16", FRAMES), 50, seed=0)
    real, other = row_of(REAL, [clips], [clips]), row_of(FLOOR, [clips[:20], clips[20:]], [clips, clips])
    assert len(real) == len(other) == 11
    assert real[2] == "" and "±" in other[2]


def test_figures_are_drawn(recordings):
    clips = whole_clips(PoseDataset.from_recordings(recordings, "h36m_16", FRAMES), 30, seed=0)
    two = {"real": clips, "other": clips.flip(1)}
    for figure in (motion_curves(two, 25.0), clip_strips(two)):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
        assert pixels.std() > 10  # of 255: not an empty sheet
