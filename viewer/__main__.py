"""A lifted clip, the body, synthetic poses and recordings in the browser.

    python -m viewer
    python -m viewer lifted
    python -m viewer --checkpoint checkpoint/.../last.safetensors --dataset cmu

Stop it with Ctrl-C.
"""

import sys
import webbrowser
from collections.abc import Sequence

from data.command_line import read_flags
from kinematics.errors import exit_with_one_sentence
from viewer.settings import Viewer, check


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments and not arguments[0].startswith("-"):
        arguments = ["--clip", *arguments]
    settings = read_flags(Viewer, "viewer", __doc__, arguments)

    def opened(address: str) -> None:
        print(f"The viewer is at {address} (Ctrl-C stops it).", flush=True)
        if settings.open and not webbrowser.open(address):
            print("This machine has no browser to open it in.", flush=True)

    checked = check(settings)
    from viewer.app import start  # imports viser, which check has looked for

    start(settings, checked, opened).server.sleep_forever()


if __name__ == "__main__":
    exit_with_one_sentence(main)
