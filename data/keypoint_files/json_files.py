"""JSON files read with one sentence for each way of being broken."""

import json
from pathlib import Path
from typing import Any

from data.files.present import require_file
from kinematics.errors import PoseFKError


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    try:
        return json.loads(require_file(path, "Expected a keypoint file.").read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise PoseFKError(
            f"{path} is not whole JSON (line {error.lineno}, column {error.colno}: {error.msg}). Was it cut short? "
            "Copy or make it again."
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise PoseFKError(f"{path} is not a JSON file ({error}). Copy or make it again.") from error


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
