"""Drafts: begun, rehearsed, published or discarded."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import abort, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm

from blueprints import access, exports, lists
from blueprints.database import db
from blueprints.electricity import bp, saving, subject
from blueprints.electricity.about import about, review
from blueprints.electricity.forms import SavedForm
from blueprints.electricity.list_forms import RehearsalForm
from blueprints.electricity.subject import Subject
from blueprints.exports import Column
from blueprints.formats import money, percent
from blueprints.stations import frame
from blueprints.web import dialog, done, page
from domain import price_changes, price_drafts, rehearsal_list, rehearsals
from domain.clock import utcnow
from domain.currencies import from_minor
from domain.errors import DomainError, NotFound, Refused
from domain.models.price_drafts import Rehearsal
from domain.models.stations import Station
from domain.price_changes import named
from domain.rehearsal_list import Filter, View
from domain.rights import Right

VIEW_NAMES = {
    View.ALL: "All",
    View.DEARER: "Dearer",
    View.CHEAPER: "Cheaper",
    View.SAME: "The same",
    View.FLAGGED: "To be looked at",
}


@bp.post("/stations/<int:station_id>/electricity/draft")
@access.require(Right.TARIFFS)
def draft(station_id: int) -> ResponseReturnValue:
    """A draft with the prices that are shown."""
    station, now = access.station_or_404(station_id), utcnow()
    location = url_for("electricity.index", station_id=station.id, draft=1)
    if price_drafts.of_station(db.session(), station.id) is None:
        seen = subject.seen(station, now)
        base, by = seen.tariff, current_user.email
        price_drafts.begin(db.session(), station, seen.prices, base=base, by=by, now=now)
        db.session.commit()
    return done(location, "This is a draft now. Drivers pay as before until you publish it.")


@bp.route("/stations/<int:station_id>/electricity/draft/publish", methods=["GET", "POST"])
@access.require(Right.TARIFFS)
def publish_draft(station_id: int) -> ResponseReturnValue:
    """The question before a draft becomes what drivers pay; the answer."""
    station, now, form = access.station_or_404(station_id), utcnow(), SavedForm()
    asked = _draft(station, now)
    warnings = _warnings(station, asked, now)
    if request.method == "POST" and form.validate_on_submit() and form.agrees(warnings):
        try:
            return _publish(station, asked, bool(warnings), now)
        except DomainError as refusal:
            db.session.rollback()
            form.form_errors.extend(text for _, text in refusal.errors)
            form.form_errors.extend([] if refusal.errors else [str(refusal)])
            asked = _draft(station, now)
            warnings = _warnings(station, asked, now)
    elif request.method == "POST":
        form.form_errors.append("Tick the box, or keep the draft.")
    form.ask(warnings)
    return dialog(
        "electricity/_publish.html",
        422 if form.form_errors else 200,
        title="Publish draft",
        form=form,
        running=price_changes.running(db.session(), station),
        over=asked.tariff.id if asked.tariff else 0,
        **(about(station, asked, now) | {"warnings": warnings}),
    )


@bp.route("/stations/<int:station_id>/electricity/draft/discard", methods=["GET", "POST"])
@access.require(Right.TARIFFS)
def discard_draft(station_id: int) -> ResponseReturnValue:
    """The question before a draft goes; the answer."""
    station, now, form = access.station_or_404(station_id), utcnow(), FlaskForm()
    asked = _draft(station, now)
    if request.method == "POST" and form.validate_on_submit():
        assert asked.draft is not None  # noqa: S101 - _draft gives one
        price_drafts.discard(db.session(), asked.draft, by=current_user.email, now=now)
        db.session.commit()
        return done(url_for("electricity.index", station_id=station.id), "The draft is discarded.")
    return dialog("electricity/_discard.html", title="Discard draft", form=form, **about(station, asked, now))


@bp.post("/stations/<int:station_id>/electricity/rehearsals")
@access.require(Right.TARIFFS)
def rehearse(station_id: int) -> ResponseReturnValue:
    """The draft is tried on the sessions of some days."""
    station, now, form = access.station_or_404(station_id), utcnow(), RehearsalForm()
    asked = _draft(station, now)
    if form.validate_on_submit():
        since, until = form.span(station.time_zone)
        by = current_user.email
        try:
            made = rehearsals.ask(
                db.session(), station, asked.prices, since, until, draft=asked.draft, by=by, now=now
            )  # fmt: skip
            db.session.commit()
            location = url_for("electricity.rehearsal", station_id=station.id, rehearsal_id=made.id)
            return done(location, "The rehearsal is on its way. Nothing changes for drivers.")
        except Refused as refusal:
            db.session.rollback()
            for name, sentence in refusal.errors:
                field = {"since": form.first, "until": form.last}.get(name)
                if field is not None:
                    field.errors = [*field.errors, sentence]
                else:
                    form.form_errors.append(sentence)
    context = about(station, asked, now) | {"rehearsal_form": form}
    return page("electricity/index.html", "electricity/_body.html", 422, form=None, editing=None, **context)


@bp.get("/stations/<int:station_id>/electricity/rehearsals/<int:rehearsal_id>")
@access.require(Right.TARIFFS, read=True)
def rehearsal(station_id: int, rehearsal_id: int) -> ResponseReturnValue:
    """What came of a rehearsal; while it is at work, how far it is."""
    station, now = access.station_or_404(station_id), utcnow()
    asked, wanted = rehearsal_or_404(station, rehearsal_id), asked_filter()
    cursor = lists.text("cursor", 500)
    found = rehearsal_list.page(db.session(), asked, wanted, cursor, lists.size())
    present = price_drafts.of_station(db.session(), station.id)
    is_present = present is not None and (present.id, present.revision) == (asked.draft_id, asked.draft_revision)
    return page(
        "electricity/rehearsal.html",
        "electricity/_rehearsal.html",
        rehearsal=asked,
        job=asked.job,
        found=found,
        wanted=wanted,
        list=address(station, asked, wanted),
        view_names=VIEW_NAMES,
        counts=_counts(asked),
        last_day=asked.until - timedelta(seconds=1),
        draft=present,
        is_present=is_present,
        **frame(station, "Electricity management", now),
    )


@bp.get("/stations/<int:station_id>/electricity/rehearsals/<int:rehearsal_id>/export.<any(csv, xlsx):kind>")
@access.require(Right.TARIFFS, read=True)
def export_rehearsal(station_id: int, rehearsal_id: int, kind: str) -> ResponseReturnValue:
    """The filtered sessions of a rehearsal as a file."""
    station = access.station_or_404(station_id)
    asked = rehearsal_or_404(station, rehearsal_id)
    rows = rehearsal_list.each(db.session(), asked, asked_filter())
    return exports.answer(kind, "rehearsal", _columns(asked, station.time_zone), rows)


@bp.app_template_filter("signed_money")
def signed_money(minor: int, currency: str) -> str:
    """A difference, with its sign: "+€1.20"."""
    return f"+{money(minor, currency)}" if minor > 0 else money(minor, currency)


@bp.app_template_filter("signed_percent")
def signed_percent(share: float) -> str:
    """ "+4.2 %" """
    return f"{'+' if share > 0 else ''}{percent(Decimal(str(share)), 1)}"


def rehearsal_or_404(station: Station, rehearsal_id: int) -> Rehearsal:
    return access.own_or_404(Rehearsal, "rehearsal", id=rehearsal_id, station_id=station.id)


def asked_filter() -> Filter:
    return Filter(lists.choice("view", View, View.ALL) or View.ALL, lists.text("q"))


def address(station: Station, asked: Rehearsal, wanted: Filter) -> lists.Address:
    view = None if wanted.view == View.ALL else wanted.view.value
    values = {"view": view, "q": wanted.text, "size": lists.size_in_address()}
    return lists.Address("electricity.rehearsal", values, station_id=station.id, rehearsal_id=asked.id)


def _draft(station: Station, now: datetime) -> Subject:
    found = price_drafts.of_station(db.session(), station.id)
    if found is None:
        raise NotFound("This draft was published or discarded.")
    return subject.of_draft(station, found, now)


def _warnings(station: Station, asked: Subject, now: datetime) -> list[str]:
    """What the draft would make odd that is not odd now."""
    if not asked.prices.terms.get("elements"):
        raise Refused("This draft has no price yet. Add one first.")
    before = price_changes.of_tariff(asked.tariff, now) if asked.tariff else named(asked.prices, valid_until=None)
    known = review(before, station, now).warnings if asked.tariff else []
    odd = [each for each in review(asked.prices, station, now).warnings if each not in known]
    return odd + saving.list_warnings(station, Subject(before, asked.tariff), asked.prices, now)


def _publish(station: Station, asked: Subject, may_change_currency: bool, now: datetime) -> ResponseReturnValue:
    over, found = subject.whole(request.form.get("over")), asked.draft
    if over is None or found is None:
        abort(400)
    price_drafts.publish(
        db.session(),
        station,
        found,
        seen=subject.seen_revision(found),
        over=over or None,
        may_change_currency=may_change_currency,
        by=current_user.email,
        now=now,
    )
    db.session.commit()
    return done(url_for("electricity.index", station_id=station.id), "The prices are published.")


def _counts(asked: Rehearsal) -> dict[View, int]:
    return {
        View.ALL: asked.compared,
        View.DEARER: asked.dearer,
        View.CHEAPER: asked.cheaper,
        View.SAME: asked.same,
        View.FLAGGED: asked.flagged,
    }


def _columns(asked: Rehearsal, zone: str) -> list[Column]:
    def amount(name: str) -> Column:
        heads = {"before_minor": "Billed", "after_minor": "With the draft", "change_minor": "Difference"}
        return Column(heads[name], lambda line: from_minor(getattr(line, name), asked.currency))

    def of_session(name: str) -> Any:
        return lambda line: getattr(line.charging, name)

    return [
        Column("Session", lambda line: line.charging_session_id),
        Column("Charger", lambda line: line.charger.label),
        Column("Connector", of_session("connector_number")),
        Column("Started", lambda line: exports.local(line.charging.started_at, zone)),
        Column("Stopped", lambda line: exports.local(line.charging.stopped_at, zone)),
        Column("Energy, Wh", of_session("energy_wh")),
        Column("Currency", lambda _line: asked.currency),
        amount("before_minor"),
        amount("after_minor"),
        amount("change_minor"),
        Column("To be looked at", lambda line: "yes" if line.is_flagged else "no"),
        Column("Flags", lambda line: " ".join(line.charging.flags)),
    ]
