"""The doorbell: tells the sidecars that commands wait, so that they need not ask all the time.

A datagram to every sidecar's socket in the instance folder, and on PostgreSQL a NOTIFY that goes out
with the commit. Either may get lost: sidecars look by themselves once a second.
"""

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

COMMANDS = "voltdesk_commands"
TAKEOVERS = "voltdesk_takeovers"
_LONGEST_ADDRESS = 100  # what every system allows for the address of a Unix socket


def announce(db: Session) -> None:
    """On PostgreSQL, every sidecar hears of it when this transaction commits."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text(f"NOTIFY {COMMANDS}"))


def announce_takeover(db: Session, charger_id: int, epoch: int) -> None:
    """On PostgreSQL, the sidecar that holds an earlier socket of that charger hears that it may close it."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SELECT pg_notify(:channel, :what)"), {"channel": TAKEOVERS, "what": f"{charger_id} {epoch}"})


def ring(instance_dir: Path) -> None:
    """Every sidecar of this installation on this machine looks for commands now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.setblocking(False)
        for path in instance_dir.glob("ocpp-*.bell"):
            # Nobody listens any more, or so many rings wait that one more tells nothing new.
            with contextlib.suppress(OSError), address(path) as where:
                bell.sendto(b"1", where)


def bell_path(instance_dir: Path, node: str) -> Path:
    """Where that sidecar listens."""
    return instance_dir / f"ocpp-{re.sub('[^A-Za-z0-9_.-]', '_', node)}.bell"


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """That path as a Unix socket's address, however deep the folder lies."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
