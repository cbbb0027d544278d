"""Memory of a charger that is connected and silent, against a socket of a bare server."""

from bench import servers
from bench.results import Figure, keep
from bench.rounds import interleaved
from bench.servers import Sidecar, World

FIRST, CHARGERS = 200, 2000


def main(rounds: int = 5) -> None:
    """Measures and writes a line of the table."""
    with servers.world(FIRST + CHARGERS) as world:
        seen = interleaved({"bare": lambda: _bare(world), "ours": lambda: _ours(world)}, rounds)
    keep(
        Figure(
            "memory",
            "Memory per idle charger, ours / bare socket",
            f"{seen['ours'] / seen['bare']:.2f} ({seen['ours']:.1f} / {seen['bare']:.1f} KiB)",
            "≤ 2, then 1.6",
            f"private memory before and after {CHARGERS} more chargers connected (ours: and booted) to a process that "
            f"had {FIRST}; bare: `websockets` + uvloop, opened only",
        )
    )


def _bare(world: World) -> float:
    with servers.echo(world) as server:
        return _grown_kib(world, server, "nothing")


def _ours(world: World) -> float:
    with servers.sidecar(world) as server:
        return _grown_kib(world, server, "boot")


def _grown_kib(world: World, server: Sidecar, prepare: str) -> float:
    with servers.held(world, server, FIRST, prepare):
        before = servers.memory_bytes(server.pid)
        with servers.held(world, server, CHARGERS, prepare, skip=FIRST):
            return (servers.memory_bytes(server.pid) - before) / CHARGERS / 1024


if __name__ == "__main__":
    main()
