"""Pickles read without running what is in them."""

import pickle
import struct
import zipfile
import zlib
from typing import Any

# Exactly what arrays, dicts, lists, strings and numbers need, under the module names of numpy 1 and 2. Anything else
# in a pickle is code of somebody's choice.
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_ALLOWED_GLOBALS = {
    *((module, name) for module in _MULTIARRAY for name in ("_reconstruct", "scalar")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("_codecs", "encode"),  # how old pickle protocols spell bytes
    *(("builtins", name) for name in "dict list tuple set str bytes int float bool complex".split()),
}
# What damaged files make zipfile, zlib, pickle, numpy, scipy and h5py raise.
BROKEN_FILE = (
    OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError, ImportError,
    MemoryError, RecursionError, OverflowError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile,
    pickle.UnpicklingError,
)  # fmt: skip


class UnsafePickleError(ValueError):
    """A pickle that asks for more than arrays and plain containers."""


class RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED_GLOBALS:
            raise UnsafePickleError(f"{module}.{name}")
        return super().find_class(module, name)
