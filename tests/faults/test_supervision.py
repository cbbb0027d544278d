"""`make run` keeps its processes alive and ends all of them on SIGTERM."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import free_port
from tests.waiting import wait_until

PROCESSES = {"web": "gunicorn", "ocpp": "ocpp_server", "worker": "worker.py"}


class Installation:
    """A running installation on an empty database."""

    def __init__(self, folder: Path) -> None:
        self.web_port, self.ocpp_port = free_port(), free_port()
        settings = {
            "INSTANCE_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'voltdesk.db'}",
            "WEB_PORT": str(self.web_port),
            "OCPP_PORT": str(self.ocpp_port),
            "BIND_HOST": "127.0.0.1",
        }
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "start.py"], env={**os.environ, **settings}, stdout=self.log, stderr=subprocess.STDOUT
        )

    def is_ready(self) -> bool:
        return all(self._answers(port) for port in (self.web_port, self.ocpp_port)) and bool(self.pid("worker.py"))

    def pid(self, program: str) -> int | None:
        """The supervised process whose command line names that program."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            try:
                command = Path(f"/proc/{child}/cmdline").read_text()
            except FileNotFoundError:
                continue
            if program in command:
                return int(child)
        return None

    @staticmethod
    def _answers(port: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    running = Installation(tmp_path)
    try:
        wait_until(running.is_ready, within_s=40, what="web, ocpp and worker being ready")
        yield running
    finally:
        running.process.terminate()
        running.process.wait(timeout=40)
        running.log.close()


@pytest.mark.slow
def test_a_killed_process_is_started_again(installation):
    for name, program in PROCESSES.items():
        killed = installation.pid(program)

        os.kill(killed, signal.SIGKILL)

        wait_until(
            lambda program=program, killed=killed: installation.pid(program) not in (None, killed),
            within_s=20,
            what=f"{name} being started again",
        )
        wait_until(installation.is_ready, within_s=30, what=f"readiness after {name} was killed")


@pytest.mark.slow
def test_sigterm_ends_all_of_them(installation):
    pids = [installation.pid(program) for program in PROCESSES.values()]

    installation.process.send_signal(signal.SIGTERM)

    assert installation.process.wait(timeout=40) == 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
