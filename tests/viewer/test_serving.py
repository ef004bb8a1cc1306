"""A real server and real clients: foreign pages stay out, and no message of any client harms another's window."""

import contextlib
import dataclasses
import http.client
import random
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

viser = pytest.importorskip("viser")

import msgspec  # noqa: E402
from websockets.asyncio import server as websockets_server  # noqa: E402
from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402
from websockets.sync.client import ClientConnection, connect  # noqa: E402

from benchmarks.viewer import CAMERA, receive  # noqa: E402
from kinematics import PoseFKError  # noqa: E402
from viewer import app, serving  # noqa: E402
from viewer.app import Running  # noqa: E402
from viewer.serving import MOST_BYTES, fits  # noqa: E402
from viewer.settings import Viewer, check  # noqa: E402

PROTOCOL: Any = f"viser-v{viser.__version__}"
INPUTS = ("Slider", "Number", "Checkbox", "Dropdown", "Button", "ButtonGroup")


@pytest.fixture(scope="module")
def viewer(last_pt) -> Iterator[Running]:
    settings = Viewer(port=0, checkpoint=last_pt, allow_host=("friend.example",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            app, "_add_recordings", lambda *_: None
        )  # they take long to load, and bring no other kind of control
        viewer = app.start(settings, check(settings), lambda address: None)
    yield viewer
    viewer.stop()


@pytest.fixture
def port(viewer: Running) -> int:
    return viewer.server.get_port()


def get(port: int, headers: list[tuple[str, str]], target: str = "/") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    with contextlib.closing(connection), connection.getresponse() as answer:
        return answer.status, answer.read().decode()


def websocket(port: int, host: str | None = None, origin: str | None = None) -> ClientConnection:
    """A connection to the viewer that says it were to `host`, and of a page of `origin`."""
    sock = socket.create_connection(("127.0.0.1", port))
    named: Any = {"origin": origin, "subprotocols": [PROTOCOL], "max_size": None, "sock": sock, "proxy": None}
    try:
        return connect(f"ws://{host or f'127.0.0.1:{port}'}", **named)
    except InvalidStatus:
        sock.close()
        raise


def window(port: int) -> tuple[ClientConnection, list[dict]]:
    """A clean client that has everything, and what it was sent."""
    client = websocket(port, origin=f"http://127.0.0.1:{port}")
    messages: list[dict] = []
    wait_for(lambda: messages.extend(receive(client, 0.02)) or has(messages, "ReplayDoneMessage"), "the scene")
    client.send(msgspec.msgpack.encode(CAMERA))
    return client, messages


def has(messages: list[dict], kind: str) -> bool:
    return any(message["type"] == kind for message in messages)


def wait_for(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"waited 60 s for {what}"


def control(messages: list[dict], kind: str, label: str) -> str:
    return next(m["uuid"] for m in messages if m["type"] == f"Gui{kind}Message" and m["props"]["label"] == label)


def update(uuid: str, value: object) -> bytes:
    return msgspec.msgpack.encode({"type": "GuiUpdateMessage", "uuid": uuid, "updates": {"value": value}})


def assert_a_new_window_works(port: int) -> None:
    """It gets the scene, and its slider moves the body in another window."""
    client, messages = window(port)
    other, _ = window(port)
    with client, other:
        assert has(messages, "BatchedMeshesMessage") and has(messages, "GuiHtmlMessage")
        client.send(update(control(messages, "ButtonGroup", "Show"), "Body"))
        elbow = control(messages, "Slider", "elbow")
        for degrees in (20, 90):
            client.send(update(elbow, degrees))
            wait_for(
                lambda: any("batched_wxyzs" in m.get("updates", {}) for m in receive(other, 0.02)), "the body to move"
            )


def test_the_page_is_for_its_own_names_and_origin(port, capsys):
    own = f"127.0.0.1:{port}"
    for headers in ([("Host", own)], [("Host", own), ("Origin", f"http://{own}")], [("Host", "localhost:9000")]):
        status, page = get(port, headers)
        assert status == 200 and "<html" in page
    for _ in range(3):
        status, sentence = get(port, [("Host", own), ("Origin", "http://evil.example")])
        assert status == 403
        assert sentence == "The viewer speaks to its own page alone, not to one of 'http://evil.example'.\n"
    status, sentence = get(port, [("Host", "rebound.example")])
    assert status == 403 and "--allow_host rebound.example" in sentence
    assert get(port, [])[0] == 403 and get(port, [("Host", own)] * 2)[0] == 403
    assert get(port, [("Host", own)], "/?websocket=ws://evil.example")[0] == 403
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(set(said)) == 4, "each refusal once"


@pytest.mark.parametrize(
    "target", ["/../../_viser.py", "/%2e%2e/%2e%2e/_viser.py", "/..%5c..%5c_viser.py", "//etc/passwd"]
)
def test_no_file_but_the_page_s_own_can_be_had(port, target):
    assert get(port, [("Host", "localhost")], target)[0] in (403, 404)


def test_websockets_of_foreign_pages_are_refused(port):
    own = f"127.0.0.1:{port}"
    for host, origin in [
        (own, "http://evil.example"), (own, f"http://localhost:{port}"), (own, "null"), (own, "http://127.0.0.1:1"),
        ("rebound.example", "http://rebound.example"), (f"rebound.example:{port}", None), (f"8.8.8.8:{port}", None),
    ]:  # fmt: skip
        with pytest.raises(InvalidStatus, match="403"):
            websocket(port, host, origin)


def test_websockets_of_the_page_of_programs_tunnels_and_named_proxies_come_in(port):
    own = f"127.0.0.1:{port}"
    for host, origin in [
        (own, f"http://{own}"), (own, None), ("localhost:9000", "http://localhost:9000"),
        ("friend.example", "https://friend.example"), (own, "https://friend.example"),
    ]:  # fmt: skip
        with websocket(port, host, origin) as client:
            wait_for(lambda client=client: has(receive(client, 0.02), "BatchedMeshesMessage"), "the scene")


@pytest.mark.parametrize(
    "value", [1e30, -1e30, float("inf"), float("nan"), 2**64 - 1, "12", True, None, [1], {}, 151, -6]
)
def test_a_value_that_a_slider_cannot_have_is_not_stored_and_blocks_no_new_window(viewer, port, value):
    client, messages = window(port)
    with client:
        elbow = viewer.server.gui._gui_input_handle_from_uuid[control(messages, "Slider", "elbow")]
        assert (elbow.label, elbow.min, elbow.max) == ("elbow", -5, 150)
        before = elbow.value
        client.send(update(elbow._impl.uuid, value))
        client.send(update(control(messages, "Slider", "roll, degrees"), 1.0))  # read after it, so it was read too
        roll = viewer.server.gui._gui_input_handle_from_uuid[control(messages, "Slider", "roll, degrees")]
        wait_for(lambda: roll.value == 1.0, "the next message")
        roll.value = 0.0
        assert elbow.value == before
    with websocket(port) as client:
        wait_for(lambda client=client: has(receive(client, 0.02), "ReplayDoneMessage"), "a new window")


def test_nobody_opens_a_tunnel_to_the_internet_nor_sends_a_file(viewer, port, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(viewer.server, "request_share_url", lambda: asked.append("tunnel"))
    client, messages = window(port)
    with client:
        reset = control(messages, "ButtonGroup", "Set")
        upload = {"type": "FileTransferStartUpload", "source_component_uuid": reset, "transfer_uuid": "1"}
        upload |= {"filename": "x", "mime_type": "", "part_count": 2, "size_bytes": 9}
        for message in ({"type": "ShareUrlRequest"}, upload):
            client.send(msgspec.msgpack.encode(message))
        client.send(b"x" * 1000)
        client.send("text")
        client.send(update(control(messages, "Slider", "roll, degrees"), 2.0))
        roll = viewer.server.gui._gui_input_handle_from_uuid[control(messages, "Slider", "roll, degrees")]
        wait_for(lambda: roll.value == 2.0, "the next message")
        client.send(b"x" * (MOST_BYTES + 1))
        with pytest.raises(ConnectionClosed):
            while True:
                client.recv(timeout=20)
    assert not asked and not viewer.server.gui._current_file_upload_states


ODD = [
    0, 1, -1, 2.5, 1e30, -1e30, float("inf"), float("nan"), 2**63, 2**64 - 1, -(2**63), 1e308, True, None, "", "1",
    "Body", "x" * 3000, b"", [], [1] * 1000, [[]], {}, {"__binary_index": 0, "dtype": "<f4"},
]  # fmt: skip
NAMES = ["value", "value", "value", "update_cb", "gui_api", "removed", "uuid", "sync_cb", "options", "min", "props", ""]


def odd_message(rng: random.Random, uuids: list[str]) -> bytes:
    """A value, a camera or any other message of viser's with something wrong in it, or with bytes of it changed."""
    kinds = viser._messages.Message.get_subclasses()
    anything = lambda: rng.choice([*ODD, rng.uniform(-200, 200), rng.choice(uuids)])  # noqa: E731
    choice = rng.random()
    if choice < 0.6:
        updates = {name: anything() for name in rng.choices(NAMES, k=rng.choice([1, 1, 1, 2]))}
        message: dict[str, Any] = {"type": "GuiUpdateMessage", "uuid": rng.choice(uuids), "updates": updates}
    elif choice < 0.8:
        message = {**CAMERA, rng.choice(list(CAMERA)): anything()}
    else:
        kind = rng.choice(kinds)
        names = [field.name for field in dataclasses.fields(kind)]
        message = {name: rng.choice(uuids) if "uuid" in name else anything() for name in names}
        message["type"] = kind.__name__
    raw = bytearray(msgspec.msgpack.encode(message))
    if rng.random() < 0.2:
        for _ in range(rng.randint(1, 5)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


@pytest.mark.filterwarnings("error")
def test_after_thousands_of_odd_messages_a_new_window_gets_the_scene_and_moves_it(viewer, port, capsys):
    rng = random.Random(0)
    client, messages = window(port)
    uuids = [m["uuid"] for m in messages if m["type"] in [f"Gui{kind}Message" for kind in INPUTS]]
    assert len(uuids) > 50
    with client:
        for i in range(4000):
            client.send(odd_message(rng, uuids))
            if i % 500 == 499:
                receive(client, 0.05)
        client.send(update(control(messages, "Slider", "roll, degrees"), 3.0))
        roll = viewer.server.gui._gui_input_handle_from_uuid[control(messages, "Slider", "roll, degrees")]
        wait_for(lambda: receive(client, 0.05) is not None and roll.value == 3.0, "the last message")
    controls = viewer.server.gui._gui_input_handle_from_uuid.values()
    assert [handle.label for handle in controls if not fits(handle, handle.value)] == []
    assert viewer.pages.redrawing._thread.is_alive() and viewer.server._share_tunnel is None
    assert_a_new_window_works(port)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) <= serving.MOST_SENTENCES + 1 and "Traceback" not in said.err


def test_a_viser_that_cannot_be_put_behind_the_doors_does_not_run(monkeypatch):
    plain = websockets_server.serve
    monkeypatch.setattr(serving.Doors, "options", lambda self, **options: options)  # as if it were never asked
    with pytest.raises(PoseFKError, match="foreign pages cannot be kept out of it: pip install"):
        serving.serve(Viewer(port=0))
    assert websockets_server.serve is plain
