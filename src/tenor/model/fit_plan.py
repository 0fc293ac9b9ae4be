"""The fit plan: how networks are trained. The only place with a learning rate."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from tenor.settings import STRICT


@dataclass(frozen=True, slots=True)
class FitPlan:
    """Settings of the one training loop (:mod:`tenor.model.train`).

    The defaults were chosen on simulated markets with a planted signal, never on a real one.

    Parameters
    ----------
    epochs
        Most passes over the train windows; ``patience`` stops earlier.
    batch_size
        Train windows per step; fewer make more and noisier steps.
    learning_rate
        Adam's step size in the first epoch; lower it where a loss is no longer a finite number.
    decay
        The step size is multiplied by this after every epoch; 1 keeps it.
    patience
        Stop a network after so many epochs without a lower validation loss; its best weights are kept.
    class_weights
        ``balanced``: weights inverse to the class frequencies in train; ``none``: every window counts one. Trees and
        regression follow it too.
    weight_decay
        At each step weights shrink by this times the step size, apart from the gradient (decoupled); 0 is plain Adam.
    clip_norm
        Gradients longer than this, over all weights of a network, are shortened to it.
    """

    __pydantic_config__: ClassVar = STRICT
    epochs: Annotated[int, Gt(0)] = 60
    batch_size: Annotated[int, Gt(0)] = 64
    learning_rate: Annotated[float, Gt(0)] = 0.02
    decay: Annotated[float, Interval(gt=0, le=1)] = 0.97
    patience: Annotated[int, Gt(0)] = 20
    class_weights: Literal["balanced", "none"] = "balanced"
    weight_decay: Annotated[float, Ge(0)] = 0.5
    clip_norm: Annotated[float, Gt(0)] = 1.0
