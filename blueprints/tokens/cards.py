"""The cards: list, export, add, edit, delete."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from blueprints import access, exports, lists
from blueprints.database import db
from blueprints.exports import Column
from blueprints.forms import is_near
from blueprints.tokens import bp
from blueprints.web import dialog, done, page
from domain import sightings, station_days, token_list, tokens
from domain.clock import utcnow
from domain.errors import DomainError
from domain.models.stations import Station
from domain.models.tokens import Token
from domain.rights import Right
from domain.token_batches import LONGEST_NAME, end_of
from domain.token_list import Filter, View

VIEW_NAMES = {View.ALL: "All", View.ACCEPTED: "Accepted", View.BLOCKED: "Blocked", View.EXPIRED: "Expired"}
EVERYWHERE, CHOSEN = "all", "chosen"


class CardForm(FlaskForm):
    uid = StringField("Card number", [InputRequired("Enter the number that the reader tells.")])
    name = StringField(
        "Holder", [Length(max=LONGEST_NAME, message=f"Use up to {LONGEST_NAME} characters.")]
    )  # a person, a vehicle, a company
    group = SelectField("Group")
    expires = DateField("Last day, optional", [Optional(), is_near])
    where = RadioField(
        "May charge at",
        choices=[SelectChoice(EVERYWHERE, "All charging stations"), SelectChoice(CHOSEN, "Chosen ones only")],
        default=EVERYWHERE,
    )
    station_ids = SelectMultipleField(
        "Charging stations", coerce=int, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )


def exported(may_name: bool) -> list[Column]:
    """The columns of the import, and what else is known."""
    holder = [Column("holder", lambda row: row.token.name)] if may_name else []
    return [
        Column("card number", lambda row: row.token.uid),
        *holder,
        Column("status", lambda row: row.word),
        Column("group", lambda row: row.token.parent_uid),
        Column("expires", lambda row: last_day(row.token)),
        Column("charging stations", lambda row: "; ".join(station.name for station in row.stations)),
        Column("last seen, UTC", lambda row: exports.local(row.seen_at, "UTC")),
        Column("last seen at", lambda row: row.seen_by.label if row.seen_by else None),
    ]


@bp.get("/cards")
@access.require(Right.STATIONS, read=True)
def index() -> ResponseReturnValue:
    """All cards, by their holders."""
    now, wanted = utcnow(), asked_filter()
    operator_id = current_user.operator_id
    return page(
        "tokens/list.html",
        "tokens/_list.html",
        list=address(wanted),
        wanted=wanted,
        found=token_list.page(db.session, operator_id, wanted, lists.text("cursor", 500), lists.size(), now),
        counts=token_list.counts(db.session, operator_id, wanted, now),
        view_names=VIEW_NAMES,
        groups=lambda: token_list.groups(db.session, operator_id),
        last_day=last_day,
        **frame("Cards"),
    )


@bp.get("/cards/export.csv", defaults={"kind": "csv"})
@bp.get("/cards/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.STATIONS, read=True)
def export(kind: str) -> ResponseReturnValue:
    """The filtered cards as a file; holders only for those who may take names out."""
    rows = token_list.each(db.session, current_user.operator_id, asked_filter(), utcnow())
    return exports.answer(kind, "cards", exported(access.may(Right.PERSONAL_EXPORT)), rows)


@bp.route("/cards/new", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def add() -> ResponseReturnValue:
    """A new card, or one that was seen and that nobody knew."""
    form = prepared(CardForm() if request.method == "POST" else CardForm(formdata=None))
    if request.method == "GET":
        form.uid.data, form.group.data = lists.text("uid", tokens.MAX_UID), lists.text("group", tokens.MAX_UID)
    seen = sightings.find_unknown(db.session, current_user.operator_id, form.uid.data or "")
    if form.validate_on_submit():
        try:
            token = tokens.add(
                db.session, current_user.operator_id, form.uid.data, by=current_user.email, now=utcnow(), **values(form)
            )
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            said = f"{token.name} can charge with {token.uid}." if token.name else f"Card {token.uid} is added."
            return done(url_for("tokens.unknown" if seen else "tokens.index"), said)
    status = 422 if request.method == "POST" else 200
    title = "Assign to a person" if seen else "Add card"
    return dialog("tokens/_card.html", status, title=title, form=form, token=None, seen=seen, **frame("Cards"))


@bp.route("/cards/<uid:uid>/edit", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def edit(uid: str) -> ResponseReturnValue:
    """Change a card: holder, group, last day, where it may charge."""
    token = card_or_404(uid)
    form = prepared(CardForm() if request.method == "POST" else CardForm(formdata=None))
    if request.method == "GET":
        _show(form, token)
    else:
        form.uid.data, form.uid.validators = token.uid, ()  # it stays
    if request.method == "POST" and form.validate():
        try:
            tokens.change(db.session, token.operator_id, token.uid, by=current_user.email, now=utcnow(), **values(form))
        except DomainError as refusal:
            db.session.rollback()
            tell(form, refusal)
        else:
            db.session.commit()
            return done(url_for("tokens.index"), f"Card {token.uid} is saved.")
    status = 422 if request.method == "POST" else 200
    return dialog("tokens/_card.html", status, title="Edit card", form=form, token=token, seen=None, **frame("Cards"))


@bp.route("/cards/<uid:uid>/delete", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def delete(uid: str) -> ResponseReturnValue:
    """Delete a card that nothing was charged with."""
    token = card_or_404(uid)
    form = FlaskForm() if request.method == "POST" else FlaskForm(formdata=None)
    if form.validate_on_submit():
        try:
            tokens.delete(db.session, token, by=current_user.email, now=utcnow())
        except DomainError as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            return done(url_for("tokens.groups" if token.is_group else "tokens.index"), f"{token.uid} is deleted.")
    status = 422 if request.method == "POST" else 200
    return dialog("tokens/_delete.html", status, title="Delete card", token=token, form=form)


def frame(tab: str) -> dict[str, Any]:
    """What the head of every page about cards needs."""
    unknown = sightings.count_unknown(db.session, current_user.operator_id)
    return {
        "tab": tab,
        "tabs": [
            ("Cards", url_for("tokens.index"), None),
            ("Groups", url_for("tokens.groups"), None),
            ("Unknown cards", url_for("tokens.unknown"), unknown),
        ],
        "now": utcnow(),
        "zone": station_days.operator_zone(db.session, current_user.operator_id),
    }


def asked_filter() -> Filter:
    return Filter(
        lists.choice("view", View, View.ALL) or View.ALL, lists.text("q"), lists.text("group", tokens.MAX_UID)
    )


def address(wanted: Filter) -> lists.Address:
    view = None if wanted.view == View.ALL else wanted.view.value
    values = {"view": view, "q": wanted.text, "group": wanted.group, "size": lists.size_in_address()}
    return lists.Address("tokens.index", values)


def card_or_404(uid: str) -> Token:
    return access.own_or_404(Token, "card", uid_key=uid.strip().upper())


def last_day(token: Token) -> str | None:
    """The last day on which it may charge, as people read it where its operator is."""
    if token.expires_at is None:
        return None
    return (token.expires_at.astimezone(ZoneInfo("UTC")) - timedelta(microseconds=1)).date().isoformat()


def prepared(form: CardForm) -> CardForm:
    """The form offers the operator's groups and stations."""
    known = token_list.groups(db.session, current_user.operator_id)
    offered = [SelectChoice(row.uid, (row.token.name if row.token else None) or row.uid) for row in known]
    form.group.choices = [SelectChoice("", "No group"), *offered]
    places = db.session.scalars(access.own(Station).order_by(Station.name, Station.id))
    form.station_ids.choices = [SelectChoice(station.id, station.name) for station in places]
    return form


def values(form: CardForm) -> dict[str, Any]:
    return {
        "name": (form.name.data or "").strip() or None,
        "parent_uid": form.group.data or None,
        "expires_at": end_of(form.expires.data) if form.expires.data else None,
        "station_ids": (form.station_ids.data or []) if form.where.data == CHOSEN else None,
    }


def tell(form: FlaskForm, refusal: DomainError) -> None:
    """Each sentence stands at its field."""
    for name, sentence in refusal.errors:
        name = {"parent_uid": "group"}.get(name, name)
        if name in form:
            form[name].errors = [*form[name].errors, sentence]
        else:
            form.form_errors.append(sentence)
    if not refusal.errors:
        form.form_errors.append(str(refusal))


def _show(form: CardForm, token: Token) -> None:
    limits = tokens.station_ids(db.session, token)
    form.uid.data, form.name.data, form.group.data = token.uid, token.name, token.parent_uid or ""
    form.expires.data = (token.expires_at - timedelta(microseconds=1)).date() if token.expires_at else None
    form.where.data, form.station_ids.data = (EVERYWHERE, []) if limits is None else (CHOSEN, limits)
