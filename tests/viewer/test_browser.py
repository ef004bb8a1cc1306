"""The page in a real browser that knows no host but this machine: it loads, a slider moves the arm on screen."""

import contextlib
import io
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import binary_erosion

pytest.importorskip("viser")
pytest.importorskip("selenium")

from benchmarks import browser  # noqa: E402
from benchmarks import viewer as page  # noqa: E402
from kinematics import JOINT_ANGLES, Camera, look_at  # noqa: E402
from kinematics.bones import BODY_JOINTS  # noqa: E402
from tests.tiny_cmu import ROOT  # noqa: E402
from viewer.body import Body, body_at_rest  # noqa: E402
from viewer.orbit import Orbit  # noqa: E402
from viewer.scene import (  # noqa: E402
    CONTROLS_WIDTH_PX,
    PICTURE_WIDTH_PX,
    VIEW_FOV_DEG,
    VIEW_FROM,
    VIEW_TO,
)

if browser.programs() is None:
    pytest.skip("chromium and chromedriver are not on the PATH", allow_module_level=True)

PATIENCE_S = 90.0  # WebGL in software on a busy machine
NEAR_PX, CHANGED = 28, 40  # half a forearm's width and its ball; of 255, more than a shadow's edge flickers


@pytest.fixture(scope="module")
def address(last_pt) -> Iterator[str]:
    with page.running_viewer(["--checkpoint", str(last_pt), "--data_root", str(ROOT)]) as (address, _):
        yield address


@pytest.fixture(scope="module")
def driver(address: str, tmp_path_factory) -> Iterator:
    with browser.headless(tmp_path_factory.mktemp("profile"), 1150, 740) as driver:
        page.open_page(driver, address)
        wait_for(lambda: "Recordings" in text_of(driver), "the recordings")
        page.dismiss_notifications(driver)
        yield driver


def wait_for(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE_S:.0f} s for {what}"
        time.sleep(0.1)


def text_of(driver) -> str:
    return driver.execute_script("return document.body.innerText")


def joints_in_picture(driver) -> np.ndarray:
    """(joints, 2) screen units, as drawn beside the scene."""
    places = (
        f"return [...document.querySelectorAll('{page.PICTURE} circle')]"
        ".map(one => ['cx', 'cy'].map(name => one.getAttribute(name)))"
    )
    return np.array(driver.execute_script(places), dtype=float)


def error_on(driver) -> str | None:
    found = re.search(r"MPJPE [\d.]+ mm in this frame, ([\d.]+) mm over the recording", text_of(driver))
    return found and found[1]


def still(driver) -> np.ndarray:
    """(H, W, 3) what is on the screen once nothing has moved for two seconds."""
    before, same = np.zeros(0), 0
    for _ in range(120):
        shown = np.asarray(Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")).astype(int)
        same = same + 1 if before.shape == shown.shape and (before == shown).all() else 0
        if same == 4:
            return shown
        before = shown
        time.sleep(0.5)
    raise AssertionError("the picture never stands still")


def on_canvas(driver, joints_world: torch.Tensor) -> np.ndarray:
    """(joints, 2) pixels of the screenshot where the page's own 3D view shows them."""
    left, top, width, height = driver.execute_script(
        "const box = [...document.querySelectorAll('canvas')].map(one => one.getBoundingClientRect())"
        ".sort((a, b) => b.width * b.height - a.width * a.height)[0];"
        "return [box.left, box.top, box.width, box.height];"
    )
    position, target = torch.tensor(VIEW_FROM), torch.tensor(VIEW_TO)
    aspect = height / width
    intrinsics = torch.zeros(9)
    intrinsics[:2] = aspect / math.tan(math.radians(VIEW_FOV_DEG) / 2)
    camera = Camera(look_at(position, target), position, intrinsics, torch.tensor(aspect))
    screen = camera.project(camera.world_to_camera(joints_world)).numpy()
    return (screen + [1, aspect]) * width / 2 + [left, top]


def distance_to(start: np.ndarray, end: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Of each pixel (N, 2) to a line."""
    way = end - start
    share = np.clip((pixels - start) @ way / (way @ way), 0, 1)
    return np.linalg.norm(pixels - start - share[:, None] * way, axis=-1)


def set_slider(driver, label: str, share: float) -> float:
    """Drag a slider to a share of its range; the value that it then shows."""
    box = page.slider_box(driver, label)
    page.mouse(driver, "Pressed", box["left"] + 0.1 * box["width"], box["middle"])
    for part in (0.3, 0.5, 0.8, 1.0):
        page.mouse(driver, "Moved", box["left"] + part * share * box["width"], box["middle"])
    page.mouse(driver, "Released", box["left"] + share * box["width"], box["middle"])
    return page.slider_box(driver, label)["value"]


class OtherPage(BaseHTTPRequestHandler):
    """What any web site may put before the person whose viewer runs."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>kittens</h1>")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def other_site() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), OtherPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def opens_websocket(driver, address: str) -> bool:
    """Whether the page that the browser shows gets into the viewer as viser's own does."""
    return driver.execute_async_script(
        "const [address, protocol, done] = arguments, socket = new WebSocket(address, [protocol]);"
        "socket.onmessage = () => { socket.close(); done(true); }; socket.onerror = () => done(false);",
        address.replace("http", "ws"), f"viser-v{page.viser.__version__}",
    )  # fmt: skip


def test_the_page_shows_the_body_and_every_limit(driver):
    assert joints_in_picture(driver).shape == (16, 2)
    words = text_of(driver)
    assert "elbow" in words and "-5" in words and "150" in words


def test_the_elbow_s_slider_moves_the_forearm_on_the_screen_and_nothing_else(driver):
    joints_before = joints_in_picture(driver)
    degrees = set_slider(driver, "elbow", 0.7)
    assert 60 < degrees < 140
    wait_for(lambda: np.abs(joints_in_picture(driver) - joints_before).max() > 0.1, "the camera's picture to change")
    after = still(driver)
    page.press(driver, "Reset")  # the body at rest is looked at last: a page that has just opened may still be loading
    wait_for(lambda: np.abs(joints_in_picture(driver) - joints_before).max() < 0.01, "the body at rest")
    before = still(driver)

    rest = body_at_rest()
    angles = rest.joint_angles.clone()
    angles[JOINT_ANGLES.index("right_elbow")] = math.radians(degrees)
    elbow, wrist = BODY_JOINTS.index("RElbow"), BODY_JOINTS.index("RWrist")
    places = [on_canvas(driver, body.joints_world()) for body in (rest, Body(angles, rest.bone_lengths))]
    knees = min(places[0][BODY_JOINTS.index(name)][1] for name in ("RKnee", "LKnee"))
    left, right = PICTURE_WIDTH_PX + 10, after.shape[1] - CONTROLS_WIDTH_PX - 10
    # a slow machine makes the page draw more coarsely for a while: outlines change, which are a pixel or two wide
    changed = binary_erosion(np.abs(after - before).max(axis=-1) > CHANGED, np.ones((3, 3)))
    rows, columns = np.nonzero(changed)
    inside = (columns > left) & (columns < right) & (rows < knees)  # below are shadows on the floor
    pixels = np.stack([columns, rows], axis=-1)[inside]
    near = np.min([distance_to(place[elbow], place[wrist], pixels) for place in places], axis=0) < NEAR_PX
    assert len(pixels) > 200 and near.mean() > 0.98, f"{near.mean():.3f} of {len(pixels)} changed pixels"
    for place in places:  # where the forearm was, and where it is
        middle = (place[elbow] + 2 * place[wrist]) / 3
        assert np.linalg.norm(pixels - middle, axis=-1).min() < 6


def test_reset_brings_the_body_back(driver):
    camera = Orbit().camera()
    at_rest = camera.project(camera.world_to_camera(body_at_rest().joints_world())).numpy()
    page.press(driver, "Random pose")
    wait_for(lambda: np.abs(joints_in_picture(driver) - at_rest).max() > 0.1, "a random pose")
    page.press(driver, "Reset")
    wait_for(lambda: np.abs(joints_in_picture(driver) - at_rest).max() < 0.01, "the body at rest")


def test_a_clip_of_the_generator_plays(driver):
    page.press(driver, "Synthetic")
    wait_for(lambda: "Play" in text_of(driver), "the generator's page")
    page.press(driver, "Play")
    shown: set[bytes] = set()
    wait_for(lambda: shown.add(joints_in_picture(driver).tobytes()) or len(shown) > 3, "frames of the clip")
    page.press(driver, "Pause")


def test_recordings_show_the_error_in_mm(driver):
    page.press(driver, "Recordings")
    wait_for(lambda: error_on(driver) is not None, "the error")
    first = error_on(driver)
    page.press(driver, "Next recording")
    wait_for(lambda: error_on(driver) != first, "the error of the next recording")


def test_nothing_was_asked_of_another_host_and_the_console_has_no_error(driver, address):
    """After all that the tests above have done: it is in the logs."""
    severe = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert not severe
    asked = set()
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(message["params"]["request"]["url"])
        elif message["method"] == "Network.webSocketCreated":
            asked.add(message["params"]["url"])
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
    assert hosts == {urlsplit(address).netloc}


def test_another_site_in_the_same_browser_gets_nothing(driver, address):
    driver.set_script_timeout(PATIENCE_S)
    assert opens_websocket(driver, address)
    with other_site() as other:
        driver.get(other)
        assert "kittens" in text_of(driver) and not opens_websocket(driver, address)
        driver.get(f"{address}/?websocket={other.replace('http', 'ws')}")
        assert "The viewer shows nothing of other servers" in text_of(driver)
