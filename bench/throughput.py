"""MeterValues a second through the sidecar, against a bare echo of the same bytes, each on one core."""

from bench import servers
from bench.results import Figure, keep
from bench.rounds import ROUNDS, interleaved
from bench.servers import World

CHARGERS = 200
WARM_S, FOR_S = 1.0, 3.0
_HOW = (
    f"{CHARGERS} chargers, each one MeterValues after the other (8 samples, 935 bytes) in a running session; server on "
    "one core, load generator on another; echo: `websockets` + uvloop, same bytes"
)


def main(rounds: int = ROUNDS) -> None:
    """Measures and writes two lines of the table."""
    with servers.world(CHARGERS) as world:
        seen = interleaved(
            {
                "echo": lambda: _echo(world),
                "validated": lambda: durable(world, "-m", "bench.without_database"),
                "durable": lambda: durable(world),
            },
            rounds,
        )
    keep(
        Figure(
            "throughput",
            "Sidecar, validated / echo",
            f"{seen['validated'] / seen['echo']:.2f} ({seen['validated']:,.0f} / {seen['echo']:,.0f} msg/s)",
            "≥ 0.35, then 0.45",
            f"{_HOW}; the writer answers without opening the database (`bench.without_database`), all else as shipped",
        ),
        Figure(
            "throughput",
            "Sidecar, validated and durable (SQLite FULL) / echo",
            f"{seen['durable'] / seen['echo']:.2f} ({seen['durable']:,.0f} / {seen['echo']:,.0f} msg/s)",
            "≥ 0.20, then 0.30",
            f"{_HOW}; the product as shipped: raw log both ways, meter values, session advanced, answered after commit",
        ),
    )


def _echo(world: World) -> float:
    with servers.echo(world) as server:
        return _rate(world, server, "nothing")


def durable(world: World, *command: str) -> float:
    with servers.sidecar(world, *command) as server:
        return _rate(world, server, "begin")


def _rate(world: World, server: servers.Sidecar, prepare: str) -> float:
    times = {"warm_s": WARM_S, "for_s": FOR_S}
    found = servers.load(world, server, CHARGERS, "rate", prepare=prepare, server_pid=server.pid, **times)
    assert found["lost"] == 0, f"{found['lost']} sockets were lost; the server said:\n{server.said()}"
    assert found["load_cpu"] < 0.9, "the load generator was the bottleneck"
    print(f"    {found['per_s']:,.0f}/s, {found['per_cpu_s']:,.0f} a second of processor time", flush=True)
    return float(found["per_s"])


if __name__ == "__main__":
    main()
