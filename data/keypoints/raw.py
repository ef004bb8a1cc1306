"""What a reader takes from a file, as the file has it; and the clip that this becomes, by the same rules for all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.files.json_file import is_number
from data.keypoints.body_check import has_limbs, other_order, posture
from data.keypoints.clip import (
    Detection,
    Hints,
    KeypointClip,
    Size,
    detection,
    is_placed,
    number_array,
    whole_number,
    with_bar,
)
from data.keypoints.joint_names import layout_of_names
from data.keypoints.labels import Place, choose_video, number_frames, read_clock
from data.plausible import MOST_PIXELS, MOST_SCORE
from kinematics.errors import PoseFKError
from kinematics.layouts import LAYOUTS
from kinematics.skeleton import Skeleton

MOST_PEOPLE = 3_000_000  # in all frames together: some 600 bytes each
MOST_CHECKED = 2000  # people whose bodies are looked at, evenly spread
ODD_SHARE = 0.05  # of people with another number of keypoints: so few are left out, more are another layout
PERCENT, LEAST_PERCENT = 100.0, 10.0  # the median is between; AlphaPose's old scores go up to 6


@dataclass
class RawPerson:
    """table: (K, 2 or 3) x, y and score; names: of the joints, if they are said; where: in the file, for messages."""

    place: Place
    table: np.ndarray
    where: str
    names: tuple[str, ...] | None = None
    score: Any = None
    box: Any = None


@dataclass
class RawClip:
    """What a file holds. layouts: number of keypoints -> layout, where nothing else tells it.

    layout: that the file names; fractions: whether places are fractions of the image's width and height; depth: whether
    the third of three numbers in a row is z.
    """

    path: Path
    hints: Hints
    layouts: Mapping[int, str]
    people: list[RawPerson] = field(default_factory=list)
    frames: list[Place] = field(default_factory=list)
    layout: str | None = None
    fractions: bool = False
    depth: bool = False
    fps: float | None = None
    sizes: Counter[Size] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    _skipped: dict[str, list[str]] = field(default_factory=dict)

    def add(
        self, place: Place, table: np.ndarray, where: str, names: tuple[str, ...] | None = None, score: Any = None,
        box: Any = None,
    ) -> None:  # fmt: skip
        """One more person in one frame."""
        if len(self.people) >= MOST_PEOPLE:
            raise PoseFKError(f"{self.path} has over {MOST_PEOPLE:,} people in its frames: cut it up, by time.")
        self.people.append(RawPerson(place, table, where, names, score, box))

    def skip(self, reason: str, where: str) -> None:
        """Count what cannot be used. where: of its kind the first is named."""
        self._skipped.setdefault(reason, []).append(where)

    def add_size(self, width: Any, height: Any) -> None:
        """Note an image's size, where it is two numbers."""
        if is_number(width) and is_number(height):
            size = whole_number(width, str(self.path)), whole_number(height, str(self.path))
            self.sizes[size] += min(size) > 0

    @property
    def skipped(self) -> list[str]:
        """A sentence for each kind of thing that could not be used."""
        return [f"{len(places)} left out: {reason} ({places[0]}{', ...' if len(places) > 1 else ''})."
                for reason, places in self._skipped.items()]  # fmt: skip

    def refuse(self, sentence: str) -> PoseFKError:
        """The error that says why nothing is left, with what was left out."""
        return PoseFKError(" ".join([f"{self.path} {sentence}", *self.skipped]))


def build_clip(raw: RawClip) -> KeypointClip:
    """The clip of one video: frames numbered, joints in a layout of ours, scores from 0 to 1."""
    where, hints = str(raw.path), raw.hints
    if not raw.people:
        count = len({place.frame for place in raw.frames})
        raise raw.refuse(f"has nobody in it in its {count} frames, expected at least one person in one frame.")
    places = [*raw.frames, *(person.place for person in raw.people)]
    people, numbers, fps = _one_video(raw, places)
    layout, orders = _layout(raw, people)
    size, notes = _size(raw)
    if raw.fractions and size is None:
        raise PoseFKError(
            f"{where} has fractions of the image: give its --image_size WIDTH HEIGHT in pixels, or the file's own."
        )
    scale = _score_scale(raw, people)
    unit = np.array(size if raw.fractions and size else (1, 1))
    _check_bodies(raw, people, layout, orders, unit)
    frames: dict[int, list[Detection]] = {number: [] for number in numbers.values()}
    for person in with_bar(people, "Checking", "people"):
        table = np.vstack([person.table, np.full(person.table.shape[1], np.nan)])  # -1: nowhere
        table = table[orders[person.names or len(person.table)]]
        with np.errstate(over="ignore"):  # what becomes infinite is refused as a place
            table = table * [*unit, scale][: table.shape[1]]
        _add_detection(raw, frames[numbers[person.place]], person, table)
    if not any(frames.values()):
        raise raw.refuse("has nobody that can be used, expected at least one person in one frame.")
    clip = KeypointClip(layout, dict(sorted(frames.items())), size, hints.fps or fps)
    clip.notes = [*raw.notes, *notes, *raw.skipped]
    return clip


def _one_video(raw: RawClip, places: list[Place]) -> tuple[list[RawPerson], dict[Place, int], float | None]:
    """The people of one video, their frames' numbers, and the rate that these count."""
    where = str(raw.path)
    labels = [0 if place.frame is None else place.frame for place in places]
    numbered, notes = number_frames(labels, where)
    videos = {
        place: "/".join(name for name in (place.video, numbered[label][0]) if name)
        for place, label in zip(places, labels, strict=True)
    }
    chosen = choose_video(videos.values(), raw.hints.video, where)
    values = {place: numbered[label][1] for place, label in zip(places, labels, strict=True) if videos[place] == chosen}
    clock = read_clock(values.values(), raw.hints.fps or raw.fps, where)
    raw.notes += [f"{where}: {note}" for note in (*notes, *clock.notes)]
    numbers = {place: clock.numbers[value] for place, value in values.items()}
    return [person for person in raw.people if person.place in numbers], numbers, clock.fps


def _layout(raw: RawClip, people: list[RawPerson]) -> tuple[Skeleton, dict[Any, np.ndarray]]:
    """The layout; and for each way of naming joints, or number of them, where its joints stand (-1: nowhere).

    People of another kind than most are left out where they are few.
    """
    where, wanted = str(raw.path), raw.hints.layout
    named = wanted is None and any(person.names for person in people)
    if named:
        ways = {person.names: layout_of_names(person.names, where) for person in people if person.names}
        main = Counter(person.names for person in people if person.names).most_common(1)[0][0]
        layout, _, unused = ways[main]
        if unused:
            raw.notes.append(
                f"{where}: of its joints {', '.join(unused)} {'is' if len(unused) == 1 else 'are'} not used."
            )
        orders = {names: order for names, (other, order, _) in ways.items() if other == layout}
    else:
        counts = Counter(len(person.table) for person in people)
        main = counts.most_common(1)[0][0]
        if len(people) - counts[main] > ODD_SHARE * len(people):
            listed = " and ".join(map(str, sorted(counts)))
            raise PoseFKError(f"{where} has people with {listed} keypoints, expected one layout in a file.")
        layout = layout_by_count(main, raw.layouts, where, wanted or raw.layout, bool(wanted))
        orders = {main: [joint if joint < main else None for joint in range(layout.num_joints)]}
    kept = []
    for person in people:
        way = (person.names if named else None) or len(person.table)
        if way in orders:
            person.names = person.names if named else None
            kept.append(person)
        else:
            raw.skip(f"people with other keypoints than the {len(layout.joints)} of {layout.name}", person.where)
    people[:] = kept
    return layout, {way: np.array([-1 if at is None else at for at in order]) for way, order in orders.items()}


def layout_by_count(
    count: int, known: Mapping[int, str], where: str, wanted: str | None, typed: bool = True
) -> Skeleton:
    """The layout of so many keypoints; of longer ones (hands, face) the first points are the body's.

    known: number of keypoints -> layout; wanted: what the file says or, where it is `typed`, the user.
    """
    if wanted is None and count not in known:
        if others := [name for name in LAYOUTS if Skeleton(name).num_joints == count]:
            listed = " and ".join(others)
            raise PoseFKError(f"{where} has {count} keypoints, as {listed}: say with --layout what they are.")
        listed = ", ".join(f"{number} ({name})" for number, name in known.items())
        raise PoseFKError(f"{where} has {count} keypoints, which no layout here has: expected {listed}; see --layout.")
    layout = Skeleton(known[count] if wanted is None else wanted)
    if layout.num_joints > count and not (typed and has_limbs(layout.joints[:count])):
        said = f"--layout {wanted}" if typed else f"its own layout, {wanted},"
        raise PoseFKError(f"{where} has {count} keypoints, {said} has {layout.num_joints}: choose the detector's.")
    return layout


def _size(raw: RawClip) -> tuple[Size | None, list[str]]:
    """The image's size, as the user says it or the file."""
    if raw.hints.size is not None:
        others = [size for size in raw.sizes if size != raw.hints.size]
        return raw.hints.size, [
            f"{raw.path} says {others[0][0]} x {others[0][1]} pixels; --image_size is used."
        ] if others else []
    if len(raw.sizes) > 1:
        listed = ", ".join(f"{width} x {height}" for width, height in list(raw.sizes)[:3])
        raise PoseFKError(
            f"{raw.path} has images of {len(raw.sizes)} sizes ({listed}), expected the frames of one video: give its "
            "own --image_size."
        )
    return next(iter(raw.sizes), None), []


def _score_scale(raw: RawClip, people: Iterable[RawPerson]) -> float:
    """What scores are multiplied by: flags 0, 1, 2 and percent are told; numbers that are no scores are refused."""
    tables = [person.table for person in people]
    if raw.hints.ignore_scores:
        for person in raw.people:
            person.table = person.table[:, :2]
        return 1.0
    scores = [table[:, 2][is_placed(table[:, :2])] for table in tables if table.shape[1] == 3]
    values = np.concatenate(scores) if scores else np.ones(1)
    values = values[~np.isnan(values)]
    if not len(values):
        return 1.0
    if not values.any():
        raise PoseFKError(
            f"{raw.path}: all scores are 0, which is what a keypoint has that was not found. --ignore_scores True uses "
            "every keypoint that has a place."
        )
    if (values < 0).mean() > ODD_SHARE or np.median(values) > MOST_SCORE / 10 > PERCENT / 2:
        raise PoseFKError(
            f"{raw.path} has {values.min():.4g} to {values.max():.4g} as third numbers of its keypoints, which are no "
            "scores: is it z? --ignore_scores True uses x and y alone."
        )
    if values.max() == 2 and set(values.tolist()) <= {0.0, 1.0, 2.0}:  # annotations: 2 is seen, 1 hidden
        return 0.5
    if LEAST_PERCENT < np.median(values) and values.max() <= PERCENT:
        raw.notes.append(f"{raw.path}: scores up to {values.max():.4g} are taken for percent.")
        return 1 / PERCENT
    return 1.0


def _check_bodies(
    raw: RawClip, people: list[RawPerson], layout: Skeleton, orders: Mapping[Any, np.ndarray], unit: np.ndarray
) -> None:
    """Refuse, or say, what no body has: another order of joints, upside down, left and right exchanged.

    unit: of x and y, pixels.
    """
    for way, order in orders.items():
        tables = [person.table[:, :2] for person in people if (person.names or len(person.table)) == way]
        placed = {place: joint for joint, place in zip(layout.joints, order.tolist(), strict=True) if place >= 0}
        joints = [placed.get(place, "") for place in range(len(tables[0]))]
        with np.errstate(over="ignore"):
            points = unit * np.stack(tables[:: len(tables) // MOST_CHECKED + 1])
        points = np.where((is_placed(points) & (np.abs(points) <= MOST_PIXELS).all(axis=-1))[..., None], points, np.nan)
        refused, noted = posture(points, joints)
        if (other := other_order(points, joints)) is not None:
            refused, noted = (None, other) if raw.hints.layout else (f"{other}. --layout says which it is", None)
        if refused is not None and raw.hints.check_bodies:
            raise PoseFKError(f"{raw.path}, read as {layout.name}: {refused}. --check_bodies False reads it as it is.")
        raw.notes += [f"{raw.path}, read as {layout.name}: {said}." for said in (refused, noted) if said is not None]


def _add_detection(raw: RawClip, people: list[Detection], person: RawPerson, table: np.ndarray) -> None:
    """Add a person to their frame, or count them as left out: one bad entry does not refuse everything."""
    track: Any = person.place.track
    try:
        seen = detection(table, person.where, person.score, person.box, track)
    except PoseFKError as error:
        raw.skip("people whose numbers cannot be", str(error).rstrip("."))
        return
    if np.isnan(seen.keypoints).all():
        raw.skip("people without a single keypoint of the body", person.where)
    else:
        people.append(seen)


def number_table(value: Any, where: str, scores: Any = None) -> np.ndarray:
    """(K, 2 or 3) from rows of numbers; a fourth number is the score, the third then depth (x y z visibility)."""
    table = number_array(value, where)
    if table.ndim != 2 or table.shape[1] not in (2, 3, 4):
        raise PoseFKError(f"{where} has keypoints of shape {table.shape}, expected (joints, 2 or 3): x, y and score.")
    if table.shape[1] == 4:
        table = table[:, [0, 1, 3]]
    if scores is None:
        return table
    confidence = number_array(scores, where).ravel()
    if len(confidence) != len(table):
        raise PoseFKError(f"{where} has {len(table)} keypoints and {len(confidence)} scores, expected one each.")
    return np.column_stack([table[:, :2], confidence])
