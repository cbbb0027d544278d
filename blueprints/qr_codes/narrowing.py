"""What the address narrows the list of codes to, for the list and for what is made of it."""

from datetime import datetime

from blueprints import lists
from domain.qr_list import Filter, View


def narrowed() -> tuple[Filter, lists.Address]:
    """What the address narrows the list to, and the address itself."""
    view, made = lists.choice("view", View, View.ALL) or View.ALL, _moment(lists.text("made", 40))
    station = lists.whole("station")
    wanted = Filter(view, lists.text("q"), station, made)
    values = {
        "view": None if view is View.ALL else view.value,
        "q": wanted.text,
        "station": station,
        "made": made.isoformat() if made else None,
        "size": lists.size_in_address(),
    }
    return wanted, lists.Address("qr_codes.index", values)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
