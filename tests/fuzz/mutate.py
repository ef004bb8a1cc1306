"""Changed files: bits, cuts, splices, lengths, words of the formats; members of archives; values inside."""

import copy
import io
import math
import tarfile
import warnings
import zipfile
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
import torch

from tests.fuzz.containers import container_of

_MOST_BYTES = 1 << 20
WORDS = [
    b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", b"'<f4'", b"'|O8'", b"'<U99999999'", b"(99999999999,)",
    b"(0, 4611686018427387904)", b"cos\nsystem\n(S'true'\ntR", b"cbuiltins\neval\n", b"cnumpy\ndtype\n", b"q\0", b"h\1",
    b"\x8c\x02os", b"}", b"]", b"(", b")", b"[" * 500, b"{\"a\":" * 500, b"NaN", b"Infinity", b"1e999", b"-1", b"null",
    b"9" * 50, b"9" * 5000, b"0", b"\"\\ud800\"", b"\x1b[2J", b"\0", b"\xff\xfe", b"\n", b" ", b",", b"root", b"begin",
    b"end", b":root", b"dof rx ry rz", b"CHANNELS 6", b"Frames: 999999999", b"MOTION", b"JOINT", b"End Site", b"name",
    b"size", b"intrinsic", b"../../../../tmp/x", b"/etc/passwd", b"PK\x01\x02", b"PK\x05\x06", b"\x89HDF\r\n\x1a\n",
    b"x" * 3000,
]  # fmt: skip
_NUMBERS = [
    0,
    1,
    2,
    3,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**31 + 7,
    2**62,
    2**64 - 1,
]


def mutate(raw: bytes, name: str, draw: Random) -> bytes:
    """A changed copy of a trusted file. name: its ending tells the format."""
    changed = raw
    if draw.random() < 0.6:
        with warnings.catch_warnings(action="ignore"):
            changed = _inside(raw, name, draw)
    if changed is raw or draw.random() < 0.1:
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            changed = mutate_bytes(changed, draw)
    return changed


def mutate_bytes(raw: bytes, draw: Random) -> bytes:
    """One change that knows nothing of the format, or tokens of a text changed."""
    content, size = bytearray(raw), len(raw)
    start, end = sorted((draw.randint(0, size), draw.randint(0, size)))
    match draw.randrange(9):
        case 0 if size:
            content[draw.randrange(size)] ^= 1 << draw.randrange(8)
        case 1:
            del content[start:]
        case 2:
            del content[start : start + draw.choice((1, 2, 8, 100))]
        case 3:
            content[start:start] = content[end : end + draw.choice((1, 8, 100, 2000))]
        case 4:
            number, width = draw.choice(_NUMBERS), draw.choice((1, 2, 4, 8))
            order = draw.choice(("little", "big"))
            content[start : start + width] = (number & (256**width - 1)).to_bytes(width, order)
        case 5:
            word = draw.choice(WORDS)
            content[start : start + draw.choice((0, len(word)))] = word
        case 6 if size:
            content[draw.randrange(size)] = draw.randrange(256)
        case 7:
            content[start : start + 16] = draw.randbytes(16)
        case _:
            return _mutate_words(raw, draw)
    return bytes(content[:_MOST_BYTES])


def _mutate_words(raw: bytes, draw: Random) -> bytes:
    """Exchange, repeat, drop or replace a word or a line."""
    separator = draw.choice((b"\n", b" ", b","))
    parts = raw.split(separator)
    place, other = draw.randrange(len(parts)), draw.randrange(len(parts))
    match draw.randrange(4):
        case 0:
            parts[place] = draw.choice(WORDS)
        case 1:
            parts[place], parts[other] = parts[other], parts[place]
        case 2:
            del parts[place]
        case 3:
            parts.insert(place, parts[other])
    return separator.join(parts)[:_MOST_BYTES]


def _inside(raw: bytes, name: str, draw: Random) -> bytes:
    """The file with something inside changed and all that surrounds it sound; the file itself where that cannot be."""
    container = container_of(name, raw)
    try:
        if raw[:4] == b"PK\x03\x04" and (container is None or draw.random() < 0.4):
            return _mutate_zip(raw, draw)
        if name.endswith(".tar"):
            return _mutate_tar(raw, draw)
        if container is None:
            return raw
        held = {"": copy.deepcopy(_decoded(raw, name))}
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            _mutate_value(held, draw)
        return container.encode(held[""])[:_MOST_BYTES]
    except Exception:  # what no file of this kind can hold
        return raw


@lru_cache(maxsize=256)
def _decoded(raw: bytes, name: str) -> Any:
    container = container_of(name, raw)
    return container.decode(raw) if container else None


def _mutate_zip(raw: bytes, draw: Random) -> bytes:
    """An archive with a member changed, renamed, dropped, doubled, or described wrongly; sums are right."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    place = draw.randrange(len(members))
    name, content = members[place]
    action = draw.randrange(8)
    if action < 5:
        members[place] = name, mutate(content, name, draw) if draw.random() < 0.5 else mutate_bytes(content, draw)
    elif action == 5:
        members[place] = mutate_bytes(name.encode(), draw).decode("latin-1"), content
    elif action == 6:
        del members[place]
    else:
        members.append((name, content))
    stream = io.BytesIO()
    packing = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name or "x"), content, packing)
        if draw.random() < 0.1 and members:
            entry = archive.filelist[draw.randrange(len(members))]
            match draw.randrange(3):
                case 0:
                    entry.file_size = draw.choice(_NUMBERS[:-1])
                case 1:
                    entry.flag_bits |= 1
                case 2:
                    entry.CRC ^= 1
    return stream.getvalue()


def _mutate_tar(raw: bytes, draw: Random) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        members = [(member, archive.extractfile(member)) for member in archive.getmembers()]
        contents = [(member, b"" if file is None else file.read()) for member, file in members]
    place = draw.randrange(len(contents))
    member, content = contents[place]
    match draw.randrange(5):
        case 0 | 1:
            content = mutate_bytes(content, draw)
        case 2:
            member.name = mutate_bytes(member.name.encode(), draw).decode("latin-1").replace("\0", "")
        case 3:
            member.type = draw.choice((tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"Z"))
            member.linkname = "/etc/passwd"
        case 4:
            contents.append(contents[place])
    member.size = len(content)
    contents[place] = member, content
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=draw.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    ) as archive:
        for member, content in contents:
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _mutate_value(held: dict[str, Any], draw: Random) -> None:
    """One change somewhere in nested dictionaries, lists and arrays. held: {"": value}."""
    node: Any = held
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = draw.choice(keys)
        inner = node[key]
        is_nested = isinstance(inner, dict | list) or (isinstance(inner, np.ndarray) and inner.dtype == object)
        if not is_nested or not len(inner) or (node is not held and draw.random() < 0.15):
            break
        node = inner.ravel() if isinstance(inner, np.ndarray) else inner
    action = draw.random()
    if action < 0.1 and node is not held and not isinstance(node, np.ndarray):
        del node[key]
    elif action < 0.2 and isinstance(node, dict) and node is not held:
        node[draw.choice((*keys, "x" * 500, "\x1b[2J", "S1", "Walking 1", 3, None, ("a", 1)))] = node.pop(key)
    else:
        node[key] = _odd(inner, draw)


def _odd(value: Any, draw: Random) -> Any:
    """Another value in place of one."""
    if isinstance(value, torch.Tensor):
        return _odd_tensor(value, draw)
    if isinstance(value, np.ndarray | np.generic) and draw.random() < 0.8:
        return _odd_array(np.array(value), draw)
    if isinstance(value, int | float) and draw.random() < 0.5:
        return draw.choice((-value, value * 1e9, value + 1, float(value), float("nan"), float("inf"), int(value)))
    if isinstance(value, str) and draw.random() < 0.5:
        return mutate_bytes(value.encode("utf-8", "replace"), draw).decode("latin-1")
    deep: Any = []
    for _ in range(draw.choice((1, 10, 70))):
        deep = [deep]
    return draw.choice((
        None, True, False, -1, 0, 1, 2**31, 2**63, 2**70, -(2**63), 10**60, 1e-300, 1e39, 1e308, math.nan, math.inf,
        -math.inf, "", "x" * 700, "\x1b[2J\x07", "\ud800", "a\nb", b"\xff\0", [], {}, [[]], [value], [value, value],
        {"a": value}, (), ("x",), deep, [1, [2, 3]], np.zeros(0), np.zeros((0, 17, 3)), np.zeros((2, 17, 3)),
        np.array("x" * 700), np.array(["a", "b"]), np.array([None, 1.5], dtype=object), np.float32(3), np.array(3),
        1 + 2j, set(),
    ))  # fmt: skip


def _odd_array(array: np.ndarray, draw: Random) -> Any:
    changed, flat = array.copy(), None
    if changed.size and changed.dtype.kind in "fiub":
        flat = changed.reshape(-1)
    match draw.randrange(12):
        case 0 if flat is not None and changed.dtype.kind == "f":
            spread = slice(None, None, draw.choice((1, 7, len(flat))))
            flat[spread] = draw.choice((math.nan, math.inf, -math.inf, 1e30, -1e-30, 0.0))
            return changed
        case 1 if flat is not None and changed.dtype.kind in "fiu":
            return changed.astype(np.float64) * draw.choice((1e300, 1e39, 1e20, 1e4, 1e-4, 1e-300, -1, 0))
        case 2:
            return changed.astype(draw.choice(("f2", "f4", "f8", "i1", "i8", "u8", "?", "c16", "U8", "S8", "O", ">f4")))
        case 3:
            return changed[: draw.choice((0, 1, len(changed) // 2))] if changed.ndim else changed[None]
        case 4:
            return changed[..., : draw.choice((0, 1, changed.shape[-1] - 1))] if changed.ndim else changed[None, None]
        case 5:
            return changed.ravel()
        case 6:
            return changed.T
        case 7:
            return changed[None]
        case 8:
            return changed.tolist()
        case 9:
            return np.concatenate([changed, changed]) if changed.ndim else changed
        case 10 if flat is not None:
            flat[draw.randrange(len(flat))] = draw.choice((0, 1, 100, 127))
            return changed
        case _:
            return draw.choice((np.zeros(0), np.array({"a": 1}), np.full((2, 17, 3), np.nan), np.array("x"), None, 5))


def _odd_tensor(tensor: torch.Tensor, draw: Random) -> Any:
    match draw.randrange(8):
        case 0:
            return tensor.double() * draw.choice((1e300, 1e39, 1e20, math.nan, math.inf, 0))
        case 1:
            return tensor.to(draw.choice((torch.float16, torch.int64, torch.bool, torch.uint8, torch.complex64)))
        case 2:
            return tensor[:0] if tensor.ndim else tensor[None]
        case 3:
            return tensor.flatten()
        case 4:
            return tensor.T.contiguous() if tensor.ndim == 2 else tensor[None]
        case 5:
            return torch.cat([tensor, tensor]) if tensor.ndim else tensor
        case 6:
            return tensor.tolist() if tensor.numel() < 1000 else tensor[:1]
        case _:
            return draw.choice((None, 1, "x", [], {}, torch.zeros(0), torch.zeros(())))
