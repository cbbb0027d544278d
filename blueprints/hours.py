"""Charging station -> Business hours: the week, days that differ, and what happens outside."""

import re
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, freshness
from blueprints.database import db
from blueprints.stations import frame
from blueprints.web import done, page
from domain import hours, station_hours
from domain import setup as station_setup
from domain.clock import utcnow
from domain.errors import DomainError, Refused
from domain.hours import DAY_NAMES, DAYS, DayThatDiffers, Hours, Period
from domain.models.station_checks import CheckedStep
from domain.models.stations import Station
from domain.rights import Right

bp = Blueprint("hours", __name__)

EMPTY_EXCEPTIONS = 2  # rows to fill in, besides the present ones
LONGEST_TIME = 8
_DATE_FIELD = re.compile(r"x([0-9]{1,4})_date")


@bp.get("/stations/<int:station_id>/hours")
@access.require(Right.STATIONS, read=True)
def index(station_id: int) -> ResponseReturnValue:
    """The station's business hours."""
    return _page(access.station_or_404(station_id))


@bp.post("/stations/<int:station_id>/hours", endpoint="change")
@access.require(Right.STATIONS)
def change(station_id: int) -> ResponseReturnValue:
    """Other hours, or a form with one more row or one day copied to the others."""
    station, now, errors = access.station_or_404(station_id), utcnow(), {}
    typed = _typed()
    act = request.form.get("act", "save")
    if act == "copy":
        typed["week"] = [typed["week"][0] if number < 5 else day for number, day in enumerate(typed["week"])]
    if act == "save":
        try:
            db.session.refresh(station, with_for_update=True)
            freshness.check(_version(station), "these hours")
            wanted = _read(typed, errors, hours_before=station_hours.of(station))
            if not errors:
                station_hours.change(
                    db.session(),
                    station,
                    station_hours.over(wanted, now.astimezone(ZoneInfo(station.time_zone)).date()) if wanted else None,
                    refuses_outside=typed["refuses"],
                    by=current_user.email,
                    now=now,
                )
                station_setup.check(db.session(), station, CheckedStep.HOURS, by=current_user.email, now=now)
                db.session.commit()
                told = station_hours.told(station, now)
                return done(url_for("hours.index", station_id=station.id), f"Business hours are saved: {told} now.")
        except DomainError as refusal:
            db.session.rollback()
            errors["stale" if isinstance(refusal, freshness.Stale) else "form"] = str(refusal)
    return _page(station, typed, errors)


def _page(station: Station, typed: dict[str, Any] | None = None, errors: dict[str, str] | None = None) -> Any:
    now = utcnow()
    context = frame(station, "Business hours", now)
    return page(
        "hours/index.html",
        "hours/_form.html",
        422 if errors else 200,
        typed=typed or _shown(station),
        errors=errors or {},
        told=station_hours.told(station, now),
        seen=freshness.carried(_version(station)),
        day_names=list(zip(DAYS, DAY_NAMES, strict=True)),
        **context,
    )


def _shown(station: Station) -> dict[str, Any]:
    """The stored hours as the form shows them; a station without any begins with a day's usual ones."""
    stored = station_hours.of(station)
    begin = stored or Hours(((Period(8 * 60, 20 * 60),),) * 7)
    return {
        "always": stored is None or stored.is_always,
        "refuses": station.refuses_outside_hours,
        "week": [_pairs(day) for day in begin.week],
        "exceptions": [
            {"date": day.isoformat(), "periods": _pairs(differs.periods), "note": differs.note}
            for day, differs in sorted(begin.exceptions.items())
        ]
        + [_empty() for _ in range(EMPTY_EXCEPTIONS)],
    }


def _typed() -> dict[str, Any]:
    """The form as it was sent."""
    form = request.form
    week = [_sent_pairs(day) for day in DAYS]
    rows = sorted({int(found[1]) for name in form if (found := _DATE_FIELD.fullmatch(name))})
    exceptions = [
        {
            "date": form[f"x{row}_date"].strip()[:20],
            "periods": _sent_pairs(f"x{row}"),
            "note": form.get(f"x{row}_note", "").strip()[:200],
        }
        for row in rows[: hours.MOST_EXCEPTIONS + 20]
    ]
    more = [_empty()] if form.get("act") == "more" else []
    is_always = form.get("when") == "always"
    refuses = form.get("outside", "refused") != "warned"
    return {"always": is_always, "refuses": refuses, "week": week, "exceptions": exceptions + more}


def _read(typed: dict[str, Any], errors: dict[str, str], hours_before: Hours | None) -> Hours | None:
    """The hours that were typed; what is wrong with them goes into `errors` by field.

    Around the clock the week is not seen: what is wrong with it is told to nobody, and the day stays as it was.
    """
    is_always, wrong = typed["always"], dict[str, str]()
    days = [_day(pairs, day, wrong) for day, pairs in zip(DAYS, typed["week"], strict=True)]
    if is_always:
        before = hours_before.week if hours_before else ((),) * len(DAYS)
        days = [before[number] if day in wrong else days[number] for number, day in enumerate(DAYS)]
    else:
        errors.update(wrong)
    week = tuple(days)
    exceptions: dict[date, DayThatDiffers] = {}
    for row, each in enumerate(typed["exceptions"]):
        name = f"x{row}"
        if not each["date"]:
            if any(start or end for start, end in each["periods"]) or each["note"]:
                errors[f"{name}_date"] = "Choose the day."
            continue
        periods = _day(each["periods"], name, errors)
        try:
            day = date.fromisoformat(each["date"])
        except ValueError:
            errors[f"{name}_date"] = "Write the day as 2026-12-24."
            continue
        if day in exceptions:
            errors[f"{name}_date"] = "This day stands here twice."
        exceptions[day] = DayThatDiffers(periods, each["note"])
    if is_always and not exceptions and not any(week):
        return None
    if not is_always and not errors and not any(week) and not any(each.periods for each in exceptions.values()):
        errors["form"] = "These hours are never open. Give at least one day a period, or choose around the clock."
    return Hours(week, exceptions, is_always)


def _day(pairs: list[tuple[str, str]], name: str, errors: dict[str, str]) -> tuple[Period, ...]:
    try:
        return hours.checked_day([hours.parse_period(start, end) for start, end in pairs if start or end])
    except Refused as refusal:
        errors[name] = str(refusal)
        return ()


def _sent_pairs(name: str) -> list[tuple[str, str]]:
    sent = zip(request.form.getlist(f"{name}_from"), request.form.getlist(f"{name}_to"), strict=False)
    pairs = [(start.strip()[:LONGEST_TIME], end.strip()[:LONGEST_TIME]) for start, end in sent]
    kept = [pair for pair in pairs if any(pair)][: hours.MOST_PERIODS + 1]
    return [*kept, ("", "")]


def _pairs(periods: tuple[Period, ...]) -> list[tuple[str, str]]:
    return [*((hours.clock(each.start_min), hours.clock(each.end_min)) for each in periods), ("", "")]


def _empty() -> dict[str, Any]:
    return {"date": "", "periods": [("", "")], "note": ""}


def _version(station: Station) -> str:
    return station.hours_set_at.isoformat() if station.hours_set_at else ""
