"""Download one large file: progress, resume after an interruption, and nothing taken on trust.

The bytes gather in `<file>.part`; the file appears under its own name only once it is whole and checked. A sidecar
`<file>.part.version` keeps what the server said about the version (ETag or Last-Modified), so that an interrupted
download continues only if the server still has that version (HTTP Range with If-Range).
"""

import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.response import addinfourl

from tqdm import tqdm

from data.files.archive import BROKEN_FILE, check_members, open_zip
from kinematics.errors import PoseFKError

BLOCK = 1 << 20
TIMEOUT_SECONDS = 30.0
ATTEMPTS = 5
PAUSE_SECONDS = 2.0
_BY_HAND = "Or fetch the archive by hand and give it with --source."
_LINE_BROKE = (TimeoutError, ConnectionError, http.client.HTTPException)


def download(url: str, path: str | Path, sha256: str = "", attempts: int = ATTEMPTS) -> str:
    """Fetch `url` into `path` and return the file's sha256. An interrupted download goes on where it stopped.

    sha256: what the file must have (hexadecimal); empty: only size and, of a .zip, the checksums inside are verified.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.open("ab").close()
    except OSError as error:
        raise PermissionError(f"Cannot write {path}: {error.strerror or error}. Choose another --data_root.") from error
    try:
        _fetch(url, part, attempts)
    except urllib.error.HTTPError as error:
        raise PoseFKError(f"{url} answers {error.code} {error.reason}, a file was expected. {_BY_HAND}") from error
    except urllib.error.URLError as error:
        raise PoseFKError(f"{url} cannot be reached ({error.reason}). Check the connection. {_BY_HAND}") from error
    except ValueError as error:
        raise PoseFKError(f"{url} is no address to download from ({error}), expected http://...") from error
    finally:
        if part.exists() and part.stat().st_size == 0:
            part.unlink()
    digest = _verified(part, path.name, sha256)
    os.replace(part, path)
    _version_file(part).unlink(missing_ok=True)
    return digest


def _version_file(part: Path) -> Path:
    return part.with_name(part.name + ".version")


def _fetch(url: str, part: Path, attempts: int) -> None:
    """Ask until the whole file is there; each attempt that brings something new starts the count again."""
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            total = _ask(url, part)
            reason = "the server closed the connection"
        except _LINE_BROKE as error:
            total, reason = None, str(error) or type(error).__name__
        got = part.stat().st_size if part.exists() else 0
        if total is not None and got >= total:
            return
        failures = 1 if got > before else failures + 1
        if failures >= attempts:
            wanted = "" if total is None else f" of {total}"
            raise PoseFKError(f"{url} broke off after {got}{wanted} bytes ({reason}). Run it again: it goes on there.")
        time.sleep(PAUSE_SECONDS * failures)


def _ask(url: str, part: Path) -> int | None:
    """One request, appended to `part`. Returns the size the file should have, None if the server does not say."""
    version_file = _version_file(part)
    have = part.stat().st_size if part.exists() and version_file.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "PoseFK"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", version_file.read_text())
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        content_range = error.headers.get("Content-Range", "")
        if error.code == 416 and content_range == f"bytes */{have}":
            return have  # nothing beyond what is here
        if error.code == 416:
            part.unlink()  # longer than the server's file: start over
            return _ask(url, part)
        raise
    with response:
        resumed = response.status == 206
        length = response.headers.get("Content-Length")
        total = None if length is None else int(length) + (have if resumed else 0)
        version = response.headers.get("ETag") or response.headers.get("Last-Modified")
        if not resumed:
            version_file.unlink(missing_ok=True)
            if version and not version.startswith("W/"):  # a weak version does not promise the same bytes
                version_file.write_text(version)
        _save(response, part, have if resumed else 0, total)
    return part.stat().st_size if total is None else total


def _save(response: http.client.HTTPResponse | addinfourl, part: Path, have: int, total: int | None) -> None:
    bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=part.name.removesuffix(".part"))
    with open(part, "ab" if have else "wb") as file, bar:
        while block := response.read(BLOCK):
            file.write(block)
            bar.update(len(block))


def sha256_of(path: Path) -> str:
    """The checksum of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, wanted: str) -> None:
    """Refuse a file that has another checksum than `wanted`; empty: any will do."""
    if wanted and (digest := sha256_of(path)) != wanted.strip().lower():
        raise PoseFKError(f"{path} has the sha256 {digest}, expected {wanted}. Delete it to download it again.")


def _verified(part: Path, name: str, sha256: str) -> str:
    """The sha256 of a file that is what it should be; a wrong one is removed, so that the next run starts afresh."""
    digest, wanted = sha256_of(part), sha256.strip().lower()
    problem = ""
    if wanted and digest != wanted:
        problem = f"has the sha256 {digest}, expected {wanted}"
    elif name.lower().endswith(".zip") and (damage := _zip_damage(part)):
        problem = f"is not a whole zip archive ({damage})"
    if problem:
        part.unlink()
        _version_file(part).unlink(missing_ok=True)
        raise PoseFKError(f"The downloaded {name} {problem}. It was thrown away; try again or check the address.")
    return digest


def _zip_damage(path: Path) -> str:
    """What is wrong with a zip archive, by its own checksums; empty if nothing is."""
    try:
        with open_zip(path) as archive:
            check_members(path, archive.infolist())
            for member in tqdm(archive.infolist(), desc="Checking", unit=" files"):
                with archive.open(member) as file:
                    while file.read(BLOCK):
                        pass
    except BROKEN_FILE as error:
        return str(error)
    return ""
