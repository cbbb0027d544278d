"""Messages a second with one commit for all that wait, against one commit for each.

How much that gains is a matter of the disk: measured on this machine's, whose flush may take next to nothing, and on
one that takes 5 ms.
"""

import os
import statistics
import tempfile
import time

from bench import servers
from bench.results import Figure, keep
from bench.rounds import ROUNDS, interleaved
from bench.throughput import CHARGERS, durable

ASKED = 200


def main(rounds: int = ROUNDS) -> None:
    """Measures and writes two lines of the table."""
    with servers.world(CHARGERS) as world:
        seen = interleaved(
            {
                "each": lambda: durable(world, "-m", "bench.commit_each"),
                "group": lambda: durable(world),
                "each, slow": lambda: durable(world, "-m", "bench.slow_disk", "1"),
                "group, slow": lambda: durable(world, "-m", "bench.slow_disk"),
            },
            rounds,
        )
    keep(
        Figure(
            "group_commit",
            f"Group commit / commit per message, {CHARGERS} chargers, a disk that flushes in 5 ms",
            _ratio(seen["group, slow"], seen["each, slow"]),
            "≥ 10",
            "the same sidecar on SQLite FULL; the writer sleeps 5 ms after each commit (`bench.slow_disk`); compared: "
            "its largest batch set to 1",
        ),
        Figure(
            "group_commit",
            f"Group commit / commit per message, {CHARGERS} chargers, this machine's disk",
            _ratio(seen["group"], seen["each"]),
            "as the disk is",
            f"the same sidecar on SQLite FULL; a flush takes {flush_ms():.1f} ms here, so that computing decides; "
            "`bench.commit_each` sets the writer's largest batch to 1",
        ),
    )


def _ratio(group: float, each: float) -> str:
    return f"{group / each:.1f} ({group:,.0f} / {each:,.0f} msg/s)"


def flush_ms() -> float:
    """The median time that 4 KiB take to reach the disk."""
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(ASKED):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


if __name__ == "__main__":
    main()
