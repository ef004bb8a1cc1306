"""Freed memory stays with the process (Linux with glibc), for the next batch.

Every operation of a training step on the CPU allocates its result. By default glibc hands blocks of that size back to
the system when they are freed, which clears each page anew when the next batch asks for it: a tenth of a GAN update.
"""

import ctypes
import sys

# Of malloc.h: what is freed at the heap's top and kept, how much the heap grows by, and from which size on a block is
# mapped by itself (32 MiB is the largest allowed).
_SETTINGS = {-1: 2**31 - 1, -2: 64 * 2**20, -3: 32 * 2**20}


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed memory. Returns whether it does: False elsewhere than on Linux with glibc."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in _SETTINGS.items())
