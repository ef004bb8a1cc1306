"""What a keypoint format is: one module in data/keypoints/formats for each, with a FORMAT."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.keypoints.labels import Place
from data.keypoints.raw import RawClip

# Of a body with face and hands (133: COCO's whole body, 136: Halpe's) the first keypoints are the body's layout.
BODIES_BY_COUNT = {17: "coco_17", 26: "halpe_26", 133: "coco_17", 136: "halpe_26"}
OPENPOSE_BY_COUNT = {25: "body_25", 18: "openpose_18", 135: "body_25", 137: "body_25", **BODIES_BY_COUNT}


@dataclass(frozen=True)
class Format:
    """A keypoint format.

    read: (clip to add people to, content, where they are) -> None; looks_like: whether content is of this format;
    None: by its suffix alone.
    Content is what JSON holds, the text of a .txt file, or the path of a file of `suffixes`. layouts: number of
    keypoints -> layout; order: formats are tried in it, the ones that take most last. file, joints, says: columns of
    docs/predict.md.
    """

    name: str
    read: Callable[[RawClip, Any, Place], None]
    looks_like: Callable[[Any], bool] | None
    file: str
    joints: str
    says: str
    layouts: Mapping[int, str] = field(default_factory=lambda: dict(BODIES_BY_COUNT))
    suffixes: tuple[str, ...] = (".json", ".jsonl")
    order: int = 0

    def fits(self, content: Any) -> bool:
        """Whether content looks like this format."""
        if self.looks_like is not None:
            return self.looks_like(content)
        return isinstance(content, Path) and content.suffix.lower() in self.suffixes


def formats_table(formats: Iterable[Format]) -> str:
    """The table of docs/predict.md."""
    rows = [f"| `{entry.name}` | {entry.file} | {entry.joints} | {entry.says} |" for entry in formats]
    head = ["| `--format` | file | layout | contains image size / frame rate |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"
