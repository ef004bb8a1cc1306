"""Metrics, protocols and the evaluation of lifters across domains."""

import kinematics.early_stop  # noqa: F401 before what takes time
from evaluation.evaluate import EvaluationResult as EvaluationResult
from evaluation.evaluate import evaluate as evaluate
from evaluation.evaluate import score as score
from evaluation.evaluate import score_arrays as score_arrays
from evaluation.metrics import register_metric as register_metric
from evaluation.protocols import protocols_for as protocols_for
from evaluation.tables import format_scores as format_scores
