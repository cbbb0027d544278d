"""The table in bench/results.md: a line for each figure, replaced when it is measured again."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FILE = Path(__file__).parent / "results.md"

_HEAD = """# Figures

Ratios of two things measured side by side in one run, the median of interleaved rounds; `python -m bench` measures all
of them again, `python -m bench.<row>` one. Goals are those of a release. Absolute figures belong to the machine that
stands next to them; ratios travel.

| row | figure | measured | goal | how | when |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    row: str
    figure: str
    measured: str
    goal: str
    how: str

    def line(self) -> str:
        when = f"{datetime.now(UTC):%Y-%m-%d}, {_commit()}, {_machine()}"
        return f"| {self.row} | {self.figure} | {self.measured} | {self.goal} | {self.how} | {when} |"


def keep(*figures: Figure) -> None:
    """Those lines of the table are new, the others as they were."""
    lines = _lines()
    for figure in figures:
        print(f"{figure.figure}: {figure.measured} (goal {figure.goal})")
        lines[figure.figure] = figure.line()
    FILE.write_text(_HEAD + "\n".join(sorted(lines.values())) + "\n")


def _lines() -> dict[str, str]:
    if not FILE.exists():
        return {}
    rows = [line for line in FILE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| row |")]
    return {row.split("|")[2].strip(): row for row in rows}


def _commit() -> str:
    told = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "no commit"


def _machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"
