"""Brings the schema up to date, then hands over to the supervisor: `python start.py [--demo]`."""

import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

from domain.settings import Settings

HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> None:
    """The processes run until SIGTERM; this process becomes the supervisor."""
    is_demo = "--demo" in arguments
    if is_demo:
        os.environ["VOLTDESK_DEMO"] = "1"
        os.environ.setdefault("INSTANCE_DIR", str(HERE / "instance" / "demo"))
    settings = Settings.from_env()
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    os.chdir(HERE)
    command.upgrade(Config("alembic.ini"), "head")
    if is_demo:
        from demo.load import load

        load(settings)
    else:
        print(f"Voltdesk: {settings.public_url} · chargers: {settings.ocpp_public_url}/<device_id>")  # noqa: T201
    sys.stdout.flush()
    os.environ |= {
        "VOLTDESK_PYTHON": sys.executable,
        "VOLTDESK_INSTANCE": str(settings.instance_dir),
        "VOLTDESK_USER": str(os.getuid()),
        "VOLTDESK_SIMULATOR": "true" if is_demo else "false",
        "VOLTDESK_SIMULATOR_URL": f"ws://127.0.0.1:{settings.ocpp_port}",
    }
    os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", "supervisord.conf"])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
