"""Which prices a page shows and changes: those in force, a planned version, or the station's draft.

Forms carry a mark of what they were made from. It is looked at again when they come back, so that nobody changes what
they have not seen.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request

from blueprints import access
from blueprints.database import db
from domain import price_changes, price_drafts, station_list, tariff_book
from domain.errors import NotFound
from domain.models.price_drafts import TariffDraft
from domain.models.stations import Station
from domain.models.tariffs import Tariff
from domain.price_changes import Outdated, Prices


@dataclass(frozen=True)
class Subject:
    """`tariff` is the version shown, or that which the draft would replace; `prices` is what is said."""

    prices: Prices
    tariff: Tariff | None
    draft: TariffDraft | None = None
    is_planned: bool = False

    @property
    def query(self) -> dict[str, Any]:
        """What an address needs to come back to it."""
        if self.draft is not None:
            return {"draft": 1}
        return {"version": self.tariff.id} if self.is_planned and self.tariff else {}

    @property
    def seen(self) -> str:
        """The mark for forms."""
        return f"d{self.draft.revision}" if self.draft else f"t{self.tariff.id if self.tariff else 0}"

    @property
    def hidden(self) -> dict[str, Any]:
        """What a form has to carry."""
        return self.query | {"seen": self.seen}


def shown(station: Station, now: datetime) -> Subject:
    """What the address asks for: `draft=1`, `version=` a planned one, else the prices in force."""
    if request.values.get("draft"):
        draft = price_drafts.of_station(db.session(), station.id)
        if draft is None:
            raise NotFound("This draft was published or discarded.")
        return of_draft(station, draft, now)
    asked = whole(request.values.get("version"))
    if asked is not None:
        return of_version(station, asked, now)
    in_force = tariff_book.in_force(db.session(), station.id, now)
    if in_force is not None:
        return Subject(price_changes.of_tariff(in_force, now), in_force)
    ahead = price_changes.planned(db.session(), station, now)
    if ahead:
        return of_version(station, ahead[0].tariff_id, now)
    return Subject(price_changes.first_prices(station), None)


def seen(station: Station, now: datetime) -> Subject:
    """What the person looked at when they sent this form; without a mark, what is shown now.

    A draft keeps no older revisions: there it is the present one, and the mark is compared when it is changed.
    """
    mark = request.form.get("seen", "")
    if request.form.get("draft") or not mark.startswith("t"):
        return shown(station, now)
    tariff_id = whole(mark[1:])
    if not tariff_id:
        return Subject(price_changes.first_prices(station), None)
    return of_version(station, tariff_id, now)


def seen_revision(draft: TariffDraft) -> int:
    """The revision of the draft that the person looked at."""
    mark = request.form.get("seen", "")
    return (whole(mark[1:]) or 0) if mark.startswith("d") else draft.revision


def of_draft(station: Station, draft: TariffDraft, now: datetime) -> Subject:
    base = price_drafts.base_of(db.session(), station, draft, now)
    return Subject(price_drafts.prices_of(draft), base, draft)


def of_version(station: Station, tariff_id: int, now: datetime) -> Subject:
    """One of the station's versions, present, planned or past."""
    tariff = access.tariff_or_404(tariff_id)
    versions = [each for each in station_list.versions(db.session(), station.id) if each.tariff_id == tariff.id]
    if not versions:
        raise Outdated("These prices were withdrawn or replaced meanwhile.")
    return Subject(price_changes.of_tariff(tariff, now), tariff, is_planned=min(e.from_at for e in versions) > now)


def whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
