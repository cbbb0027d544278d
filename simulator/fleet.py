"""Many charge points in one process, described by options or a file."""

import argparse
import asyncio
import dataclasses
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

import orjson

from simulator import script
from simulator.charger import SimulatedCharger
from simulator.quirks import QUIRKS
from simulator.spec import BadSpec, ChargerSpec, charger_spec

# New chargers dial at this rate, so that a thousand of them are no storm.
STARTS_PER_SECOND = 200


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM, SIGINT or the end of the script.

    0: ended as asked; 1: a step failed or a schema was broken; 2: the options make no sense.
    """
    options = _options().parse_args(argv)
    if options.list_quirks:
        print("\n".join(f"{name:22}{quirk.kind:5}{quirk.about}" for name, quirk in QUIRKS.items()))
        return 0
    try:
        specs = chargers_of(options)
        steps = script.read(options.script) if options.script else None
        if steps is not None and len(specs) != 1:
            raise BadSpec("a script is for one charger")
    except (BadSpec, OSError, orjson.JSONDecodeError) as trouble:
        print(f"simulator: {trouble}", file=sys.stderr)
        return 2
    return asyncio.run(run(specs, options, steps))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="OCPP 1.6 charge points.")
    parser.add_argument("--url", default="ws://127.0.0.1:9000", help="the central system, without the device id")
    parser.add_argument("--chargers", type=Path, metavar="FILE", help="JSON list of chargers, see docs/simulator.md")
    parser.add_argument("--device-id", help="one charger with this id")
    parser.add_argument("--password", help="Basic-auth password (of all chargers of --device-id or --count)")
    parser.add_argument("--count", type=int, metavar="N", help="N chargers named PREFIX0001, PREFIX0002, ...")
    parser.add_argument("--prefix", default="SIM", help="of the names of --count (default: %(default)s)")
    parser.add_argument("--connectors", type=int, default=1, help="of each charger (default: %(default)s)")
    parser.add_argument("--kind", choices=("AC", "DC"), default="AC")
    parser.add_argument("--max-kw", type=float, default=22.0, help="of each connector (default: %(default)s)")
    parser.add_argument("--speed", type=float, help="energy flows this many times faster than time")
    parser.add_argument("--auto-plug", action="store_true", help="a car comes as soon as somebody starts from afar")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep registers, configuration, queues there")
    parser.add_argument("--quirk", action="append", default=[], metavar="NAME", help="a defect; may be repeated")
    parser.add_argument("--list-quirks", action="store_true", help="print the defects and end")
    parser.add_argument("--script", type=Path, metavar="FILE", help="do these steps with the one charger, then end")
    parser.add_argument("--strict", action="store_true", help="check all messages against the OCPP schemas")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="certificate to trust for wss://")
    parser.add_argument("--quiet", action="store_true", help="do not print what happens")
    return parser


def chargers_of(options: argparse.Namespace) -> list[ChargerSpec]:
    """Raises: BadSpec, OSError, JSONDecodeError."""
    described = []
    if options.chargers:
        described = orjson.loads(options.chargers.read_bytes())
    names = [options.device_id] if options.device_id else []
    names += [f"{options.prefix}{number:04d}" for number in range(1, (options.count or 0) + 1)]
    described = [{**entry, "quirks": [*entry.get("quirks", []), *options.quirk]} for entry in described]
    described += [_described(name, options) for name in names]
    if not described:
        raise BadSpec("say which chargers: --device-id, --count or --chargers")
    specs = [charger_spec(entry, options.url) for entry in described]
    if options.speed is not None:
        specs = [dataclasses.replace(spec, speed=options.speed) for spec in specs]
    return specs


def _described(name: str, options: argparse.Namespace) -> dict[str, object]:
    return {
        "device_id": name,
        "password": options.password,
        "connectors": [{"kind": options.kind, "max_kw": options.max_kw}] * options.connectors,
        "quirks": options.quirk,
        "behaviour": {"auto_plug": options.auto_plug},
    }


async def run(specs: list[ChargerSpec], options: argparse.Namespace, steps: list[list[Any]] | None = None) -> int:
    if options.state:
        options.state.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    chargers = [_made(spec, options, complaints) for spec in specs]
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    work = asyncio.create_task(_play(chargers[0], steps) if steps is not None else _start(chargers))
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait({asked, work} if steps is not None else {asked}, return_when=asyncio.FIRST_COMPLETED)
    for task in (asked, work):
        task.cancel()
    outcomes = await asyncio.gather(work, return_exceptions=True)
    await asyncio.gather(*(charger.shut_down() for charger in chargers))
    is_bad = any(isinstance(outcome, Exception) for outcome in outcomes)
    if is_bad:
        print(f"simulator: {outcomes[0] or 'a step took too long'}", file=sys.stderr)
    return 1 if is_bad or complaints else 0


def _made(spec: ChargerSpec, options: argparse.Namespace, complaints: list[str]) -> SimulatedCharger:
    def complain(complaint: str) -> None:
        complaints.append(complaint)
        print(f"simulator: {complaint}", file=sys.stderr, flush=True)

    extras: dict[str, Any] = {}
    if options.strict:
        from simulator.strict import SchemaCheck  # needs the ocpp package

        extras["watch"] = SchemaCheck(complain)
    if spec.url.startswith("wss:"):
        extras["tls"] = ssl.create_default_context(cafile=options.ca)
    if not options.quiet:
        extras["say"] = lambda line: print(line, flush=True)
    return SimulatedCharger(spec, state_folder=options.state, **extras)


async def _start(chargers: list[SimulatedCharger]) -> None:
    for charger in chargers:
        await charger.start()
        await asyncio.sleep(1 / STARTS_PER_SECOND)


async def _play(charger: SimulatedCharger, steps: list[list[Any]]) -> None:
    await charger.start()
    await script.play(charger, steps)
