"""A small network trained in numpy: dense layers, ReLU between, pinball loss, Adam.

No training framework is needed for networks of this size, so a fresh clone can train with what the
gateway already has. One thread and one seed give the same weights on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amont_models.data import Floats

Layer = tuple[Floats, Floats]  # weights (in, out), bias (out,)
Vary = Callable[[Floats, Floats, np.random.Generator], tuple[Floats, Floats]]
SMOOTH = 0.02  # errors below this pull less, so that Adam does not rattle around an exact median


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    epochs: int
    batch: int
    rate: float
    decay: float  # weight decay of each step
    warm_up: int = 0  # steps over which the rate rises


class Network:
    """Dense layers with ReLU between them; ``quantiles`` repeat over the outputs."""

    def __init__(
        self,
        sizes: Sequence[int],
        quantiles: Sequence[float],
        seed: int,
        single: bool = False,
    ) -> None:
        """Draw the weights; ``single`` computes in 32 bits, which is twice as fast."""
        rng = np.random.default_rng(seed)
        self.dtype: Any = np.float32 if single else np.float64
        self.layers: list[Layer] = [
            (
                rng.normal(0.0, np.sqrt(2.0 / before), (before, after)).astype(self.dtype),
                np.zeros(after, dtype=self.dtype),
            )
            for before, after in pairwise(sizes)
        ]
        last, bias = self.layers[-1]
        self.layers[-1] = (last * self.dtype(0.1), bias)
        repeat = sizes[-1] // len(quantiles)
        self._quantiles = np.tile(np.asarray(quantiles, dtype=np.float64), repeat)

    def forward(self, rows: Floats) -> list[Floats]:
        """Return the activations of every layer, the input first and the output last."""
        values = [np.asarray(rows, dtype=self.dtype)]
        for depth, (weight, bias) in enumerate(self.layers):
            out = values[-1] @ weight + bias
            last = depth == len(self.layers) - 1
            values.append(out if last else np.maximum(out, 0.0))
        return values

    def __call__(self, rows: Floats) -> Floats:
        """Return the outputs, shape (n, outputs)."""
        return self.forward(rows)[-1]

    def loss(self, rows: Floats, target: Floats, weight: Floats) -> float:
        """Return the mean weighted pinball loss; ``target`` is (n, outputs)."""
        error = _errors(self(rows), target)
        pinball = np.maximum(self._quantiles * error, (self._quantiles - 1.0) * error)
        return float((pinball * weight[:, None]).mean())

    def gradients(self, rows: Floats, target: Floats, weight: Floats) -> list[Layer]:
        """Return the gradient of the loss for each layer."""
        values = self.forward(rows)
        error = _errors(values[-1], target)
        side = np.where(error > 0.0, -self._quantiles, 1.0 - self._quantiles)
        pull = side * np.minimum(1.0, np.abs(error) / SMOOTH)
        delta = (pull * (weight[:, None] / len(rows))).astype(self.dtype)
        out: list[Layer] = []
        for depth in range(len(self.layers) - 1, -1, -1):
            out.append((values[depth].T @ delta, delta.sum(axis=0)))
            if depth:
                delta = (delta @ self.layers[depth][0].T) * (values[depth] > 0.0)
        return out[::-1]


def _errors(output: Floats, target: Floats) -> Floats:
    """Return target minus output; a target that nobody knows (NaN) teaches nothing."""
    return np.nan_to_num(target - output)


class Adam:
    """Adam with decoupled weight decay and a cosine rate."""

    def __init__(self, network: Network, schedule: Schedule, steps: int) -> None:
        self._network = network
        self._schedule = schedule
        self._steps = steps
        self._step = 0
        shape = [part for layer in network.layers for part in layer]
        self._mean: list[NDArray[np.float64]] = [np.zeros_like(part) for part in shape]
        self._square: list[NDArray[np.float64]] = [np.zeros_like(part) for part in shape]

    def apply(self, gradients: list[Layer]) -> None:
        """Move every weight one step."""
        self._step += 1
        rate = self._schedule.rate * 0.5 * (1.0 + np.cos(np.pi * self._step / self._steps))
        rate *= min(1.0, self._step / max(1, self._schedule.warm_up))
        parts = [part for layer in self._network.layers for part in layer]
        flat = [part for layer in gradients for part in layer]
        for k, (part, gradient) in enumerate(zip(parts, flat, strict=True)):
            self._mean[k] += 0.1 * (gradient - self._mean[k])
            self._square[k] += 0.001 * (gradient**2 - self._square[k])
            mean = self._mean[k] / (1.0 - 0.9**self._step)
            square = self._square[k] / (1.0 - 0.999**self._step)
            move = rate * (mean / (np.sqrt(square) + 1e-8) + self._schedule.decay * part)
            part -= move.astype(part.dtype)


def train(
    network: Network,
    rows: Floats,
    target: Floats,
    weight: Floats,
    schedule: Schedule,
    seed: int,
    vary: Vary | None = None,
) -> None:
    """Train in place; rows (n, features), target (n, outputs), weight (n,).

    ``vary`` alters each batch anew before it is learnt from: its rows and its targets.
    """
    rng = np.random.default_rng(seed)
    batches = max(1, len(rows) // schedule.batch)
    adam = Adam(network, schedule, schedule.epochs * batches)
    for _ in range(schedule.epochs):
        order = rng.permutation(len(rows))
        for k in range(batches):
            pick = order[k * schedule.batch : (k + 1) * schedule.batch]
            seen, wanted = rows[pick], target[pick]
            if vary is not None:
                seen, wanted = vary(seen, wanted, rng)
            adam.apply(network.gradients(seen, wanted, weight[pick]))
