"""Order Manage -> Billings: the list, one order, its refund, exports."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from blueprints import access, addresses, exports, lists, order_words
from blueprints.database import db
from blueprints.exports import Column
from blueprints.formats import money
from blueprints.money_steps import payment_steps
from blueprints.price_words import per_minute, unit_price
from blueprints.till import till
from blueprints.web import dialog, done, page, trigger
from domain import disputes, manual_refunds, order_list, orders, refunds, station_days
from domain.charging_flags import SENTENCES
from domain.clock import utcnow
from domain.currencies import from_minor
from domain.errors import Conflict, DomainError, NotFound
from domain.models.disputes import DisputeStatus
from domain.models.manual_refunds import ManualRefundStatus
from domain.models.orders import Order, OrderStatus
from domain.models.stations import Station
from domain.order_list import Filter, View
from domain.rights import Right
from domain.settling import settle_refund

bp = Blueprint("billings", __name__)

MONTHS_BACK = 24
VIEW_NAMES = {
    View.ALL: "All",
    View.PAID: "Paid",
    View.UNPAID: "Unpaid",
    View.REFUNDING: "Refunding",
    View.REFUNDED: "Refunded",
    View.REFUND_FAILED: "Refund failed",
}
REASONS = (
    "Charger fault",
    "Charging did not start",
    "Energy was not delivered",
    "Charged twice",
    "Wrong price",
    "Goodwill",
)


class RefundForm(FlaskForm):
    reason = SelectField(
        "Reason",
        [InputRequired("Choose a reason. It is kept in the audit log.")],
        choices=[SelectChoice("", "Choose a reason"), *(SelectChoice(each) for each in REASONS)],
    )
    note = StringField("Note for your team, optional", [Length(max=500)])


@bp.get("/billings")
@access.require(Right.ORDERS)
def index() -> ResponseReturnValue:
    """All orders, newest first."""
    now, zone = utcnow(), operator_zone()
    wanted, month = asked_filter(zone)
    operator_id, cursor = current_user.operator_id, lists.text("cursor", 500)
    found = order_list.page(db.session, operator_id, wanted, cursor, lists.size(), now)
    counts = order_list.counts(db.session, operator_id, wanted, now)
    version = lists.version(counts, [_seen(order) for order in found.rows])
    if lists.is_shown(version):
        return lists.unchanged(now, zone)
    return page(
        "billings/list.html",
        "billings/_list.html",
        list=address(wanted, month),
        wanted=wanted,
        month=month,
        found=found,
        counts=counts,
        cursor=cursor,
        version=version,
        now=now,
        zone=zone,
        count_up_to=order_list.COUNT_UP_TO,
        view_names=VIEW_NAMES,
        months=lambda: months(zone, now),
        stations=lambda: db.session.scalars(access.own(Station).order_by(Station.name)).all(),
        channels=lambda: order_list.channels(db.session, current_user.operator_id),
        figures=lambda: figures(zone, month, now),
        words=order_words,
    )


def _seen(order: Order) -> tuple[Any, ...]:
    """What a row shows that may change."""
    payment = order.payment
    return (order.id, order.status, order.gross_minor, order.flags, payment and (payment.status, payment.last4))


@bp.get("/billings/export.csv", defaults={"kind": "csv"})
@bp.get("/billings/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.ORDERS)
def export(kind: str) -> ResponseReturnValue:
    """The filtered orders as a file; e-mail addresses only for those who may take them out."""
    wanted, _ = asked_filter(operator_zone())
    columns = [*COLUMNS, *DRIVER_COLUMNS] if access.may(Right.PERSONAL_EXPORT) else COLUMNS
    rows = order_list.each(db.session, current_user.operator_id, wanted, utcnow())
    return exports.answer(kind, "billings", columns, rows)


@bp.get("/billings/<number>")
@access.require(Right.ORDERS)
def detail(number: str) -> ResponseReturnValue:
    """One order: why this amount, how it was paid, its refund."""
    order = order_or_404(number)
    return page("billings/detail.html", "billings/_detail.html", **_about(order))


@bp.get("/billings/<number>/cells")
@access.require(Right.ORDERS)
def cells(number: str) -> ResponseReturnValue:
    """The order's cells again, while its money is on the way; says so once it has arrived."""
    order = order_or_404(number)
    response = make_response(render_template("billings/_changed.html", order=order, words=order_words))
    word = order_words.refund_word(order)
    if word in ("refunded", "refund failed"):
        trigger(response, toast=f"{order.number} is {word}." if word == "refunded" else f"{order.number}: {word}.")
    return response


@bp.route("/billings/<number>/refund", methods=["GET", "POST"])
@access.require(Right.REFUND)
def refund(number: str) -> ResponseReturnValue:
    """The full amount goes back to the driver."""
    order = order_or_404(number)
    form = RefundForm() if request.method == "POST" else RefundForm(formdata=None)
    status = 200
    if request.method == "POST":
        if form.validate_on_submit():
            try:
                return _refunded(order, form)
            except DomainError as refusal:
                form.form_errors.append(str(refusal))
        status = 422
    return dialog("billings/_refund.html", status, title=f"Refund {number}", order=order, form=form, words=order_words)


@bp.route("/billings/<number>/<any(approve, waive):verdict>", methods=["GET", "POST"])
@access.require(Right.REFUND)
def review(number: str, verdict: str) -> ResponseReturnValue:
    """A person decides about an order that waits for a look."""
    order = order_or_404(number)
    form = FlaskForm()
    if request.method == "POST" and form.validate_on_submit():
        decide = orders.approve if verdict == "approve" else orders.waive
        try:
            decide(db.session, order, by=current_user.email, now=utcnow())
        except DomainError as refusal:
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            said = "The money is taken now." if verdict == "approve" else "The hold is released, nothing is taken."
            return done(url_for("billings.detail", number=number), said)
    status = 422 if form.form_errors else 200
    return dialog(
        "billings/_review.html", status, title="Review", order=order, form=form, verdict=verdict, words=order_words
    )


def _refunded(order: Order, form: RefundForm) -> ResponseReturnValue:
    now = utcnow()
    asked = refunds.request(
        db.session, order, reason=form.reason.data, note=form.note.data or None, by=current_user.email, now=now
    )
    db.session.commit()
    settle_refund(till(), asked.id, now)  # the worker goes on if the provider does not answer
    db.session.expire_all()
    fresh = order_or_404(order.number)
    word = order_words.refund_word(fresh) or "refunding"
    said = f"{fresh.number}: {money(asked.amount_minor, asked.currency)} {word}."
    here = url_for("billings.detail", number=order.number)
    if (addresses.htmx_page() or "").partition("?")[0] == here:
        return done(here, said, cells="billings/_detail_changed.html", **_about(fresh))
    return done(here, said, cells="billings/_changed.html", order=fresh, words=order_words)


def order_or_404(number: str) -> Order:
    order = order_list.find(db.session, current_user.operator_id, number)
    if order is None:
        raise NotFound("There is no such order.")
    return order


def operator_zone() -> str:
    return station_days.operator_zone(db.session, current_user.operator_id)


def asked_filter(zone: str) -> tuple[Filter, str]:
    """The filter in the address, and its month as "2026-11" or ""."""
    month = request.args.get("month", "")
    since, until = _bounds(zone, month)
    wanted = Filter(
        view=lists.choice("view", View, View.ALL),
        text=lists.text("q"),
        since=since,
        until=until,
        station_id=lists.whole("station"),
        channel=lists.text("channel", 40),
        may_see_drivers=access.may(Right.DRIVER_NAMES),
    )
    return wanted, month if since else ""


def _bounds(zone: str, month: str) -> tuple[datetime | None, datetime | None]:
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=ZoneInfo(zone))
        return order_list.month(zone, first.year, first.month)
    except (ValueError, OverflowError):
        return None, None


def address(wanted: Filter, month: str) -> lists.Address:
    values = {
        "view": None if wanted.view == View.ALL else wanted.view.value,
        "q": wanted.text,
        "month": month,
        "station": wanted.station_id,
        "channel": wanted.channel,
        "size": lists.size_in_address(),
    }
    return lists.Address("billings.index", values)


def months(zone: str, now: datetime) -> list[tuple[str, str]]:
    """The last months as filter values, this one first."""
    local = now.astimezone(ZoneInfo(zone))
    numbers = (local.year * 12 + local.month - 1 - back for back in range(MONTHS_BACK))
    firsts = (datetime(number // 12, number % 12 + 1, 1, tzinfo=local.tzinfo) for number in numbers)
    return [(first.strftime("%Y-%m"), first.strftime("%B %Y")) for first in firsts]


def figures(zone: str, month: str, now: datetime) -> dict[str, Any]:
    """The sums of the chosen month, or of this one."""
    shown = month or now.astimezone(ZoneInfo(zone)).strftime("%Y-%m")
    since, until = _bounds(zone, shown)
    if since is None or until is None:
        raise Conflict("This month cannot be read.")
    name = datetime.strptime(shown, "%Y-%m").replace(tzinfo=ZoneInfo(zone))
    sums = order_list.figures(db.session, current_user.operator_id, since, until)
    return {"name": name.strftime("%B" if name.year == now.year else "%B %Y"), "month": shown, "sums": sums}


def _about(order: Order) -> dict[str, Any]:
    transfers = manual_refunds.of_order(db.session, order.id)
    disputed = disputes.of_payment(db.session, order.payment_id) if order.payment_id else []
    is_disputed = any(each.status is not DisputeStatus.WON for each in disputed)
    is_captured = order.payment is not None and order.payment.captured_minor > 0
    is_going_back = order.status in (OrderStatus.REFUNDING, OrderStatus.REFUNDED)
    return {
        "transfers": transfers,
        "transfers_stand": any(each.status is not ManualRefundStatus.WITHDRAWN for each in transfers),
        "is_disputed": is_disputed,
        "can_be_sent_back": is_captured and not is_disputed and not is_going_back,
        "order": order,
        "charging": order.charging,
        "zone": order.charging.station.time_zone,
        "lines": [(line, line_words(line, order.currency)) for line in order.lines],
        "steps": payment_steps(order, transfers, disputed),
        "flags": [order_words.FLAG_WORDS.get(flag) or SENTENCES.get(flag) or flag for flag in order.flags],
        "words": order_words,
    }


def line_words(line: Any, currency: str) -> tuple[str, str]:
    """ "Energy, Peak" and "15 kWh × €0.59" """
    kind = order_words.KINDS.get(line.kind, line.kind)
    if line.kind == "ADJUSTMENT":
        return order_words.ADJUSTMENTS.get(line.label, "Adjustment"), ""
    name = f"{kind}, {line.label}" if line.label else kind
    quantity, price = Decimal(line.quantity), Decimal(line.unit_price)
    if line.unit == "h":
        return name, f"{_plain(quantity * 60)} min × {unit_price(per_minute(price), currency)}"
    unit = "" if line.unit == "session" else f" {line.unit}"
    return name, f"{_plain(quantity)}{unit} × {unit_price(price, currency)}"


def _plain(quantity: Decimal) -> str:
    return f"{quantity.quantize(Decimal('0.001')).normalize():f}"


def _zone(order: Order) -> str:
    return order.charging.station.time_zone


COLUMNS = [
    Column("Order", lambda order: order.number),
    Column("Time", lambda order: exports.local(order.created_at, _zone(order))),
    Column("Time zone", _zone),
    Column("Charging station", lambda order: order.charging.station.name),
    Column("Charger", lambda order: order.charging.charger.label),
    Column("Session", lambda order: order.charging_session_id),
    Column("Started", lambda order: exports.local(order.charging.started_at, _zone(order))),
    Column("Stopped", lambda order: exports.local(order.charging.stopped_at, _zone(order))),
    Column("Energy, kWh", lambda order: Decimal(order.charging.energy_wh) / 1000),
    Column("Currency", lambda order: order.currency),
    Column("Net", lambda order: from_minor(order.net_minor, order.currency)),
    Column("VAT", lambda order: from_minor(order.vat_minor, order.currency)),
    Column("Gross", lambda order: from_minor(order.gross_minor, order.currency)),
    Column("Payment", order_words.payment_word),
    Column("Refund Status", lambda order: order_words.refund_word(order) or "not refunded"),
    Column(
        "Paid with", lambda order: order_words.instrument(order.payment) if order.payment else order.charging.id_tag
    ),
    Column("Test money", lambda order: "yes" if order.is_test else "no"),
]
DRIVER_COLUMNS = [Column("E-mail", lambda order: order.payment.driver_email if order.payment else None)]
