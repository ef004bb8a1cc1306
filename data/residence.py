"""Where a data set lies: on the device that computes with it if it fits, else in memory, streamed by the batch."""

import torch
from torch import Tensor

from data.multiview.dataset import MultiViewDataset, Poses
from kinematics import Camera

LARGEST_SHARE = 0.5  # of what is free on the device: the rest is for weights and what is computed on the way


def reside(dataset: Poses, device: torch.device | str, free: int | None = None) -> Poses:
    """The data set with its batches on `device`, and itself there as well if it fits.

    free: bytes; None: what the device has, without a bound if it is the CPU.
    """
    device = torch.device(device)
    if free is None and device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
    size = bytes_of(dataset)
    fits = free is None or size <= LARGEST_SHARE * free
    placed = dataset.to(device) if fits else dataset
    if free is not None:
        share = f"{size / 1e9:.2f} GB of poses, {free / 1e9:.2f} GB free on {device}"
        placed.residence = f"{share}: they lie there" if fits else f"{share}: they stay in memory and are streamed"
    if not fits:
        placed.serves = device
    return placed


def bytes_of(dataset: Poses) -> int:
    """What its tensors take up."""
    flat = dataset.flat if isinstance(dataset, MultiViewDataset) else dataset
    held: list[Tensor] = []
    for part in (flat, dataset):
        for value in (*vars(part).values(), *part.label_ids.values()):
            held += vars(value).values() if isinstance(value, Camera) else [value] if isinstance(value, Tensor) else []
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in held}
    return sum(storages.values())
