"""Drawing on a thread of its own: who drags a slider never waits for a picture, and pictures never queue up."""

import threading
import time
from collections.abc import Callable

RATE = 60.0  # pictures a second at most; browsers show no more


class Redrawing:
    """Calls `draw` when asked to, once for all that was asked since the last time, at most RATE times a second.

    draw: returns whether what it shows is still on its way, and wants to be drawn again.
    """

    def __init__(self, draw: Callable[[], bool]) -> None:
        self._draw, self._asked, self._stopped = draw, threading.Event(), False
        self._thread = threading.Thread(target=self._run, daemon=True, name="redrawing")
        self._thread.start()

    def request(self, event: object = None) -> None:
        """Draw soon. event: of the slider that was moved; everything is read afresh."""
        self._asked.set()

    def stop(self) -> None:
        """Draw no more; returns when the last picture is finished."""
        self._stopped = True
        self._asked.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._stopped:
                return
            start = time.perf_counter()
            if self._draw():
                self._asked.set()
            time.sleep(max(0.0, 1 / RATE - (time.perf_counter() - start)))
