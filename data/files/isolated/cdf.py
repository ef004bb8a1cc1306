"""CDF files, with cdflib. Runs in the child."""

import struct
from pathlib import Path
from typing import Any

import cdflib
import numpy as np

from data.files.isolated.answers import Sender

SMALLEST = {"variables": 340, "attributes": 320, "axes": 4}  # bytes that describe one
VERSION_3, UNPACKED = 0xCDF30001, 0x0000FFFF


def read(path: str, request: dict[str, Any], sender: Sender) -> None:
    """Send the variable of that name."""
    _check_counts(Path(path))
    sender.answer(np.asarray(cdflib.CDF(Path(path)).varget(request["variable"])))


def _check_counts(path: Path) -> None:
    """Refuse more variables and attributes than fit: cdflib would go through them one by one."""
    size = path.stat().st_size
    with open(path, "rb") as stream:
        version, packing, length = struct.unpack(">IIq", stream.read(16).ljust(16, b"\0"))
        if (version, packing) != (VERSION_3, UNPACKED):
            return
        if not 0 < length < size:
            raise ValueError(f"its first record is said to have {length:,} bytes of {size:,}")
        stream.seek(8 + length)
        record = stream.read(64).ljust(64, b"\0")
    of_r, attributes, _, axes, of_z = struct.unpack_from(">5i", record, 44)
    for count, what in ((of_r, "variables"), (of_z, "variables"), (attributes, "attributes"), (axes, "axes")):
        if not 0 <= count * SMALLEST[what] <= size:
            raise ValueError(f"{count:,} {what} are counted in {size:,} bytes")
