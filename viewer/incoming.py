"""Which messages of a browser are read: a value that its control can have, and where its camera is. No others.

viser stores what it is told and tells it to every window: a number that its own format has no room for stops all
windows to come. It also opens tunnels to the internet, and takes files, when a message asks for it.
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import msgspec
import viser

MOST_BYTES = 2**14  # the page's own messages have a few hundred
NOT_OF_THE_PAGE = "A message that the viewer's page never sends was left unread."
_SAFE = float(2**53)  # whole numbers up to here are the same in Python and in a browser
_QUOTED = 40


class Incoming:
    """kinds: name -> viser's class, of messages that are read; controls: uuid -> handle, as they come and go."""

    def __init__(self, messages_read: Mapping[str, type], controls: Mapping[str, Any]) -> None:
        self._messages_read, self._controls = messages_read, controls

    def refusal(self, raw: str | bytes) -> str | None:
        """Why a message is left unread, in one sentence; None: it is read."""
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
