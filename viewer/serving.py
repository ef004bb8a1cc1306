"""viser's server behind the viewer's doors: viser 1.1 asks neither who comes in nor what is said.

Of a browser's messages those are read that the viewer's page sends: a value that its control can have, and where its
camera is. viser stores what it is told and tells it to every window: a number that its own format has no room for stops
all windows to come. It also opens tunnels to the internet, and takes files, when a message asks for it.
"""

import contextlib
import importlib
import io
import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from http import HTTPStatus
from typing import Any

import msgspec
import viser
from websockets.asyncio import server as websockets_server
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from kinematics.errors import PoseFKError
from viewer.gate import Gate
from viewer.settings import Viewer

MOST_BYTES = 2**14  # the page's own messages have a few hundred
NOT_OF_THE_PAGE = "A message that the viewer's page never sends was left unread."
_SAFE = float(2**53)  # whole numbers up to here are the same in Python and in a browser
_QUOTED = 40


class Incoming:
    """messages_read: name -> viser's class; controls: uuid -> handle, as they come and go."""

    def __init__(self, messages_read: Mapping[str, type], controls: Mapping[str, Any]) -> None:
        self._messages_read, self._controls = messages_read, controls

    def refusal(self, raw: str | bytes) -> str | None:
        """Return the reason why a message is ignored, in one sentence, or None."""
        try:
            content: Any = msgspec.msgpack.decode(raw)  # type: ignore[arg-type]  # text is a TypeError
            message_class: Any = self._messages_read[content.pop("type")]
            message = msgspec.convert(content, message_class)  # right types, nothing missing
        except (msgspec.MsgspecError, LookupError, ValueError, TypeError, AttributeError, RecursionError):
            return NOT_OF_THE_PAGE
        if content.keys() != {field.name for field in fields(message_class)}:
            return NOT_OF_THE_PAGE
        if "updates" in content:
            return self._odd_value(message.uuid, message.updates)
        numbers = [number for value in content.values() for number in (value if isinstance(value, list) else [value])]
        return None if all(map(math.isfinite, numbers)) else "A camera that is nowhere was left unread."

    def _odd_value(self, uuid: str, updates: dict[str, Any]) -> str | None:
        control = self._controls.get(uuid)
        if control is None or updates.keys() != {"value"}:
            return NOT_OF_THE_PAGE
        value = updates["value"]
        if fits(control, value):
            return None
        shown = repr(value)[:_QUOTED] if isinstance(value, str | int | float) else f"a {type(value).__name__}"
        return f"{control.label!r} cannot be {shown}, which a client asked for: it stays as it is."


def fits(control: Any, value: object) -> bool:
    """Whether a control can have this value. Only kinds that the viewer's page has can have any."""
    if isinstance(control, viser.GuiSliderHandle | viser.GuiNumberHandle):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        low, high = (-_SAFE if control.min is None else control.min), (_SAFE if control.max is None else control.max)
        return low <= value <= high  # False for NaN
    if isinstance(control, viser.GuiDropdownHandle | viser.GuiButtonGroupHandle):
        return isinstance(value, str) and value in control.options
    return isinstance(control, viser.GuiCheckboxHandle | viser.GuiButtonHandle) and isinstance(value, bool)


MOST_SENTENCES = 20
_LOG = logging.getLogger(__name__)
_LOG.addFilter(lambda record: record.getMessage() != "opening handshake failed")  # somebody who speaks no HTTP


class Doors:
    """Refuses requests and ignores messages; each reason is printed once, and not endlessly many."""

    def __init__(self, gate: Gate) -> None:
        self.gate, self.incoming = gate, Incoming({}, {})
        self.in_use = False
        self._said: set[str] = set()

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """403 for a request that does not come in, None for one that does."""
        hosts, origins = request.headers.get_all("Host"), request.headers.get_all("Origin")
        sentence = self.gate.refusal(hosts, origins, request.path, str(connection.local_address[0]))
        if sentence is None:
            return None
        self._say(sentence)
        return connection.respond(HTTPStatus.FORBIDDEN, f"{sentence}\n")

    def keeps_out(self, raw: str | bytes) -> bool:
        sentence = self.incoming.refusal(raw)
        if sentence is not None:
            self._say(sentence)
        return sentence is not None

    def _say(self, sentence: str) -> None:
        if sentence in self._said or len(self._said) > MOST_SENTENCES:
            return
        self._said.add(sentence)
        with contextlib.suppress(OSError):  # nobody reads it
            print(sentence if len(self._said) <= MOST_SENTENCES else "More was refused: it is not said.", flush=True)

    def options(self, process_request: Any = None, create_connection: Any = None, **others: Any) -> dict[str, Any]:
        """Add these doors to the options of a websocket server."""
        self.in_use = True
        doors = self

        def in_front(connection: ServerConnection, request: Request) -> Any:
            refused = doors.answer(connection, request)
            return process_request(connection, request) if refused is None and process_request else refused

        base: Any = create_connection or ServerConnection

        class Connection(base):
            async def recv(self, *arguments: Any, **named: Any) -> Any:
                while doors.keeps_out(raw := await super().recv(*arguments, **named)):
                    pass
                return raw

        guarded = {"process_request": in_front, "create_connection": Connection, "max_size": MOST_BYTES, "logger": _LOG}
        return {**others, **guarded}


def serve(settings: Viewer) -> viser.ViserServer:
    """Start a server with an empty page; refuse a viser that cannot be put behind the doors."""
    doors = Doors(Gate(settings.host, settings.allow_host))
    with contextlib.redirect_stdout(io.StringIO()), _in_every_server(doors):  # its banner says what `opened` says
        server = viser.ViserServer(settings.host, settings.port, label="PoseFK", verbose=False)
    try:
        messages = importlib.import_module("viser._messages")
        messages_read = {name: getattr(messages, name) for name in ("GuiUpdateMessage", "ViewerCameraMessage")}
        doors.incoming = Incoming(messages_read, server.gui._gui_input_handle_from_uuid)
        if doors.in_use:
            return server
    except (ImportError, AttributeError):
        pass
    server.stop()
    raise PoseFKError(
        f"viser {viser.__version__} is not built like viser 1.1, and foreign pages cannot be kept out of it: "
        'pip install "viser>=1.1,<1.2"'
    )


@contextlib.contextmanager
def _in_every_server(doors: Doors) -> Iterator[None]:
    """Add options to the websocket servers started meanwhile, for viser passes none on."""
    plain: Any = websockets_server.serve

    def guarded(*arguments: Any, **options: Any) -> Any:
        return plain(*arguments, **doors.options(**options))

    websockets_server.serve = guarded  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        websockets_server.serve = plain  # type: ignore[misc]
