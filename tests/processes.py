"""The sidecar and the worker as real processes, to be started, stopped and killed."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from functools import partial
from pathlib import Path

from tests.waiting import wait_until

PROJECT = Path(__file__).parent.parent


# Below the ports that the kernel hands out, and elsewhere in each process: two that were given the same port, or a port
# that somebody's connection got meanwhile, would be taken for each other.
_PORTS = itertools.cycle(range(10_000, 30_000))
for _ in range(os.getpid() * 7919 % 20_000):
    next(_PORTS)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is taken")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:  # refused, reset, or an answer that is no success
        return False


class Program:
    """One process of an installation on a given database; its output goes to a file in the folder."""

    command: tuple[str, ...]
    core: int | None = None  # the only processor core that it may use

    def __init__(self, database_url: str, folder: Path, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = {
            "DATABASE_URL": database_url,
            "INSTANCE_DIR": str(folder),
            "BIND_HOST": "127.0.0.1",
            "SECRET_KEY": "a secret of the tests",
        } | settings
        self.log = folder / f"{type(self).__name__.lower()}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """A new process runs; it may need a moment until it is of use."""
        assert self.process is None, "it runs already"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=PROJECT,
                env={**os.environ, **self.settings},
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=None if self.core is None else partial(os.sched_setaffinity, 0, {self.core}),
            )

    @property
    def pid(self) -> int:
        assert self.process is not None, "it does not run"
        return self.process.pid

    def has_died(self) -> bool:
        """Whether it ended although nobody ended it."""
        return self.process is not None and self.process.poll() is not None

    def kill(self) -> None:
        """It is gone in the middle of whatever it did."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """It ended as asked; does nothing if it does not run."""
        if self.process is not None:
            self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        assert self.process is not None, "it does not run"
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=40)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process = None

    def said(self) -> str:
        """The end of its output, for the message of a failing test."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""


class Sidecar(Program):
    """`python -m ocpp_server` on a port of its own."""

    command = ("-m", "ocpp_server")

    def __init__(self, database_url: str, folder: Path, **settings: str) -> None:
        self.port = int(settings.pop("OCPP_PORT", 0)) or free_port()
        super().__init__(database_url, folder, OCPP_PORT=str(self.port), **settings)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Whether it answers and its database is usable."""
        return _answers(f"http://127.0.0.1:{self.port}/readyz")

    def wait_ready(self, within_s: float = 30) -> None:
        """It takes chargers."""

        def ready_or_dead() -> bool:
            assert not self.has_died(), f"the sidecar ended by itself:\n{self.said()}"
            return self.is_ready()

        wait_until(ready_or_dead, within_s=within_s, what="the sidecar being ready")


class Worker(Program):
    """`worker.py`."""

    command = ("worker.py",)


class Web(Program):
    """The web pages under gunicorn, on a port of its own."""

    command = ("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")

    def __init__(self, database_url: str, folder: Path, **settings: str) -> None:
        self.port = free_port()
        super().__init__(database_url, folder, WEB_PORT=str(self.port), **settings)

    def is_ready(self) -> bool:
        """Whether it answers and its database is usable."""
        return _answers(f"http://127.0.0.1:{self.port}/readyz")

    def _end(self, how: signal.Signals) -> None:
        # gunicorn's worker would live on for a moment after its arbiter is killed, and serve.
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        super()._end(how)
        if how is signal.SIGKILL:
            for child in map(int, children):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, how)
