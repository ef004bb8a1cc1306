"""Which requests come in: those of the viewer's own page, and of programs on this machine. Imports no viser.

A browser tells with every request which name it thinks it speaks to (Host), and with every websocket whose page speaks
(Origin). A name that leads here but is not ours is a foreign page that has pointed its own name at this machine (DNS
rebinding), another origin is a foreign page that speaks to ours. Ports are not compared with the one listened on: a
tunnel (ssh -L) has another, and the page of another port is another origin.
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from kinematics.errors import PoseFKError

_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,253}))(?::\d{1,5})?", re.ASCII)
# Parts of viser's address line that make its page show, and run, what another server says.
_ELSEWHERE = ("websocket", "playbackPath")
_LONGEST_PATH = 255
_QUOTED = 60


class Gate:
    """host: the address listened on; allow_host: further names and addresses it may be called by."""

    def __init__(self, host: str, allow_host: Sequence[str] = ()) -> None:
        self._trusted = {_plain(name) for name in allow_host}
        self._names = {"localhost", _plain(host), *self._trusted}
        if not _is_loopback(_plain(host)):
            name = socket.gethostname().lower()
            self._names |= {name, f"{name}.local", socket.getfqdn().lower()}

    def refusal(self, hosts: Sequence[str], origins: Sequence[str], target: str, own_address: str) -> str | None:
        """Reason for refusing a request, or None. hosts, origins: headers; target: path, query; own_address: ours."""
        host = hosts[0].lower() if len(hosts) == 1 else ""
        name = host_name(host)
        if name is None:
            return "The viewer answers requests with one Host, the name or address that it is called by."
        if not self._is_called(name, own_address):
            shown = name[:_QUOTED]
            return f"The viewer is not called {shown!r}: if that name is yours, start it with --allow_host {shown}."
        if len(origins) > 1 or not all(self._is_own(origin.lower(), host) for origin in origins):
            said = ", ".join(origins)[:_QUOTED]
            return f"The viewer speaks to its own page alone, not to one of {said!r}."
        return self._odd_target(target, host)

    def _is_called(self, name: str, own_address: str) -> bool:
        address = _address(name)
        return name in self._names or (
            address is not None and (address.is_loopback or address == _address(own_address))
        )

    def _is_own(self, origin: str, host: str) -> bool:
        """Whether an origin is the page at `host`, or one of a name that was allowed."""
        scheme, separator, authority = origin.partition("://")
        if scheme not in ("http", "https", "ws", "wss") or not separator:
            return False
        return authority == host or host_name(authority) in self._trusted

    def _odd_target(self, target: str, host: str) -> str | None:
        path, _, query = target.partition("?")
        if ":" in unquote(path) or "\0" in unquote(path) or len(path) > _LONGEST_PATH:
            return "The viewer's page has no file of that name."
        for key, value in parse_qsl(query, keep_blank_values=True):
            parts = urlsplit(value) if key == "websocket" else None
            if key in _ELSEWHERE and not (parts and self._is_own(f"{parts.scheme}://{parts.netloc}".lower(), host)):
                return f"The viewer shows nothing of other servers: open its address without {key}=."
        return None


def host_name(authority: str) -> str | None:
    """Parse the host of `name`, `name:port` or `[address]:port`; None where it is neither."""
    match = _AUTHORITY.fullmatch(authority.lower())
    return match and (match[1] or match[2]).rstrip(".")


def check_allow_host(names: Sequence[str]) -> None:
    """Refuse values that are not a host name or an address."""
    for name in names:
        if _address(_plain(name)) is None and (":" in name or not host_name(name)):
            raise PoseFKError(
                f"--allow_host {name[:_QUOTED]!r} is no name or address of a computer: give it alone, without http:// "
                "and port, such as viewer.example.org."
            )


def _plain(name: str) -> str:
    return name.lower().strip("[]").rstrip(".")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an IP address; an IPv4 address mapped into IPv6 becomes IPv4."""
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_loopback(name: str) -> bool:
    address = _address(name)
    return name == "localhost" if address is None else address.is_loopback
