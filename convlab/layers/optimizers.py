"""How weights follow their gradients. Names, arguments and formulas are those of `keras.optimizers`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers.base import Weight

Array = np.ndarray


@dataclass
class Optimizer:
    """Moves each weight a step; `memory` is what is remembered of each from step to step."""

    learning_rate: float = 0.01
    steps: int = field(default=0, init=False, repr=False)
    memory: dict[int, tuple[Weight, tuple[Array, ...]]] = field(default_factory=dict, init=False, repr=False)

    slots = 0  # arrays remembered for each weight

    def __post_init__(self) -> None:
        if not isinstance(self.learning_rate, int | float) or not self.learning_rate >= 0:
            raise ConvlabError(f"learning_rate must be a number from 0 on, but {self.learning_rate!r} was given.")

    def apply(self, weights: Iterable[Weight]) -> None:
        """One step along the gradients of the trainable weights, then each weight's constraint."""
        self.steps += 1
        for w in weights:
            if not w.trainable or w.gradient is None:
                continue
            if id(w) not in self.memory:
                self.memory[id(w)] = w, tuple(np.zeros_like(w.value) for _ in range(self.slots))
            w.value = (w.value + self.step(w.value, w.gradient, *self.memory[id(w)][1])).astype(w.value.dtype)
            if w.constraint is not None:
                w.value = w.constraint(w.value)

    def step(self, value: Array, gradient: Array, *memory: Array) -> Array:
        """What to add to the weight; `memory` is updated in place."""
        raise NotImplementedError


@dataclass
class SGD(Optimizer):
    """Stochastic gradient descent: -learning_rate gradient, or with momentum

        velocity = momentum velocity - learning_rate gradient

    the velocity itself, or with nesterov momentum velocity - learning_rate gradient, a look ahead.
    Source: Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning".
    """

    momentum: float = 0.0
    nesterov: bool = False

    slots = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.momentum <= 1:
            raise ConvlabError(f"momentum must lie from 0 to 1, but {self.momentum!r} was given.")

    def step(self, value: Array, gradient: Array, *memory: Array) -> Array:
        (velocity,) = memory
        velocity *= self.momentum
        velocity -= self.learning_rate * gradient
        return self.momentum * velocity - self.learning_rate * gradient if self.nesterov else velocity


@dataclass
class Adam(Optimizer):
    """Steps of about `learning_rate` each, whatever the size of the gradients.

        m = beta_1 m + (1 - beta_1) gradient         v = beta_2 v + (1 - beta_2) gradient^2
        step = -learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t)  m / (sqrt(v) + epsilon)

    Source: Kingma and Ba (2015), "Adam: a method for stochastic optimization", end of section 2, as in Keras.
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    slots = 2

    def step(self, value: Array, gradient: Array, *memory: Array) -> Array:
        m, v = memory
        m += (1 - self.beta_1) * (gradient - m)
        v += (1 - self.beta_2) * (np.square(gradient) - v)
        rate = self.learning_rate * sqrt(1 - self.beta_2**self.steps) / (1 - self.beta_1**self.steps)
        return -rate * m / (np.sqrt(v) + self.epsilon)


def get(identifier: Any) -> Optimizer:
    """The optimizer that "sgd", "adam" or an object stands for."""
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in ("sgd", "adam"):
        return SGD() if identifier.lower() == "sgd" else Adam()
    raise ConvlabError(f"{identifier!r} is no optimizer: choose 'sgd' or 'adam', or give an SGD(...) or Adam(...).")
