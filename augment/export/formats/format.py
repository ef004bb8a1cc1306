"""An export format: a module that writes a shard and, where it can, reads it back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from augment.export.formats.chunk import Chunks, Shard
from augment.export.formats.stored_clips import StoredClips

ANY_LAYOUT = ("h36m_16", "h36m_17", "mpi_inf_3dhp_17", "lsp_14", "coco_17")


@dataclass(frozen=True)
class Reader:
    """How the files of a format are read back.

    read: (file, frames of a clip, most clips, generator that draws them) -> clips; file: its name in a shard's folder;
    npz_key: the array by which an npz file of this format is known, "": the suffix of `file` says it.
    """

    read: Callable[[Path, int, int, torch.Generator], StoredClips]
    file: str
    npz_key: str = ""


@dataclass(frozen=True)
class Format:
    """write: writes a shard and names its files; size: about how many bytes a shard takes, given those of kept arrays.

    layouts: those it can hold, the first is its default; description: one line for the README; file_per_pose: whether
    every pose or clip has a file; reader: None where files are not read back.
    """

    write: Callable[[Chunks, Shard], list[str]]
    size: Callable[[Shard, Sequence[int]], int]
    layouts: tuple[str, ...]
    description: str
    file_per_pose: bool = False
    reader: Reader | None = None
