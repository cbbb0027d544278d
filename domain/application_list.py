"""The review queue: applications by state, found by what people know of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select, true
from sqlalchemy.orm import Session, selectinload

from domain import paging
from domain.models.applications import ApplicationDevice, ApplicationStatus, StationApplication


class View(StrEnum):
    """The saved views; the first is what waits for staff."""

    TO_REVIEW = "to_review"
    ASKED = "asked"
    APPROVED = "approved"
    REJECTED = "rejected"
    ALL = "all"


_STATUSES = {
    View.TO_REVIEW: (ApplicationStatus.NEW, ApplicationStatus.ANSWERED),
    View.ASKED: (ApplicationStatus.ASKED,),
    View.APPROVED: (ApplicationStatus.APPROVED,),
    View.REJECTED: (ApplicationStatus.REJECTED,),
}


@dataclass(frozen=True)
class Filter:
    """What a person narrowed the list to."""

    view: View = View.TO_REVIEW
    text: str = ""  # in company, e-mail, station, order number, device id
    country: str = ""

    @property
    def is_narrow(self) -> bool:
        return bool(self.text or self.country)


def page(db: Session, wanted: Filter, cursor: str | None, limit: int) -> paging.Page[StationApplication]:
    """One page of applications: what waits the longest first, what is decided the latest first."""
    found = select(StationApplication).where(_in_view(wanted.view), *_narrowed(wanted))
    keys: list[Any] = [StationApplication.id]
    is_waiting = wanted.view in (View.TO_REVIEW, View.ASKED)
    found = found.options(selectinload(StationApplication.devices))
    return paging.fetch_page(db, found, keys, descending=not is_waiting, cursor=cursor, limit=limit)


def counts(db: Session, wanted: Filter) -> dict[View, int]:
    """How many each view has under the same filter."""
    grouped = select(StationApplication.status, func.count()).where(*_narrowed(wanted))
    by_status = dict(db.execute(grouped.group_by(StationApplication.status)).all())
    made = {view: sum(by_status.get(each, 0) for each in statuses) for view, statuses in _STATUSES.items()}
    return made | {View.ALL: sum(by_status.values())}


def waiting(db: Session) -> int:
    """How many wait for staff."""
    return db.scalar(select(func.count()).select_from(StationApplication).where(_in_view(View.TO_REVIEW))) or 0


def countries(db: Session) -> list[str]:
    """The countries that applications name."""
    return list(db.scalars(select(StationApplication.country).distinct().order_by(StationApplication.country)))


def _in_view(view: View) -> ColumnElement[bool]:
    return StationApplication.status.in_(_STATUSES[view]) if view in _STATUSES else true()


def _narrowed(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.country:
        conditions.append(StationApplication.country == wanted.country)
    if wanted.text:
        of_it = ApplicationDevice.application_id == StationApplication.id
        device = exists().where(of_it, ApplicationDevice.device_id.icontains(wanted.text, autoescape=True))
        texts = (
            StationApplication.company,
            StationApplication.email,
            StationApplication.station_name,
            StationApplication.order_number,
        )
        conditions.append(or_(device, *(each.icontains(wanted.text, autoescape=True) for each in texts)))
    return conditions
