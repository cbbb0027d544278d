"""Cursors: opaque text that names a list and the last row seen in it."""

import base64
import binascii
import re


def write(list_name: str, row_id: int) -> str:
    """The cursor behind that row."""
    return base64.urlsafe_b64encode(f"{list_name}:{row_id}".encode()).decode().rstrip("=")


def read(list_name: str, cursor: str) -> int:
    """The id of the last row seen.

    Raises:
        ValueError: it was made up, or belongs to another list.

    >>> read("list_orders", write("list_orders", 41))
    41
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name, _, row_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        name, row_id = "", ""
    if name != list_name or not re.fullmatch("[0-9]{1,18}", row_id):
        raise ValueError("Send next_cursor as it came, to the same list.")
    return int(row_id)
