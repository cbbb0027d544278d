"""Versions: what was in force when, by whom, what differs; planned ones withdrawn; prices copied to other stations."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select

from blueprints import access
from blueprints.database import db
from blueprints.electricity import bp, subject, week, words
from blueprints.stations import frame
from blueprints.web import dialog, done, page
from domain import price_changes, price_diff, price_rows, station_list, tariff_book
from domain.clock import utcnow
from domain.errors import NotFound, Refused
from domain.models.stations import Station, StationTariff
from domain.models.tariffs import Tariff
from domain.price_changes import as_published
from domain.price_rows import PriceRow
from domain.rights import Right


@bp.get("/stations/<int:station_id>/electricity/history")
@access.require(Right.TARIFFS, read=True)
def history(station_id: int) -> ResponseReturnValue:
    """Every price list of the station, the latest first, and what differs between two of them."""
    station, now = access.station_or_404(station_id), utcnow()
    in_force = tariff_book.in_force(db.session, station.id, now)
    found = station_list.versions(db.session, station.id)
    known = {each.tariff_id: each.tariff for each in found}
    older, newer = (known.get(subject.whole(request.args.get(name)) or 0) for name in ("from", "to"))
    context = frame(station, "Electricity management", now)
    return page(
        "electricity/history.html",
        versions=[(each, _rows(each.tariff), _changes(each, known, station)) for each in found],
        in_force=in_force,
        older=older,
        newer=newer,
        differences=_differences(older, newer, station) if older and newer else None,
        planned={each.tariff_id for each in price_changes.planned(db.session(), station, now)},
        **context,
    )


@bp.route("/stations/<int:station_id>/electricity/versions/<int:tariff_id>/withdraw", methods=["GET", "POST"])
@access.require(Right.TARIFFS)
def withdraw(station_id: int, tariff_id: int) -> ResponseReturnValue:
    """The question before planned prices are withdrawn; the answer."""
    station, now, form = access.station_or_404(station_id), utcnow(), FlaskForm()
    tariff = access.tariff_or_404(tariff_id)
    rows = [each for each in station_list.versions(db.session, station.id) if each.tariff_id == tariff.id]
    if not rows and request.method == "GET":
        raise NotFound("There is no such version.")
    if request.method == "POST" and form.validate_on_submit():
        price_changes.withdraw(db.session(), station, tariff, by=current_user.email, now=now)
        db.session.commit()
        return done(url_for("electricity.index", station_id=station.id), "The planned prices are withdrawn.")
    follows = tariff_book.in_force(db.session, station.id, now)
    context: dict[str, Any] = {"station": station, "tariff": tariff, "follows": follows, "zone": station.time_zone}
    return dialog("electricity/_withdraw.html", title="Withdraw planned prices", form=form, **context)


@bp.route("/stations/<int:station_id>/electricity/copy", methods=["GET", "POST"])
@access.require(Right.TARIFFS)
def copy(station_id: int) -> ResponseReturnValue:
    """Which other stations get these prices, what that means; the answer."""
    station, now, form = access.station_or_404(station_id), utcnow(), FlaskForm()
    source = subject.seen(station, now) if request.method == "POST" else subject.shown(station, now)
    if source.tariff is None or source.draft is not None:
        raise Refused("There are no published prices to copy.")
    others = list(db.session.scalars(access.own(Station).where(Station.id != station.id).order_by(Station.name)))
    picked = {number for text in request.form.getlist("pick") if (number := subject.whole(text))}
    if request.method == "POST" and form.validate_on_submit():
        chosen = [each for each in others if each.id in picked]
        if picked - {each.id for each in others}:
            raise NotFound("There is no such charging station.")
        try:
            if not chosen:
                raise Refused("Choose at least one station.")
            given, same = price_changes.copy(db.session(), source.prices, chosen, by=current_user.email, now=now)
            db.session.commit()
            return done(url_for("electricity.index", station_id=station.id, **source.query), _copied(given, same))
        except Refused as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
    return dialog(
        "electricity/_copy.html",
        422 if form.form_errors else 200,
        title="Copy prices",
        form=form,
        station=station,
        subject=source,
        others=[(each, tariff_book.in_force(db.session, each.id, now)) for each in others],
        picked=picked,
    )


def _copied(given: list[Station], same: list[Station]) -> str:
    told = [f"The prices are at {_names(given)} now."] if given else []
    told += [f"{_names(same)} had them already."] if same else []
    return " ".join(told)


def _names(stations: list[Station]) -> str:
    names = [each.name for each in stations]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _rows(tariff: Tariff) -> list[tuple[PriceRow, str, str]]:
    rows = price_rows.rows(tariff.terms)
    return [(row, week.when_words(row), words.conditions(row)) for row in rows]


def _changes(version: StationTariff, known: dict[int, Tariff], station: Station) -> words.Told | None:
    """What the version changed; None for the first."""
    before = known.get(version.tariff.replaces_id or 0)
    if before is None and version.tariff.replaces_id:
        before = db.session.scalar(select(Tariff).where(Tariff.id == version.tariff.replaces_id))
    return _differences(before, version.tariff, station) if before else None


def _differences(before: Tariff, after: Tariff, station: Station) -> words.Told:
    found = price_diff.compare(as_published(before), as_published(after))
    return words.differences(found, (before.currency, after.currency), station.time_zone)
