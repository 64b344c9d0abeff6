"""A cross-encoder that also marks tokens: whether each stands in an order. Training on marks tells it where to look in a document.

The score of the whole is learned as before; a clause, CLAUSE neighbouring tokens, is learned from the label of its text, and from
the marks where it is known which sentence was set in.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from outgate.model_server.engines.bert import CLAUSE
from outgate.model_server.engines.packaged import WIDTH

UNKNOWN = -1.0
"""The mark of a token that nobody knows, or that is none of the text."""
_RARE, _CLAUSE = 3.0, 0.5
"""What a token of an order counts beside others, and the clause beside the whole."""


class Encoded(NamedTuple):
    """A batch: what the net reads, which tokens are of the text, and their marks: 1, 0 or UNKNOWN."""

    inputs: dict[str, Tensor]
    valid: Tensor
    marks: Tensor


class Marking(nn.Module):
    """A `BertForSequenceClassification` of one label with a layer `marks` over its tokens."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net, self.marks = net, nn.Linear(WIDTH, 1)

    @property
    def bert(self) -> Any:
        return self.net.bert

    def forward(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits of the texts and of their tokens."""
        found = self.net.bert(**inputs)
        whole = self.net.classifier(self.net.dropout(found.pooler_output))[:, 0]
        return whole, self.marks(self.net.dropout(found.last_hidden_state))[:, :, 0]

    def loss(self, batch: Encoded, wanted: Tensor) -> Tensor:
        whole, tokens = self(batch.inputs)
        known = batch.marks > UNKNOWN
        weight = torch.where(batch.marks[known] > 0, _RARE, 1.0)
        marked = cross_entropy(tokens[known].float(), batch.marks[known] * 0.96 + 0.01, weight=weight) if known.any() else 0.0
        return (
            cross_entropy(whole.float(), wanted)
            + _CLAUSE * cross_entropy(highest_clause(tokens.float(), batch.valid), wanted)
            + marked
        )

    def tensors(self) -> dict[str, Tensor]:
        """All weights, by the names that `quantise` knows; they change with the model."""
        return self.net.state_dict() | {f"marks.{name}": value for name, value in self.marks.state_dict().items()}

    def arrays(self) -> dict[str, Any]:
        return {name: value.numpy() for name, value in self.tensors().items()}


def highest_clause(tokens: Tensor, valid: Tensor) -> Tensor:
    """The highest mean of CLAUSE neighbouring tokens of the text, as `BertGraph.reading` has it."""
    counted, size = valid.float(), tokens.shape[1]
    total, share = (avg_pool1d(row[:, None], CLAUSE, 1, CLAUSE // 2)[:, 0, :size] for row in (tokens * counted, counted))
    return torch.where(valid, total / share.clamp_min(1e-6), -1e4).max(1).values


def encoded(tokenizer: Any, some: Sequence[Any], length: int) -> Encoded:
    """Examples as a batch. The sentence of an attack that was set in is marked; of other attacks nothing is known."""
    texts = [one.channel for one in some], [one.text for one in some]
    found = tokenizer(
        *texts, padding="max_length", truncation="only_second", max_length=length, return_tensors="pt", return_offsets_mapping=True
    )
    starts, ends = found.pop("offset_mapping").unbind(-1)
    valid = found["token_type_ids"].bool() & found["attention_mask"].bool() & (ends > starts)
    marks = torch.full(valid.shape, UNKNOWN)
    for row, one in enumerate(some):
        at = one.text.find(one.sentence) if one.sentence else -1
        if at >= 0 or not one.attack:
            marks[row][valid[row]] = 0.0
        if at >= 0:
            marks[row][valid[row] & (ends[row] > at) & (starts[row] < at + len(one.sentence))] = 1.0
    return Encoded({name: found[name] for name in ("input_ids", "attention_mask", "token_type_ids")}, valid, marks)
