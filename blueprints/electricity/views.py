"""The page and the forms of its rows. Saving publishes a new version, or changes the draft that is open."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from blueprints import access
from blueprints.database import db
from blueprints.electricity import bp, saving, subject, week, words
from blueprints.electricity.about import about, lifted, review
from blueprints.electricity.forms import PriceForm, on_clock, shown, with_grace
from blueprints.electricity.list_forms import ListForm, list_shown
from blueprints.electricity.subject import Subject
from blueprints.web import dialog, done, page, wants_fragment
from domain import price_diff, price_rows
from domain.clock import utcnow
from domain.errors import DomainError, NotFound
from domain.models.stations import Station
from domain.price_changes import Outdated, Prices, named
from domain.price_rows import PriceRow
from domain.rights import Right
from domain.tariffs import InvalidTariff


@bp.get("/stations/<int:station_id>/electricity")
@access.require(Right.TARIFFS, read=True)
def index(station_id: int) -> ResponseReturnValue:
    """Prices through the week, the rows, a preview, what drivers see."""
    station, now = access.station_or_404(station_id), utcnow()
    asked = subject.shown(station, now)
    editing, form = None, None
    if access.may(Right.TARIFFS) and "edit" in request.args:
        editing, form = _opened(station, asked, request.args["edit"])
    return _page(form, editing, about(station, asked, now))


@bp.get("/stations/<int:station_id>/electricity/preview")
@access.require(Right.TARIFFS, read=True)
def preview(station_id: int) -> ResponseReturnValue:
    """What such a session would cost."""
    station, now = access.station_or_404(station_id), utcnow()
    context = about(station, subject.shown(station, now), now)
    return page("electricity/index.html", "electricity/_preview.html", form=None, editing=None, **context)


@bp.post("/stations/<int:station_id>/electricity/check")
@access.require(Right.TARIFFS)
def check(station_id: int) -> ResponseReturnValue:
    """What the typed price would make of the week, of a bill and of what drivers see; nothing is stored."""
    station, now, form = access.station_or_404(station_id), utcnow(), PriceForm()
    asked, row = subject.shown(station, now), subject.whole(request.args.get("row"))
    row = row if row is not None and row < len(_rows(asked)) else None
    typed, warnings, notes = None, [], []
    if form.validate() and form.judge(asked.prices.currency):
        try:
            typed = _typed(asked.prices, row, form, station)
            warnings, notes = _oddities(asked, typed, row, form, station, now)
        except InvalidTariff as error:
            form.form_errors.extend(text for _, text in error.errors)
            typed = None
    context = about(station, asked, now, typed) | {"checked": typed is not None, "asked": warnings, "told": notes}
    editing = "new" if row is None else row
    return page("electricity/index.html", "electricity/_check.html", form=form, editing=editing, **context)


@bp.post("/stations/<int:station_id>/electricity/prices")
@access.require(Right.TARIFFS)
def add(station_id: int) -> ResponseReturnValue:
    """A new price joins the list."""
    return _save_row(station_id, None)


@bp.post("/stations/<int:station_id>/electricity/prices/<int:row>")
@access.require(Right.TARIFFS)
def change(station_id: int, row: int) -> ResponseReturnValue:
    """An old price changes."""
    return _save_row(station_id, row)


@bp.post("/stations/<int:station_id>/electricity/prices/<int:row>/<any(up, down, above):way>")
@access.require(Right.TARIFFS)
def move(station_id: int, row: int, way: str) -> ResponseReturnValue:
    """A price goes before or behind its neighbour, or before those that hide it: the first that matches is used."""
    station, now = access.station_or_404(station_id), utcnow()
    seen = _with_row(subject.seen(station, now), row)
    if way == "above":
        terms = lifted(seen.prices.terms, row, ZoneInfo(station.time_zone), now)
    else:
        terms = price_rows.moved(seen.prices.terms, row, -1 if way == "up" else 1)
    location = saving.save(station, seen, named(seen.prices, terms=terms), now)
    return done(location, "The order of the prices is saved.")


@bp.route("/stations/<int:station_id>/electricity/prices/<int:row>/remove", methods=["GET", "POST"])
@access.require(Right.TARIFFS)
def remove(station_id: int, row: int) -> ResponseReturnValue:
    """A price leaves the list."""
    station, now, form = access.station_or_404(station_id), utcnow(), FlaskForm()
    is_asked = request.method == "POST"
    seen = _with_row(subject.seen(station, now) if is_asked else subject.shown(station, now), row)
    rows, is_last = _rows(seen), len(_rows(seen)) == 1
    left = named(seen.prices, terms=price_rows.without(seen.prices.terms, row))
    if is_asked and form.validate_on_submit():
        if not is_last:
            return done(saving.save(station, seen, left, now), f"{rows[row].name or 'The price'} is removed.")
        form.form_errors.append("This is the only price. Edit it instead.")
    return dialog(
        "electricity/_remove.html",
        422 if form.form_errors else 200,
        title="Remove price",
        station=station,
        subject=seen,
        row=rows[row],
        index=row,
        form=form,
        when=week.when_words(rows[row]),
        warnings=None if is_last else review(left, station, now).warnings,
    )


@bp.post("/stations/<int:station_id>/electricity/list")
@access.require(Right.TARIFFS)
def change_list(station_id: int) -> ResponseReturnValue:
    """What holds for the whole list changes: VAT, minimum and maximum, currency, validity."""
    station, now, form = access.station_or_404(station_id), utcnow(), ListForm()
    seen, warnings = subject.seen(station, now), []
    status = 422
    if form.validate_on_submit():
        try:
            typed = form.prices(seen.prices, station.time_zone)
            warnings = saving.list_warnings(station, seen, typed, now)
            if form.agrees(warnings):
                location = saving.save(station, seen, typed, now, may_change_currency=bool(warnings))
                return done(location, f"{typed.name} is saved. Sessions that run keep their price.")
        except DomainError as refusal:
            status = _tell(form, refusal, {"min_price": "least", "max_price": "most", "name": "name"})
    form.ask(warnings)
    current = subject.shown(station, now)
    return _page(form, "list", about(station, current, now) | {"warnings": warnings}, status)


def _save_row(station_id: int, row: int | None) -> ResponseReturnValue:
    station, now, form = access.station_or_404(station_id), utcnow(), PriceForm()
    seen = subject.seen(station, now) if row is None else _with_row(subject.seen(station, now), row)
    warnings: list[str] = []
    notes: list[str] = []
    typed, status = None, 422
    if form.validate_on_submit() and form.judge(seen.prices.currency):
        try:
            typed = _typed(seen.prices, row, form, station)
            warnings, notes = _oddities(seen, typed, row, form, station, now)
            if form.agrees(warnings):
                location = saving.save(station, seen, typed, now, added=form.row() if row is None else None)
                return done(location, saving.said(form.row().name or "The price", location))
        except InvalidTariff as error:
            form.form_errors.extend(text for _, text in error.errors)
        except DomainError as refusal:
            status = _tell(form, refusal, {"valid_from": "valid_from"})
    form.ask(warnings)
    form.above.data = "1" if _goes_above(form) else ""
    current = subject.shown(station, now)
    editing = "new" if row is None else _same_row(seen, current, row)
    context = about(station, current, now, typed if current.seen == seen.seen and typed else None)
    context |= {"warnings": warnings, "told": notes, "can_rise": _can_rise(seen, typed, row, form, station, now)}
    return _page(form, editing, context, status)


def _page(
    form: PriceForm | ListForm | None, editing: int | str | None, context: dict[str, Any], status: int = 200
) -> ResponseReturnValue:
    return page("electricity/index.html", "electricity/_body.html", status, form=form, editing=editing, **context)


def _opened(station: Station, asked: Subject, editing: str) -> tuple[int | str | None, PriceForm | ListForm | None]:
    """The form that the address opens, filled: of a row, of the whole list, or "new" for an empty one."""
    rows, prices = _rows(asked), asked.prices
    grace_s = int(prices.terms.get("idle_grace_s") or 0)
    number = subject.whole(editing)
    if number is not None and number < len(rows):
        form = PriceForm(formdata=None, data=shown(rows[number], grace_s))
    elif editing == "new":
        form = PriceForm(formdata=None, data=shown(PriceRow(vat=price_rows.usual_vat(prices.terms)), grace_s))
    elif editing == "list" and rows:
        return "list", ListForm(formdata=None, data=list_shown(prices, station.time_zone))
    else:
        return None, None
    form.valid_from.data = on_clock(prices.valid_from, station.time_zone)
    return editing if number is None else number, form


def _typed(before: Prices, row: int | None, form: PriceForm, station: Station) -> Prices:
    """The price list with what was typed.

    Raises: InvalidTariff.
    """
    terms = with_grace(price_rows.put(before.terms, row, form.row()), form.grace.data)
    if _goes_above(form):
        terms = lifted(terms, _position(before, row, form), ZoneInfo(station.time_zone), utcnow())
    return named(before, terms=terms, valid_from=form.valid_from_in(station.time_zone))


def _goes_above(form: PriceForm) -> bool:
    return bool(form.above.data or request.form.get("rise"))


def _position(before: Prices, row: int | None, form: PriceForm) -> int:
    return price_rows.place(before.terms, form.row()) if row is None else row


def _can_rise(
    seen: Subject, typed: Prices | None, row: int | None, form: PriceForm, station: Station, now: datetime
) -> bool:
    """Whether the typed row is hidden by those above it."""
    if typed is None or _goes_above(form):
        return False
    return _position(seen.prices, row, form) in review(typed, station, now).hidden


def _oddities(
    before: Subject, typed: Prices, row: int | None, form: PriceForm, station: Station, now: datetime
) -> tuple[list[str], list[str]]:
    """What the change would make odd and was not odd before; what else is worth knowing.

    Raises: InvalidTariff.
    """
    found, new = review(typed, station, now), form.row()
    known = review(before.prices, station, now).warnings if _rows(before) else []
    warnings = [each for each in found.warnings if each not in known]
    if row is None or _rows(before)[row] != new:
        warnings += words.unusual(new, form.grace.data, typed.currency)
    midnight = words.past_midnight(new, new.name or "This price")
    return warnings, [*filter(None, [midnight]), *found.notes]


def _rows(asked: Subject) -> list[PriceRow]:
    return price_rows.rows(asked.prices.terms)


def _with_row(asked: Subject, row: int) -> Subject:
    if row >= len(_rows(asked)):
        raise NotFound("There is no such price.")
    return asked


def _same_row(seen: Subject, current: Subject, row: int) -> int | str:
    """Where the row stands in the prices of now; "new" if it is gone."""
    found = price_diff.pairs(_rows(seen), _rows(current))
    return next((to for to, at in found.items() if at == row), "new")


def _tell(form: PriceForm | ListForm, refusal: DomainError, fields: dict[str, str]) -> int:
    """The refusal stands where it belongs, and nothing was saved; returns the status to answer."""
    db.session.rollback()
    for name, sentence in refusal.errors:
        known = fields.get(name, name)
        if known in form:
            form[known].errors = [*form[known].errors, sentence]
        else:
            form.form_errors.append(sentence)
    if not refusal.errors:
        form.form_errors.append(str(refusal))
    # htmx swaps 422 only.
    return 409 if isinstance(refusal, Outdated) and not wants_fragment() else 422
