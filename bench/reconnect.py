"""Everybody comes back at once: chargers accepted and booted a second, against a bare server's accepts."""

from bench import servers
from bench.results import Figure, keep
from bench.rounds import ROUNDS, interleaved
from bench.servers import Sidecar, World

CHARGERS = 5000


def main(rounds: int = ROUNDS) -> None:
    """Measures and writes a line of the table."""
    with servers.world(CHARGERS) as world:
        seen = interleaved({"bare": lambda: _bare(world), "ours": lambda: _ours(world)}, rounds)
    keep(
        Figure(
            "reconnect",
            f"{CHARGERS:,} chargers at once, ours accepted and booted / bare accepted",
            f"{seen['ours'] / seen['bare']:.2f} ({seen['ours']:,.0f} / {seen['bare']:,.0f} per s)",
            "≥ 0.3",
            "ours: Basic auth checked, handshake recorded, BootNotification answered after commit (SQLite FULL); bare: "
            "`websockets` + uvloop, upgrade only; each on one core, 512 connects in flight",
        )
    )


def _bare(world: World) -> float:
    with servers.echo(world) as server:
        return _per_s(world, server, "nothing")


def _ours(world: World) -> float:
    with servers.sidecar(world) as server:
        return _per_s(world, server, "boot")


def _per_s(world: World, server: Sidecar, prepare: str) -> float:
    found = servers.load(world, server, CHARGERS, "storm", prepare=prepare)
    return float(found["per_s"])


if __name__ == "__main__":
    main()
