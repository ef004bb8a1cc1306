"""Downloads from a real server on this machine: broken off, continued, changed, wrong, missing."""

import hashlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from data.files import download as module
from data.files.download import download
from kinematics.errors import PoseFKError


def zip_bytes(seed=0, size=300_000):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("01/01.asf", hashlib.shake_256(bytes([seed])).digest(size))
    return buffer.getvalue()


class Shop:
    """What the server has, how it misbehaves, and what it was asked."""

    def __init__(self) -> None:
        self.content = zip_bytes()
        self.version = '"one"'
        self.cuts: list[int] = []  # bytes after which each of the next answers breaks off
        self.ranges = True
        self.says_length = True
        self.asked: list[str] = []
        self.sent = 0


def handler_of(state: Shop) -> type[BaseHTTPRequestHandler]:
    """A server's behaviour: Range and If-Range, as far as `state` allows."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            state.asked.append(wanted or "all")
            if self.path != "/cmu.zip":
                return self.send_error(404, "Not Found")
            first = 0
            if wanted and state.ranges and self.headers.get("If-Range") == state.version:
                first = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if first >= len(state.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(state.content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            body = state.content[first:]
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(state.content) - 1}/{len(state.content)}")
            if state.version:
                self.send_header("ETag", state.version)
            if state.says_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if state.cuts:
                body = body[: state.cuts.pop(0)]
            state.sent += len(body)  # before the client can have the last byte and look at it
            self.wfile.write(body)

        def log_message(self, format, *args):  # noqa: A002 - the base class names it so
            """Keep quiet."""

    return Handler


@pytest.fixture
def shop(monkeypatch):
    """A server on this machine; its address is shop.url."""
    state = Shop()
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/cmu.zip"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_download_is_the_servers_file_and_leaves_nothing_else(shop, tmp_path, capsys):
    found = download(shop.url, tmp_path / "new" / "cmu.zip")
    assert (tmp_path / "new" / "cmu.zip").read_bytes() == shop.content
    assert found == hashlib.sha256(shop.content).hexdigest()
    assert files(tmp_path / "new") == ["cmu.zip"]
    assert "cmu.zip" in capsys.readouterr().err  # the progress bar


def test_a_broken_line_is_taken_up_where_it_broke(shop, tmp_path):
    shop.cuts = [100_000, 50_000]
    download(shop.url, tmp_path / "cmu.zip")
    assert (tmp_path / "cmu.zip").read_bytes() == shop.content
    assert shop.asked == ["all", "bytes=100000-", "bytes=150000-"]
    assert shop.sent == len(shop.content)


def test_a_second_run_continues_the_first(shop, tmp_path):
    shop.cuts = [100_000, 0, 0]
    with pytest.raises(PoseFKError, match="broke off after 100000 of .* goes on there"):
        download(shop.url, tmp_path / "cmu.zip", attempts=3)
    assert "cmu.zip" not in files(tmp_path)
    download(shop.url, tmp_path / "cmu.zip")
    assert (tmp_path / "cmu.zip").read_bytes() == shop.content
    assert shop.asked[-1] == "bytes=100000-"


def test_a_file_that_changed_in_between_is_fetched_anew(shop, tmp_path):
    shop.cuts = [100_000]
    with pytest.raises(PoseFKError):
        download(shop.url, tmp_path / "cmu.zip", attempts=1)
    shop.content, shop.version = zip_bytes(seed=1), '"two"'
    download(shop.url, tmp_path / "cmu.zip")
    assert (tmp_path / "cmu.zip").read_bytes() == shop.content


@pytest.mark.parametrize("lack", ["ranges", "version"])
def test_without_ranges_or_versions_it_starts_over(shop, tmp_path, lack):
    setattr(shop, lack, "" if lack == "version" else False)
    shop.cuts = [100_000]
    download(shop.url, tmp_path / "cmu.zip")
    assert (tmp_path / "cmu.zip").read_bytes() == shop.content


def test_a_part_that_was_already_whole_is_only_checked(shop, tmp_path):
    (tmp_path / "cmu.zip.part").write_bytes(shop.content)
    (tmp_path / "cmu.zip.part.version").write_text(shop.version)
    download(shop.url, tmp_path / "cmu.zip")
    assert files(tmp_path) == ["cmu.zip"] and shop.sent == 0


def test_a_part_longer_than_the_file_is_thrown_away(shop, tmp_path):
    (tmp_path / "cmu.zip.part").write_bytes(shop.content + b"more")
    (tmp_path / "cmu.zip.part.version").write_text(shop.version)
    download(shop.url, tmp_path / "cmu.zip")
    assert (tmp_path / "cmu.zip").read_bytes() == shop.content


def test_a_server_that_does_not_say_the_length_is_checked_by_the_zip(shop, tmp_path):
    shop.says_length = False
    download(shop.url, tmp_path / "cmu.zip")
    assert (tmp_path / "cmu.zip").read_bytes() == shop.content
    shop.cuts = [100_000]
    with pytest.raises(PoseFKError, match="not a whole zip"):
        download(shop.url, tmp_path / "other.zip")
    assert files(tmp_path) == ["cmu.zip"]


def test_the_right_checksum_is_accepted_in_any_spelling(shop, tmp_path):
    wanted = hashlib.sha256(shop.content).hexdigest().upper() + "\n"
    assert download(shop.url, tmp_path / "cmu.zip", sha256=wanted) == wanted.strip().lower()


def test_a_wrong_checksum_is_refused_and_leaves_nothing(shop, tmp_path):
    with pytest.raises(PoseFKError, match=f"expected {'0' * 64}.*thrown away"):
        download(shop.url, tmp_path / "cmu.zip", sha256="0" * 64)
    assert files(tmp_path) == []


def test_a_damaged_zip_is_refused_and_leaves_nothing(shop, tmp_path):
    shop.content = shop.content[:1000] + b"damage" + shop.content[1006:]
    with pytest.raises(PoseFKError, match="not a whole zip archive"):
        download(shop.url, tmp_path / "cmu.zip")
    assert files(tmp_path) == []


def test_an_older_file_survives_a_failed_download(shop, tmp_path):
    (tmp_path / "cmu.zip").write_text("older")
    with pytest.raises(PoseFKError):
        download(shop.url, tmp_path / "cmu.zip", sha256="0" * 64)
    assert (tmp_path / "cmu.zip").read_text() == "older"


def test_a_missing_page_an_absent_server_and_no_address_are_one_sentence_each(shop, tmp_path):
    nowhere = "http://127.0.0.1:9/cmu.zip"
    for url, message in (
        (shop.url.replace("cmu.zip", "gone.zip"), "answers 404 Not Found"),
        (nowhere, "cannot be reached"),
        ("cmu.zip", "no address"),
    ):
        with pytest.raises(PoseFKError, match=message) as caught:
            download(url, tmp_path / "cmu.zip", attempts=1)
        assert "\n" not in str(caught.value)
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(shop, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PermissionError, match="Cannot write .*cmu.zip"):
        download(shop.url, tmp_path / "file" / "cmu.zip")
