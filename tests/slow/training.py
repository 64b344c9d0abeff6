"""Fine-tune a cross-encoder of one label, and keep a running mean of its weights: a tail of scores that jumps less."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

_MEMORY = 0.004
"""What a step counts in the mean: the last few hundred do."""
_HALF = torch.ops.mkldnn._is_mkldnn_bf16_supported()
"""Whether this processor multiplies bfloat16: where it does not, that is five times as slow as float32."""


def by_shape(
    items: Sequence[Any], length_of: Callable[[Any], int], lengths: Sequence[int], tokens: int, chance: Any
) -> list[tuple[int, list[Any]]]:
    """Length in tokens and items of each batch, in random order. Few shapes: a new one costs a compilation."""
    by_length: dict[int, list[Any]] = {}
    for item in items:
        tall = length_of(item)
        by_length.setdefault(next(length for length in lengths if tall <= length or length == lengths[-1]), []).append(item)
    made = []
    for length, some in by_length.items():
        size = tokens // length
        filled = some + chance.choices(some, k=-len(some) % size)
        chance.shuffle(filled)
        made += [(length, filled[at : at + size]) for at in range(0, len(filled) - size + 1, size)]
    chance.shuffle(made)
    return made


class Fit:
    """A model in training. Word embeddings stay as they are packaged."""

    def __init__(self, model: Any, rate: float, steps: int) -> None:
        for parameter in model.bert.embeddings.word_embeddings.parameters():
            parameter.requires_grad = False
        self._model = model
        self._trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
        head = [value for name, value in self._trained.items() if name.startswith("classifier") or "pooler" in name]
        body = [value for name, value in self._trained.items() if not name.startswith("classifier") and "pooler" not in name]
        self._optimiser = torch.optim.AdamW([{"params": body, "lr": rate}, {"params": head, "lr": 4 * rate}], weight_decay=0.01)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda at: min(1.0, (at + 1) / (0.06 * steps)) * max(0.02, 1 - at / steps)
        )
        self._mean = {name: value.detach().clone() for name, value in self._trained.items()}
        self.step, self._steps = 0, steps

    def run(self, made: Sequence[tuple[int, list[Any]]], loss_of: Callable[[list[Any], int], torch.Tensor]) -> None:
        """One pass over batches of a length."""
        self._model.train()
        lost = 0.0
        for length, batch in made:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_HALF):
                loss = loss_of(batch, length)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimiser.step()
            self._schedule.step()
            self._optimiser.zero_grad()
            self.step += 1
            for name, value in self._mean.items():
                value.lerp_(self._trained[name].detach(), max(1 / self.step, _MEMORY))
            lost += 0.01 * (loss.item() - lost)
            if self.step % 100 == 0:
                print(f"step {self.step}/{self._steps} loss {lost:.3f}", flush=True)

    def settle(self) -> None:
        """The model has the mean of its weights from now on."""
        self._set(self._mean)

    @contextmanager
    def mean(self) -> Iterator[None]:
        """Meanwhile the model has the mean of its weights."""
        own = {name: value.detach().clone() for name, value in self._trained.items()}
        self._set(self._mean)
        try:
            yield
        finally:
            self._set(own)

    @torch.no_grad()
    def _set(self, weights: dict[str, Any]) -> None:
        for name, value in weights.items():
            self._trained[name].copy_(value)
