"""The settings of a run from what was typed: default < data set < lifter < recipe < typed, the later ones winning."""

import math
import os
from collections.abc import Mapping
from typing import Any

from augment.settings import RECIPES, AugmentSettings
from data import DATA_SOURCES, DataSettings
from evaluation.tables import columns
from kinematics.errors import choose
from posenets import ALIASES, LIFTERS, get_spec
from posenets.registry import LifterSpec
from training.config.recipes import EPOCHS, TRAINING
from training.config.settings import LifterSettings, Settings
from training.config.values import flat, with_values

Values = Mapping[str, Any]
CAMERAS = 4  # of a lifter of several views, unless said


def resolve(typed: Values) -> tuple[Settings, dict[str, str]]:
    """Return the settings, and the origin of every value that is not a default. typed: by flat names."""
    dataset = choose("--dataset", typed.get("dataset", _default_dataset(typed)), DATA_SOURCES)
    recipe = choose("--recipe", typed.get("recipe", Settings.recipe), RECIPES)
    published = bool(typed.get("as_published"))
    budget = _of_budget(dataset, published)
    lifter = typed.get("posenet_name", budget.get("posenet_name", LifterSettings.posenet_name))
    spec = get_spec(choose("--posenet_name", lifter, [*LIFTERS, *ALIASES]))
    published |= lifter in ALIASES and lifter in spec.training  # as its own authors trained it
    layers: dict[str, Values] = {}
    layers[f"data set {dataset}"] = {"dataset": dataset, **_for_lifter(budget, spec)}
    layers[f"lifter {lifter}"] = _of_lifter(lifter, spec, dataset, published)
    below = {**_merged(layers), **typed}
    window = math.prod(below.get("filter_widths") or (below.get("frames", 1),))
    layers[f"recipe {recipe}"] = _of_recipe(recipe, spec, dataset, typed, clips=window > 1, published=published)
    layers["typed"] = {**_implied(typed, _merged(layers)), **typed}
    origins = {name: origin for origin, layer in layers.items() for name in layer}
    return with_values(Settings(), _merged(layers)), origins


def _of_budget(dataset: str, published: bool) -> Values:
    """Return what a data set brings; as published only the epochs."""
    values = _by_name(DATA_SOURCES[dataset].budget)
    return {name: values[name] for name in ("epochs", "posenet_name") if name in values} if published else values


def _for_lifter(budget: Values, spec: LifterSpec) -> Values:
    """Leave out sizes that are meant for other lifters."""
    sizes = () if spec.budget_sizes else ("posenet_width", "dropout")
    return {name: value for name, value in budget.items() if name not in sizes}


def _of_lifter(named: str, spec: LifterSpec, dataset: str, published: bool) -> Values:
    """Return how the lifter was trained where published, as long on Human3.6M, and its sizes for short runs."""
    values = _by_name(spec.published(spec.training, named)) | ({"views": CAMERAS} if spec.multi_view else {})
    if dataset == "h36m":
        values |= _by_name(spec.published(spec.h36m_length, named))
    return values | (_by_name(spec.small) if DATA_SOURCES[dataset].short_runs and not published else {})


def _of_recipe(recipe: str, spec: LifterSpec, dataset: str, typed: Values, clips: bool, published: bool) -> Values:
    """Its augmentation, how lifters learn with it unless they say otherwise, and what it changes of this one."""
    of_lifter = _by_name(spec.published(spec.training, spec.name))
    default, training = flat(AugmentSettings()), TRAINING[recipe]
    values = {name: value for name, value in flat(RECIPES[recipe]).items() if value != default[name]}
    if dataset == "h36m" and not {"compare", "epochs"} & set(typed):
        values |= training.h36m
    if published or spec.multi_view or not (training.measured or "compare" in typed):
        values |= {"updates": 0}  # as long as said
    else:
        measured = training.measured | (training.connected if spec.budget_sizes else {})
        values |= {"epochs": EPOCHS} if DATA_SOURCES[dataset].by_rule else {"updates": 0}
        values |= {name: value for name, value in measured.items() if name not in of_lifter}
    values |= training.settings | (training.clips if clips else {})
    values |= _by_name({} if published else spec.recipes.get(recipe, {}))
    return values | (training.views if spec.multi_view else {})


def _implied(typed: Values, values: Values) -> Values:
    """Return what flags imply: filter widths the number of frames, epochs a length, a decay the schedule."""
    implied: dict[str, Any] = {"frames": 1} if "filter_widths" in typed else {}
    if {"epochs", "steps_per_epoch", "additional_epochs"} & set(typed):
        implied["updates"] = 0
    if "lr_decay" in typed and values.get("lr_schedule") != "staircase":
        implied["lr_schedule"] = "exponential"
    return implied


def explain(typed: Values) -> str:
    """Format a table of every setting: its value and where that comes from."""
    settings, origins = resolve(typed)
    rows = [[name, str(value), origins.get(name, "default")] for name, value in flat(settings).items()]
    return columns([["setting", "value", "from"], *rows])


def _default_dataset(typed: Values) -> str:
    """Human3.6M where it is prepared or detections of it are asked for (the original commands name no data set)."""
    prepared = os.path.exists(os.path.join(typed.get("data_root", DataSettings.data_root), "data_3d_h36m.npz"))
    return "h36m" if prepared or typed.get("keypoints", "gt") != "gt" else "cmu"


def _merged(layers: Mapping[str, Values]) -> dict[str, Any]:
    return {name: value for layer in layers.values() for name, value in layer.items()}


def _by_name(groups: Mapping[str, Values]) -> dict[str, Any]:
    """{"lifter": {...}, "learning": {...}} by flat names."""
    return {name: value for group in groups.values() for name, value in group.items()}
