"""Rounds that alternate between the things compared, so that a busy moment of the machine hits all of them."""

import statistics
from collections.abc import Callable, Mapping

ROUNDS = 5


def interleaved(measures: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median of each measure over that many rounds; what is measured is printed as it comes."""
    seen: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(1, rounds + 1):
        for name, measure in measures.items():
            seen[name].append(measure())
        print(
            f"  round {number}: " + ", ".join(f"{name} {values[-1]:,.4g}" for name, values in seen.items()), flush=True
        )
    return {name: statistics.median(values) for name, values in seen.items()}
