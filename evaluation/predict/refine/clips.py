"""Refine the pieces of a lifted clip with one body, window by window where it is long, and show the progress."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from evaluation.predict.refine.fit import LIMIT_STEPS, PER_FRAME, STEPS, Fitted, Penalties, Window, fit_body
from kinematics.camera import NUM_INTRINSICS, Camera
from posenets.inputs.modes import ASSUMED_FOCAL

DEFAULT = Penalties()
FRAMES, MARGIN = 512, 32  # a window's, and what it sees of its neighbours; 32 frames on a joint has forgotten a change
RUN = 64  # frames in a row; eight runs give the bones of a clip of several windows


def standard_camera() -> Camera:
    """Make the camera that lifters assume where none is known."""
    intrinsics = torch.zeros(NUM_INTRINSICS, dtype=torch.float64)
    intrinsics[:2] = ASSUMED_FOCAL
    orientation = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    return Camera(orientation, torch.zeros(3, dtype=torch.float64), intrinsics, torch.tensor(1.0, dtype=torch.float64))


def refine_pieces(
    pieces: Sequence[Window], penalties: Penalties = DEFAULT
) -> list[tuple[Float[Tensor, "frames joints 3"], Float[Tensor, "frames 3"]]]:
    """Fit one body to all pieces: joints about the root and the root, metres, float32, of each."""
    clip = _joined(pieces)
    starts = range(0, len(clip), FRAMES) if len(clip) > FRAMES + MARGIN else range(1)
    with tqdm(total=(len(starts) + (len(starts) > 1)) * (STEPS + LIMIT_STEPS), unit="step", desc="refine") as bar:
        fitted = _fit(clip, penalties, None, bar) if len(starts) == 1 else _fit_windows(clip, starts, penalties, bar)
    sizes = [len(piece) for piece in pieces]
    return list(zip(*(values.float().split(sizes) for values in (fitted.joints, fitted.root)), strict=True))


def _joined(pieces: Sequence[Window]) -> Window:
    """Join pieces to one, between whose frames nothing is asked."""
    parts = {name: torch.cat([getattr(piece, name) for piece in pieces]) for name in PER_FRAME}
    index = torch.repeat_interleave(torch.arange(len(pieces)), torch.tensor([len(piece) for piece in pieces]))
    return replace(pieces[0], **parts | {"time": torch.arange(len(index)) + index})


def _fit(clip: Window, penalties: Penalties, log_lengths: Tensor | None, bar: "tqdm[NoReturn]") -> Fitted:
    """Fit a window, which is as many steps of the bar whatever it takes."""
    end = bar.n + STEPS + LIMIT_STEPS
    fitted = fit_body(clip, penalties, log_lengths, lambda: bar.update(min(1, end - bar.n)))
    bar.update(end - bar.n)
    return fitted


def _fit_windows(clip: Window, starts: Sequence[int], penalties: Penalties, bar: "tqdm[NoReturn]") -> Fitted:
    """Fit the bones to eight runs of frames, spread evenly, and with them window by window."""
    firsts = torch.linspace(0, len(clip) - RUN, FRAMES // RUN).long()
    log_lengths = _fit(clip[(firsts[:, None] + torch.arange(RUN)).flatten().unique()], penalties, None, bar).log_lengths
    joints, root = torch.empty_like(clip.lifted), torch.empty_like(clip.root)
    for start in starts:
        seen = slice(max(start - MARGIN, 0), start + FRAMES + MARGIN)
        fitted = _fit(clip[seen], penalties, log_lengths, bar)
        kept = slice(start - seen.start, start - seen.start + FRAMES)
        joints[start : start + FRAMES], root[start : start + FRAMES] = fitted.joints[kept], fitted.root[kept]
    return Fitted(joints, root, log_lengths)
