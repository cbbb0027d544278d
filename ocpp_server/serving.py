"""uvicorn around the sidecar: one plain port, one with TLS if there is a certificate, and an orderly end."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from domain import certificates
from domain.settings import Settings
from ocpp_server.app import create_app
from ocpp_server.lines import told
from ocpp_server.sidecar import Sidecar
from ocpp_server.socket import ChargerSocket, FirstRequest

LARGEST_MESSAGE = 256 * 1024
PING_TIMEOUT_S = 20.0

log = logging.getLogger("ocpp")


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop_accepting(self) -> None:
        """No new socket is accepted; those that are open stay."""
        for server in getattr(self, "servers", ()):
            server.close()


def config(settings: Settings, app: Any, port: int, tls: certificates.Files | None) -> uvicorn.Config:
    """uvicorn's settings for that port."""
    secured: dict[str, Path] = {"ssl_certfile": tls.certificate, "ssl_keyfile": tls.key} if tls else {}
    return uvicorn.Config(
        app,
        host=settings.bind_host,
        port=port,
        http=FirstRequest,
        ws=ChargerSocket,
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=settings.ocpp_deflate,
        ws_ping_interval=settings.ocpp_ping_interval_s,
        ws_ping_timeout=PING_TIMEOUT_S,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        backlog=4096,
        **secured,  # type: ignore[arg-type]
    )


async def serve(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Chargers are served until SIGTERM, SIGINT or that event; then all is answered and every socket closes."""
    stop = stop or _on_signals()
    sidecar = Sidecar(settings)
    await sidecar.start()
    app = create_app(sidecar)
    servers = [Server(config(settings, app, settings.ocpp_port, None))]
    tls = certificates.files(settings.instance_dir)
    if tls.certificate.exists() and tls.key.exists():
        servers.append(Server(config(settings, app, settings.ocpp_tls_port, tls)))
    serving = [asyncio.create_task(server.serve()) for server in servers]
    log.info(told("serving", port=settings.ocpp_port, tls_port=settings.ocpp_tls_port if len(servers) > 1 else None))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *serving], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.stop_accepting()
    await sidecar.stop()
    for server in servers:
        server.should_exit = True
    stopping.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


def _on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
