"""How soon the viewer's page opens, and how many times a second it is drawn while a slider is dragged.

    python -m benchmarks.viewer
    python -m benchmarks.viewer --screenshot docs/figures/viewer.png [--page Recordings --checkpoint FILE]

Without a browser (chromium and chromedriver on the PATH) only what needs none is measured.
"""

import argparse
import contextlib
import io
import itertools
import math
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import viser
import zstandard
from websockets.sync.client import ClientConnection, connect

from benchmarks import browser
from viewer.body import BodyPage
from viewer.orbit import OrbitPanel
from viewer.pages import Pages
from viewer.scene import Scene

FRAME_SHOWN = 0.55  # of a clip
PICTURE = "svg.posefk-picture"
COUNT_FRAMES = """
window.shown = 0;
const tick = () => { window.shown += 1; requestAnimationFrame(tick); };
tick();
"""


CAMERA = {
    "type": "ViewerCameraMessage", "wxyz": (1.0, 0.0, 0.0, 0.0), "position": (3.0, 3.0, 3.0), "fov": 1.0, "near": 0.01,
    "far": 1000.0, "look_at": (0.0, 0.0, 0.0), "up_direction": (0.0, 0.0, 1.0), "image_height": 600, "image_width": 800,
}  # fmt: skip


def updates_per_second(count: int = 300) -> float:
    """Updates of body, scene and picture, one after another, with nobody looking: what the server itself manages."""
    with contextlib.redirect_stdout(io.StringIO()):
        server = viser.ViserServer("127.0.0.1", 0, verbose=False)
        scene = Scene(server)
        pages = Pages(scene)
        page = BodyPage(pages, scene, OrbitPanel(server.gui, pages))  # not added: nothing else draws it
        start = time.perf_counter()
        for i in range(count):
            page.angles[i % 28].value = i % 5
            page.draw()
        seconds = time.perf_counter() - start
        server.stop()
    return count / seconds


def updates_for_a_client(address: str, seconds: float) -> tuple[float, float]:
    """What a browser would be sent while it drags a slider: updates of the body, pictures, each per second.

    Speaks viser's protocol as its page does: slider values 20 times a second, which is the page's own limit.
    """
    websocket = connect(address.replace("http", "ws"), subprotocols=[f"viser-v{viser.__version__}"], max_size=None)  # type: ignore
    with websocket:
        messages = receive(websocket, 2.0)
        websocket.send(msgspec.msgpack.encode(CAMERA))  # says that the page is there
        slider = next(m for m in messages if m["type"] == "GuiSliderMessage" and m["props"]["label"] == "elbow")
        bodies = pictures = 0
        start = time.perf_counter()
        for value in itertools.cycle([*range(0, 120, 4), *range(120, 0, -4)]):
            if time.perf_counter() - start > seconds:
                return bodies / seconds, pictures / seconds
            update = {"type": "GuiUpdateMessage", "uuid": slider["uuid"], "updates": {"value": value}}
            websocket.send(msgspec.msgpack.encode(update))
            received = receive(websocket, 0.05)
            bodies += sum("batched_wxyzs" in m.get("updates", {}) for m in received)
            pictures += sum(str(m.get("updates", {}).get("content", "")).startswith("<svg") for m in received)


def receive(websocket: ClientConnection, seconds: float) -> list[dict]:
    """All messages that come in that time. A packet: two sizes of 8 bytes, compressed msgpack, arrays."""
    messages, end = [], time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        try:
            packet = websocket.recv(timeout=left)
        except TimeoutError:
            break
        assert isinstance(packet, bytes)
        size, packed = (int.from_bytes(packet[at : at + 8], "little") for at in (0, 8))
        inner = zstandard.ZstdDecompressor().decompress(packet[16 : 16 + packed], max_output_size=size)
        messages += msgspec.msgpack.decode(inner)["messages"]
    return messages


@contextmanager
def running_viewer(arguments: list[str]) -> Iterator[tuple[str, float]]:
    """The command, its address, and the seconds until its page could be had."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start, address = time.perf_counter(), f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "viewer", "--port", str(port), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()  # it says its address as soon as the body is there
            if address not in said:
                raise RuntimeError(f"The viewer has not started: {said}")
            with urllib.request.urlopen(address):
                yield address, time.perf_counter() - start
        finally:
            process.terminate()


def open_page(driver, address: str) -> float:
    """Load the page; seconds until the camera's picture of the body is in it."""
    start = time.perf_counter()
    driver.get(address)
    while not driver.find_elements("css selector", f"{PICTURE} circle"):
        time.sleep(0.02)
        if time.perf_counter() - start > 120:
            raise TimeoutError("The page has shown no body for two minutes.")
    return time.perf_counter() - start


def slider_box(driver, label: str) -> dict[str, float]:
    """Left end, width and height of the middle of the first slider of that label, in CSS pixels, and its value."""
    return driver.execute_script(
        """
        const label = [...document.querySelectorAll("label")].find(one => one.textContent.trim() === arguments[0]);
        const slider = document.getElementById(label.htmlFor), track = slider.getBoundingClientRect();
        const value = Number(slider.querySelector("[role=slider]").getAttribute("aria-valuenow"));
        return {left: track.left, width: track.width, middle: track.top + track.height / 2, value: value};
        """,
        label,
    )  # fmt: skip


def mouse(driver, action: str, x: float, y: float) -> None:
    """Press, move or release the left button there."""
    held = {"button": "left", "buttons": 1, "clickCount": 1}
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": f"mouse{action}", "x": x, "y": y, **held})


def drag_to_and_fro(driver, label: str, seconds: float) -> float:
    """Hold a slider and move it all the time; seconds it took."""
    box, start = slider_box(driver, label), time.perf_counter()
    mouse(driver, "Pressed", box["left"] + box["width"] / 2, box["middle"])
    while (now := time.perf_counter() - start) < seconds:
        mouse(driver, "Moved", box["left"] + box["width"] * (0.5 + 0.4 * math.sin(2 * now)), box["middle"])
    mouse(driver, "Released", box["left"] + box["width"] / 2, box["middle"])
    return now


def buttons(driver) -> list[str]:
    """What stands on the page's buttons."""
    return driver.execute_script("return [...document.querySelectorAll('button')].map(one => one.innerText.trim())")


def press(driver, text: str) -> None:
    """Click the button of that text."""
    driver.execute_script(
        "[...document.querySelectorAll('button')].find(one => one.innerText.trim() === arguments[0]).click()", text
    )


def dismiss_notifications(driver) -> None:
    """Close what viser says about WebGL in software."""
    driver.execute_script(
        "document.querySelectorAll('.mantine-Notification-closeButton').forEach(button => button.click())"
    )


def measure(seconds: float = 10.0) -> None:
    with tempfile.TemporaryDirectory() as profile, running_viewer([]) as (address, until_page):
        print(f"from the command to the page: {until_page:.1f} s")
        time.sleep(8)  # the recordings are still being loaded
        bodies, pictures = updates_for_a_client(address, seconds)
        print(f"sent to a client that drags: {bodies:.0f} updates/s of the body, {pictures:.0f} of the picture")
        if browser.programs() is None:
            return
        with browser.headless(Path(profile)) as driver:
            print(f"from loading to the body in a browser: {open_page(driver, address):.1f} s")
            time.sleep(3)
            driver.execute_script(COUNT_FRAMES)
            took = drag_to_and_fro(driver, "elbow", seconds)
            print(f"drawn while dragging there: {driver.execute_script('return window.shown') / took:.0f} frames/s")


def take_screenshot(path: Path, name: str, arguments: list[str]) -> None:
    """A picture of one page of the viewer that was started with these arguments."""
    with tempfile.TemporaryDirectory() as profile, running_viewer(arguments) as (address, _):
        with browser.headless(Path(profile)) as driver:
            open_page(driver, address)
            while name not in buttons(driver):
                time.sleep(0.2)
            dismiss_notifications(driver)
            for button in ("Random pose", "Random pose") if name == "Body" else (name,):
                press(driver, button)
                time.sleep(4)
            if name == "Clip":  # a frame amid it
                box = slider_box(driver, "frame")
                for action in ("Pressed", "Released"):
                    mouse(driver, action, box["left"] + FRAME_SHOWN * box["width"], box["middle"])
                time.sleep(4)
            driver.save_screenshot(str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screenshot", type=Path, help="only a picture; other flags go to the viewer")
    parser.add_argument("--page", default="Body", choices=["Clip", "Body", "Synthetic", "Recordings"])
    flags, arguments = parser.parse_known_args()
    if flags.screenshot:
        take_screenshot(flags.screenshot, flags.page, arguments)
        return
    print(f"the server by itself: {updates_per_second():.0f} updates/s")
    measure()


if __name__ == "__main__":
    main()
