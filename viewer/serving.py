"""viser's server behind the viewer's doors: viser 1.1 asks neither who comes in nor what is said."""

import contextlib
import importlib
import io
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import viser
from websockets.asyncio import server as websockets_server
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from kinematics.errors import PoseFKError
from viewer.gate import Gate
from viewer.incoming import MOST_BYTES, Incoming
from viewer.settings import Viewer

MOST_SENTENCES = 20
_LOG = logging.getLogger(__name__)
_LOG.addFilter(lambda record: record.getMessage() != "opening handshake failed")  # somebody who speaks no HTTP


class Doors:
    """Turns requests away and leaves messages unread, and says so on the terminal: once each, and not without end."""

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
        """Whether a message is left unread."""
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
        """What a server of websockets is asked for, with these doors in it."""
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
    """The server, with nothing on its page yet; refuses to run where this viser cannot be put behind the doors."""
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
    """viser passes no options on: what it starts meanwhile is given these."""
    plain: Any = websockets_server.serve

    def guarded(*arguments: Any, **options: Any) -> Any:
        return plain(*arguments, **doors.options(**options))

    websockets_server.serve = guarded  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        websockets_server.serve = plain  # type: ignore[misc]
