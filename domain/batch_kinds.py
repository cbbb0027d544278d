"""The kinds of batches."""

from collections.abc import Mapping

from domain import device_batches, token_batches
from domain.batches import Kind
from domain.models.batches import BatchKind

KINDS: Mapping[BatchKind, Kind] = {
    BatchKind.DEVICES: device_batches.KIND,
    BatchKind.TOKENS: token_batches.KIND,
}
