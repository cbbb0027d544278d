"""A station's business hours: kept, and enforced for drivers who pay by phone."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy.orm import Session

from domain import audit, hours
from domain.catalogues import spoken
from domain.errors import Conflict, Refused
from domain.hours import Hours, Now
from domain.models.stations import Station

_SOON = timedelta(days=7)  # a holiday further away is no news yet


class Closed(Conflict):
    """The station is closed now and refuses to start outside its hours."""


def of(station: Station) -> Hours | None:
    """The station's hours; None: open around the clock."""
    return hours.from_json(station.hours)


def now_at(station: Station, now: datetime) -> Now:
    """Open or closed, and until when."""
    return hours.state(of(station), ZoneInfo(station.time_zone), now)


def refuses(station: Station, now: datetime) -> bool:
    """Whether nobody may start there by phone now."""
    return station.refuses_outside_hours and not now_at(station, now).is_open


def check_open(station: Station, now: datetime) -> None:
    """Somebody may start there by phone now.

    Raises:
        Closed: the station refuses outside its hours.
    """
    if refuses(station, now):
        raise Closed(
            spoken("This station has closed meanwhile. Nothing was charged, and your hold is released by itself.")
        )


def change(
    db: Session, station: Station, wanted: Hours | None, *, refuses_outside: bool, by: str, now: datetime
) -> None:
    """The station has these hours from now on; sessions that run go on.

    Raises:
        Refused: too many days differ, or a note is too long.
    """
    if wanted is not None:
        if len(wanted.exceptions) > hours.MOST_EXCEPTIONS:
            raise Refused(f"Up to {hours.MOST_EXCEPTIONS} days may differ. Remove those that are over.")
        if any(len(each.note) > hours.LONGEST_NOTE for each in wanted.exceptions.values()):
            raise Refused(f"A note has up to {hours.LONGEST_NOTE} characters.")
    station.hours, station.refuses_outside_hours = hours.to_json(wanted), refuses_outside
    station.hours_set_at = now
    db.flush()
    audit.record(
        db,
        "business hours changed",
        "station",
        station.id,
        operator_id=station.operator_id,
        by=by,
        now=now,
        hours=station.hours,
        refuses_outside=refuses_outside,
    )


def _is_always(station: Station) -> bool:
    stored = of(station)
    return stored is None or stored.is_always


def told(station: Station, now: datetime, locale: str = "en") -> str:
    """ "open until 22:00", "closed, opens Mon 08:00", "open around the clock": on the station's clock."""
    state = now_at(station, now)
    if state.until is None or (state.is_open and _is_always(station) and state.until - now > _SOON):
        return "open around the clock" if state.is_open else "closed until further notice"
    when = moment_words(state.until, now, ZoneInfo(station.time_zone), locale)
    return f"open until {when}" if state.is_open else f"closed, opens {when}"


def moment_words(at: datetime, now: datetime, zone: ZoneInfo, locale: str) -> str:
    """The time today, with the weekday within a week, with the date beyond."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if local.hour == local.minute == 0 and (local.date() - today).days == 1:
        return "24:00"
    away = (local.date() - today).days
    date = "d. MMM" if locale == "de" else "d MMM"
    pattern = "HH:mm" if away == 0 else "EEE HH:mm" if away < 7 else f"{date} HH:mm"
    return format_datetime(local, pattern, locale=locale)


def over(wanted: Hours, today: date) -> Hours:
    """Without the days that are over."""
    left = {day: each for day, each in wanted.exceptions.items() if day >= today}
    return Hours(wanted.week, left, wanted.is_always)
