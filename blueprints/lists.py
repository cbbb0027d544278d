"""What all lists share: the present filters as an address, page sizes, and whole numbers from the address."""

import zlib
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from flask import Response, make_response, render_template, request, url_for

from domain.paging import PAGE_SIZES

Word = TypeVar("Word", bound=StrEnum)


class Address:
    """The list's own URL: the filters as they are, with some of them changed.

    `list.url(view="faulted")` keeps every other filter and starts at the first page again.
    """

    def __init__(self, endpoint: str, values: dict[str, Any], **path: Any) -> None:
        """Args:
        values: the filters now; empty ones stay out of the address.
        path: the parts of the path.
        """
        self.endpoint, self.path = endpoint, path
        self.values = {name: value for name, value in values.items() if value not in (None, "")}

    def url(self, endpoint: str | None = None, **changes: Any) -> str:
        changed = {name: value for name, value in (self.values | changes).items() if value not in (None, "")}
        return url_for(endpoint or self.endpoint, **self.path, **changed)


def size() -> int:
    """How many rows a page shall have."""
    asked = whole("size")
    return asked if asked in PAGE_SIZES else PAGE_SIZES[0]


def size_in_address() -> int | None:
    """The page size for the address; the usual one stays out of it."""
    return None if size() == PAGE_SIZES[0] else size()


def whole(name: str) -> int | None:
    """That number from the address; None for anything else."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def text(name: str, most: int = 100) -> str:
    """That text from the address, without what no database keeps."""
    return request.args.get(name, "").replace("\0", "").strip()[:most]


def choice(name: str, words: type[Word], default: Word | None = None) -> Word | None:
    """That word from the address; the default for one that is none of them."""
    try:
        return words(request.args.get(name, ""))
    except ValueError:
        return default


def version(*seen: Any) -> str:
    """A short text that changes with anything that a live list shows."""
    return f"{zlib.crc32(repr(seen).encode()):x}"


def is_shown(present: str) -> bool:
    """Whether a live list asks that shows this version already."""
    return request.args.get("shown") == present


def unchanged(now: datetime, zone: str) -> Response:
    """Nothing to swap but the clock of the live list."""
    response = make_response(render_template("ui/_live_clock.html", now=now, zone=zone))
    response.headers["HX-Reswap"] = "none"
    return response


def shown() -> dict[int, str]:
    """What a live list shows: the version of each row by its id, from `rows` as id.version, comma-separated."""
    pairs = (part.partition(".") for part in request.args.get("rows", "").split(",")[: max(PAGE_SIZES)])
    return {
        int(number): seen for number, _, seen in pairs if number.isascii() and number.isdigit() and len(number) < 19
    }
