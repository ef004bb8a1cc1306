"""Host, Origin and address line: the viewer's own page comes in, by every name that is ours; others' pages do not."""

import random
import socket

import pytest

from kinematics import PoseFKError
from viewer import gate as gates
from viewer.gate import Gate, check_allow_host


def refused(gate: Gate, host: str, origin: str | None = None, target: str = "/", own: str = "127.0.0.1") -> bool:
    return gate.refusal([host], [] if origin is None else [origin], target, own) is not None


@pytest.mark.parametrize("listening", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.7.5"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost.", "127.0.0.2"])
def test_this_machine_is_always_a_name_of_the_viewer_through_any_tunnel(listening, host):
    gate = Gate(listening)
    for port in ("", ":8080", ":9000"):
        assert not refused(gate, host + port)
        assert not refused(gate, host + port, f"http://{host}{port}")
        assert refused(gate, host + port, f"http://{host}:9001")


FOREIGN = ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.localhost", "8.8.8.8", "[2001:db8::1]"]
BROKEN = [
    "",
    "localhost:",
    "localhost:80:80",
    "a@localhost",
    "localhost/x",
    "[::1",
    "::1",
    "127.0.0.1:99999999",
    "ａ",
    "*",
]


@pytest.mark.parametrize("host", FOREIGN + BROKEN)
def test_a_name_that_is_not_ours_is_refused_also_from_its_own_page(host):
    for listening in ("127.0.0.1", "0.0.0.0"):
        gate = Gate(listening)
        for port in ("", ":8080"):
            assert refused(gate, host + port) and refused(gate, host + port, f"http://{host}{port}")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "https://evil.example", "null", "", "file://", "http://localhost", "http://127.0.0.1:8080",
        "http://localhost:8080.evil.example", "http://localhost:8080/", "http://localhost:8080@evil.example",
        "ftp://localhost:8080", "localhost:8080", "http://localhost:8080 http://evil.example", "chrome-extension://abc",
    ],
)  # fmt: skip
def test_another_origin_is_refused_whatever_it_looks_like(origin):
    for gate in (Gate("127.0.0.1"), Gate("0.0.0.0"), Gate("127.0.0.1", ["friend.example"])):
        assert refused(gate, "localhost:8080", origin)
        assert not refused(gate, "localhost:8080", "http://localhost:8080")


def test_one_host_and_one_origin_are_wanted():
    gate, own = Gate("127.0.0.1"), "http://localhost:8080"
    assert gate.refusal([], [], "/", "127.0.0.1") and gate.refusal(["localhost"] * 2, [], "/", "127.0.0.1")
    assert gate.refusal(["localhost:8080"], [own, "http://evil.example"], "/", "127.0.0.1")
    assert gate.refusal(["localhost:8080"], [own, own], "/", "127.0.0.1")


def test_listening_to_all_every_address_it_is_reached_at_and_every_name_of_the_machine_is_its_own(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Lab7")
    monkeypatch.setattr(socket, "getfqdn", lambda: "lab7.dept.example.org")
    gate = Gate("0.0.0.0")
    for host in ("lab7:8080", "LAB7.dept.example.org:8080", "lab7.local", "192.168.7.5:8080", "0.0.0.0:8080"):
        assert not refused(gate, host, f"http://{host}", own="192.168.7.5")
    for host in ("lab7.evil.example", "lab8", "192.168.7.6"):
        assert refused(gate, host, f"http://{host}", own="192.168.7.5")
    assert not refused(Gate("::"), "192.168.7.5", own="::ffff:192.168.7.5")
    assert not refused(Gate("::"), "[fe80::1]", own="fe80::1%eth0")
    assert refused(Gate("127.0.0.1"), "lab7:8080")


def test_a_named_proxy_comes_in_whether_or_not_it_passes_its_name_on():
    for name in ("viewer.example.org", "VIEWER.example.org.", "192.168.7.5", "[2001:db8::7]", "2001:db8::7"):
        gate = Gate("127.0.0.1", [name])
        check_allow_host([name])
        host = f"[{name}]" if name == "2001:db8::7" else name
        assert not refused(gate, host, f"https://{host}") and not refused(gate, f"{host}:8443", f"https://{host}:8443")
        assert not refused(gate, "127.0.0.1:8080", f"https://{host}")
        assert refused(gate, "127.0.0.1:8080", "https://evil.example") and refused(gate, f"x{host}")


@pytest.mark.parametrize("name", ["http://a.example", "a.example:8080", "a/b", "", "*", "a b", "[::1]:80", "ü.example"])
def test_what_is_no_name_cannot_be_allowed(name):
    with pytest.raises(PoseFKError, match="--allow_host .* is no name or address of a computer: give it alone"):
        check_allow_host(["fine.example", name])


@pytest.mark.parametrize(
    "target",
    [
        "/?websocket=ws://evil.example", "/?darkMode&websocket=wss://evil.example/x", "/?%77ebsocket=ws://evil.example",
        "/index.html?websocket=ws://localhost:8080@evil.example", "/?websocket=", "/?websocket=ws://evil\\@localhost:8080",
        "/?websocket=ws://localhost:8080&websocket=ws://evil.example", "/?playbackPath=data:,x", "/?playbackPath=/x",
        "/C:/secret", "/C%3a/secret", "/%00", "/" + "a" * 5000,
    ],
)  # fmt: skip
def test_an_address_line_cannot_make_the_page_speak_for_another_server_nor_name_a_file_elsewhere(target):
    assert refused(Gate("127.0.0.1"), "localhost:8080", target=target)


@pytest.mark.parametrize("target", ["/", "/?darkMode", "/?websocket=ws://localhost:8080/proxy", "/assets/x.js?v=1"])
def test_the_page_s_own_address_lines_come_in(target):
    assert not refused(Gate("127.0.0.1"), "localhost:8080", target=target)


def test_any_bytes_get_a_sentence_or_come_in_and_none_as_a_foreign_page():
    rng = random.Random(0)
    gate, letters = Gate("127.0.0.1"), "localhost127.0.0.1[]:@/?#&=%\\ \0\xffws"
    for _ in range(5000):
        host, origin = ("".join(rng.choices(letters, k=rng.randint(0, 20))) for _ in range(2))
        target = "/?websocket=" * rng.randint(0, 1) + origin
        sentence = gate.refusal([host], [f"http://{origin}"], target, "127.0.0.1")
        assert sentence is None or (len(sentence) < 250 and sentence.isprintable())
        if sentence is None:
            assert origin.lower() == host.lower() and gates.host_name(host)
