"""Which of two firmware versions is the newer one, as far as their names tell.

>>> compare("v1.10", "1.9"), compare("2024-03-01", "20240301"), compare("2.0", "Cirrus")
(1, 0, None)
"""

import re
from dataclasses import dataclass

LONGEST = 50

_TOKEN = re.compile(r"[0-9]+|[a-z]+")
# Words before the first number that say only that a version follows.
_NOISE = frozenset({"v", "ver", "version", "fw", "firmware", "r", "rel", "release", "sw", "software"})
# Words that name the firmware's number where the hardware's stands before it: "HW2-FW1.10".
_MAIN = frozenset({"fw", "firmware", "sw", "software"})
_UNFINISHED = {"dev": -6, "snapshot": -5, "alpha": -4, "a": -4, "beta": -3, "b": -3, "pre": -2, "preview": -2, "rc": -1}
_LATER = frozenset({"p", "patch", "sp", "build", "rev", "hotfix", "hf", "fix", "update", "u"})
_DAY_FIRST = re.compile(r"(?<![0-9.])([0-3]?[0-9])\.([01]?[0-9])\.((?:19|20)[0-9]{2})(?![0-9.])")
_COMPACT_DATE = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})([01][0-9])([0-3][0-9])(?![0-9])")
# A commit's name: letters and digits mixed, longer than any word of a version.
_COMMIT = re.compile(r"(?<![0-9a-z])g?(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}(?![0-9a-z])")


@dataclass(frozen=True)
class _Read:
    family: tuple[str, ...]  # what stands before the number
    numbers: tuple[int, ...]
    is_date: bool
    rank: tuple[int, ...]  # of what follows: unfinished below nothing below patches
    variant: tuple[str, ...]  # words that follow and tell no order by themselves
    counts: tuple[int, ...]  # numbers after them


def key(version: str) -> str:
    """The same for spellings of one version: case, spaces and a leading v do not matter.

    >>> key(" V1.2.0 ")
    '1.2.0'
    """
    text = " ".join(version.casefold().split())
    return re.sub(r"^v(?:er(?:sion)?)?[ ._-]*(?=[0-9])", "", text)


def compare(one: str, other: str) -> int | None:
    """1 if `one` is newer, -1 if older, 0 if it is the same; None where the names do not tell.

    Numbers count as numbers; dates only compare with dates; a suffix of the vendor ("1.4-EU") is no order: it is
    the same version as without it, and tells nothing against another suffix.
    """
    if key(one) == key(other):
        return 0
    a, b = _read(one), _read(other)
    if a is None or b is None or a.family != b.family or a.is_date != b.is_date:
        return None
    for left, right in ((a.numbers, b.numbers), (a.rank, b.rank)):
        if left != right:
            return 1 if left > right else -1
    if not a.variant and not a.counts or not b.variant and not b.counts:
        return 0
    if a.variant != b.variant:
        return None
    return (a.counts > b.counts) - (a.counts < b.counts)


def _read(version: str) -> _Read | None:
    dated = _COMPACT_DATE.sub(r"\1.\2.\3", _DAY_FIRST.sub(r"\3.\2.\1", key(version)))
    commits = tuple(each[0] for each in _COMMIT.finditer(dated))
    tokens = _TOKEN.findall(_COMMIT.sub(" ", dated))
    first = _begin(tokens)
    if first is None:
        return None
    last = first
    while last + 1 < len(tokens) and tokens[last + 1].isdigit():
        last += 1
    numbers = [_number(word) for word in tokens[first : last + 1]]
    is_date = len(numbers) >= 3 and 1990 <= numbers[0] <= 2100 and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    rank, variant, counts = _suffix(tokens[last + 1 :])
    family = tuple(word for word in tokens[:first] if word not in _NOISE)
    return _Read(family, tuple(numbers), is_date, rank, variant + commits, counts)


def _begin(tokens: list[str]) -> int | None:
    """Where the number begins."""
    named = (at + 1 for at, word in enumerate(tokens[:-1]) if word in _MAIN and tokens[at + 1].isdigit())
    return next(named, next((at for at, word in enumerate(tokens) if word.isdigit()), None))


def _suffix(words: list[str]) -> tuple[tuple[int, ...], tuple[str, ...], tuple[int, ...]]:
    """How far what follows the number counts, and the words and numbers of it that say nothing of that kind."""
    rank: list[int] = []
    variant: list[str] = []
    counts: list[int] = []
    for word in words:
        if word.isdigit():
            (rank if rank and not variant else counts).append(_number(word))
        elif word in _UNFINISHED and not rank:
            rank = [_UNFINISHED[word]]
        elif word in _LATER and not rank:
            rank = [1]
        else:
            variant.append(word)
    return tuple(rank or (0,)), tuple(variant), tuple(counts)


def _number(word: str) -> int:
    return int(word[:LONGEST])
