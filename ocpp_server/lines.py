"""One line of log for each event: `time level logger event key=value …`. Never a secret, never a payload."""

import logging
import re
import sys
from datetime import UTC, datetime

_PLAIN = re.compile(r"[!#-<>-~]+")


def start() -> None:
    """Log lines go to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # No line names its source file, thread or process: looking them up costs a third of it.
    logging._srcfile = None  # type: ignore[attr-defined]
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name in ("uvicorn.error", "uvicorn.access", "quart.app", "quart.serving", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)


def told(event: str, **facts: object) -> str:
    """That event in one line, whatever strangers put into its facts."""
    return " ".join([event, *(f"{name}={_quoted(value)}" for name, value in facts.items() if value is not None)])


def _quoted(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else ascii(text[:200])


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = f"{at} {record.levelname.lower()} {record.name} {record.getMessage()}"
        return f"{line} {ascii(self.formatException(record.exc_info))}" if record.exc_info else line
