"""A headless Chromium that draws WebGL in software and knows no host but this one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


def programs() -> tuple[str, str] | None:
    """Chromium and its driver, None where one of them is not on the PATH."""
    browsers = ("chromium", "chromium-browser", "google-chrome")
    browser = next((path for name in browsers if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@contextmanager
def headless(profile: Path, width: int = 1400, height: int = 860) -> Iterator[webdriver.Chrome]:
    """A browser with a new profile in the empty folder `profile`; it keeps its console and all requests it makes."""
    paths = programs()
    if paths is None:
        raise FileNotFoundError("chromium and chromedriver are not on the PATH: apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = paths[0]
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(executable_path=paths[1]))
    try:
        yield driver
    finally:
        driver.quit()
