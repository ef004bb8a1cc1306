"""Windows as the original projects cut them, one at a time in numpy, inside a DataLoader: a yardstick.

VideoPose3D's and PoseFormer's generators, as an ordinary torch Dataset: the list of samples holds every frame of every
clip twice, plain and mirrored; an item is cut out of its clip, padded with the clip's first and last frame, mirrored
if its turn says so; items are stacked by the default collate function.
"""

import numpy as np
from torch.utils.data import DataLoader, Dataset

from data.recordings import Recording
from kinematics.skeleton import Skeleton


class PlainWindows(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Items: joints_2d (T, J, 2) screen of a window, joints_3d (J, 3) metres of its centre, minus the root."""

    def __init__(self, recordings: list[Recording], frames: int, layout: str) -> None:
        skeleton = Skeleton(layout)
        self.order, self.side = list(skeleton.mirror), frames // 2
        self.clips_2d, self.clips_3d = [], []
        for recording in recordings:
            for view in recording.views:
                joints_3d = view.joints_3d - view.joints_3d[:, skeleton.root : skeleton.root + 1]
                self.clips_2d.append(view.joints_2d.astype(np.float32))
                self.clips_3d.append(joints_3d.astype(np.float32))
        self.samples = [
            (clip, frame, flip)
            for clip, joints in enumerate(self.clips_2d)
            for frame in range(len(joints))
            for flip in (False, True)
        ]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        clip, frame, flip = self.samples[index]
        joints_2d, joints_3d = self.clips_2d[clip], self.clips_3d[clip][frame]
        start, end = frame - self.side, frame + self.side + 1
        low, high = max(start, 0), min(end, len(joints_2d))
        window = joints_2d[low:high]
        if low != start or high != end:
            window = np.pad(window, ((low - start, end - high), (0, 0), (0, 0)), "edge")
        if flip:
            window, joints_3d = window[:, self.order].copy(), joints_3d[self.order].copy()
            window[..., 0] *= -1
            joints_3d[..., 0] *= -1
        return window, joints_3d


def plain_loader(recordings: list[Recording], frames: int, batch_size: int, layout: str) -> DataLoader:
    """Batches of shuffled windows, made in the training process."""
    windows = PlainWindows(recordings, frames, layout)
    return DataLoader(windows, batch_size, shuffle=True, num_workers=0, drop_last=True)
