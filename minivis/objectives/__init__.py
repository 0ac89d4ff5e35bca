"""What to minimise: activations -> (loss, the gradients to start backward from)."""

from minivis.objectives.activations import (
    channel,
    code_distance,
    direction,
    diversity,
    energy,
    interpolation,
    log_probability,
    neuron,
    positions,
    probability,
    products,
    row_sums,
    score,
    times,
    unit_value,
)  # fmt: skip
from minivis.objectives.base import Evaluation, Objective, Part, as_objective, objective
from minivis.objectives.priors import alpha_norm, l2, tv
from minivis.objectives.style import content_distance, gram, style_distance

__all__ = [
    "Evaluation", "Objective", "Part", "alpha_norm", "as_objective", "channel", "code_distance", "content_distance",
    "direction", "diversity", "energy", "gram", "interpolation", "l2", "log_probability", "neuron", "objective",
    "positions", "probability", "products", "row_sums", "score", "style_distance", "times", "tv", "unit_value",
]  # fmt: skip
