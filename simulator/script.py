"""Steps for one charger from a JSON file, such as [["plug_in", 1], ["present_card", 1, "TAG"]]."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from simulator.spec import BadSpec

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger

# Steps that are functions of SimulatedCharger, by their own names.
STEPS = (
    "cut_power",
    "drop_connection",
    "emergency_stop",
    "fault",
    "go_offline",
    "go_online",
    "plug_in",
    "present_card",
    "recover",
    "restore_power",
    "unplug",
    "until_status",
)


def read(path: Path) -> list[list[Any]]:
    """Raises: BadSpec, OSError, JSONDecodeError."""
    steps = orjson.loads(path.read_bytes())
    for step in steps:
        if not isinstance(step, list) or not step or step[0] not in (*STEPS, "sleep", "delivered"):
            raise BadSpec(f"no such step: {step!r}; known are {', '.join((*STEPS, 'sleep', 'delivered'))}")
    return steps


async def play(charger: "SimulatedCharger", steps: list[list[Any]]) -> None:
    """Every step was done, in order. Raises: TimeoutError when a condition does not come true."""
    for name, *arguments in steps:
        charger.note(f"step {name} {' '.join(map(str, arguments))}".rstrip())
        if name == "sleep":
            await charger.clock.sleep(*arguments)
        elif name == "delivered":
            if not await charger.delivered(*arguments):
                raise TimeoutError("not everything was delivered")
        else:
            await getattr(charger, name)(*arguments)
