"""The sidecar with MeterValues that reach no database, to compare with: `python -m bench.without_database`.

They are decoded, repaired, validated, routed, put into log entries, handed to the writer's thread and answered as
always; only their handler keeps nothing and no transaction is opened for them. All else is the product.
"""

from collections.abc import Sequence
from typing import Any

from domain import connections
from ocpp_server import v16, writer
from ocpp_server.__main__ import main

HOT = "MeterValues"
_transact = writer.Writer._transact


def _keep_nothing(self: writer.Writer, batch: Sequence[Any], run: Any) -> None:
    frames: writer.Frames = []
    for unit in batch:
        if getattr(unit, "action", None) == HOT:
            unit.run(None, frames)
    others = [unit for unit in batch if getattr(unit, "action", None) != HOT]
    if others:
        _transact(self, others, run)


if __name__ == "__main__":
    v16.HANDLERS[HOT] = lambda _db, _context, _payload: {}
    connections.seen = lambda _db, _charger_id, _now: None  # type: ignore[assignment]
    writer.Writer._transact = _keep_nothing  # type: ignore[method-assign]
    main()
