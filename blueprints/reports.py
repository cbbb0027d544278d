"""Order Manage -> Reports: revenue, energy, utilisation and uptime by month and station, with charts and exports."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import dropwhile
from typing import Any, NamedTuple

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from blueprints import access, charts, exports, lists
from blueprints.database import db
from blueprints.exports import Column
from blueprints.formats import kwh, money, percent
from blueprints.web import page
from domain import months, reports, station_days
from domain.clock import utcnow
from domain.currencies import from_minor
from domain.models.stations import Station
from domain.reports import Kind, Line, Wanted
from domain.rights import Right

bp = Blueprint("reports", __name__)

MOST_DIFFERENCES = 20
SAYS = {
    "captured": ("was taken", "bills"),
    "refunded": ("was given back in full", "refunds"),
    "by_hand": ("was given back by hand", "bank transfers"),
}


class Exported(NamedTuple):
    """One row of a file."""

    station: Station
    line: Line
    kind: Kind | None


@bp.get("/reports")
@access.require(Right.ORDERS)
def index() -> ResponseReturnValue:
    """The months asked for, of one station or all."""
    operator_id, zone, cursor = current_user.operator_id, _zone(), lists.text("cursor", 500)
    kinds = _kinds()
    wanted = _asked(zone, kinds)
    by_month = reports.by_month(db.session, operator_id, wanted)
    places, by_station = reports.stations(db.session, operator_id, wanted, cursor, lists.size())
    check = reports.check(db.session, operator_id, wanted)
    return page(
        "reports/index.html",
        "reports/_report.html",
        list=_address(wanted, kinds, zone),
        wanted=wanted,
        kinds=kinds,
        kind_name=kind_name,
        kind_values=_kind_values,
        share=share,
        month_name=month_name,
        by_month=by_month,
        begun=_begun(by_month),
        total=reports.total(by_month),
        places=places,
        by_station=by_station,
        check=check,
        differences=[_in_words(each) for each in check.differences[:MOST_DIFFERENCES]],
        provider_fees=reports.provider_fees(db.session, operator_id, wanted, zone) if wanted.kind else 0,
        drawn=_drawn(by_month, wanted),
        zone=zone,
        month_choices=_month_choices(zone),
        stations=lambda: db.session.scalars(access.own(Station).order_by(Station.name)).all(),
    )


@bp.get("/reports/export.csv", defaults={"kind": "csv"})
@bp.get("/reports/export.xlsx", defaults={"kind": "xlsx"})
@access.require(Right.ORDERS)
def export(kind: str) -> ResponseReturnValue:
    """A row for each station and month; money only for those who see it."""
    wanted = _asked(_zone(), _kinds())
    columns = [*USE_COLUMNS, *MONEY_COLUMNS] if wanted.kind else USE_COLUMNS
    rows = reports.each(db.session, current_user.operator_id, wanted)
    return exports.answer(kind, "reports", columns, (Exported(*row, wanted.kind) for row in rows))


def month_name(month: str) -> str:
    """ "November 2026" """
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).strftime("%B %Y")


def kind_name(kind: Kind) -> str:
    """ "EUR", "EUR, test money" """
    return f"{kind.currency}, test money" if kind.is_test else kind.currency


def _zone() -> str:
    return station_days.operator_zone(db.session, current_user.operator_id)


def _kinds() -> list[Kind]:
    """The kinds of money that the present person may see, at least the operator's own currency."""
    if not access.may(Right.REVENUE):
        return []
    return reports.kinds(db.session, current_user.operator_id) or [Kind(current_user.operator.currency, is_test=False)]


def _asked(zone: str, kinds: Sequence[Kind]) -> Wanted:
    first, last = (months.read(request.args.get(name, "")) for name in ("from", "to"))
    first, last = reports.clean(first, last, months.of(utcnow(), zone))
    asked = Kind(lists.text("currency", 3), is_test=lists.text("money") == "test")
    kind = asked if asked in kinds else next(iter(kinds), None)
    return Wanted(first, last, lists.whole("station"), kind)


def _address(wanted: Wanted, kinds: Sequence[Kind], zone: str) -> lists.Address:
    is_usual = (wanted.first, wanted.last) == reports.clean(None, None, months.of(utcnow(), zone))
    values = {
        "from": None if is_usual else wanted.first,
        "to": None if is_usual else wanted.last,
        "station": wanted.station_id,
        "size": lists.size_in_address(),
    }
    if wanted.kind and wanted.kind != kinds[0]:
        values |= _kind_values(wanted.kind)
    return lists.Address("reports.index", values)


def _kind_values(kind: Kind) -> dict[str, str | None]:
    return {"currency": kind.currency, "money": "test" if kind.is_test else None}


def _month_choices(zone: str) -> list[tuple[str, str]]:
    present = months.of(utcnow(), zone)
    return [
        (month, month_name(month))
        for month in reversed(months.span(months.shift(present, 1 - reports.MOST_MONTHS), present))
    ]


def _begun(lines: Sequence[Line]) -> list[Line]:
    """The lines from the first on that has anything in it."""
    return list(dropwhile(lambda line: line == Line(month=line.month), lines))


def _in_words(difference: dict[str, Any]) -> str:
    said, source = SAYS[difference["what"]]
    station = db.session.get(Station, difference["station_id"])
    bills, ledger = (money(difference[side], difference["currency"]) for side in ("bills", "ledger"))
    where = station.name if station else "A station"
    return (
        f"{where}, orders of {month_name(difference['month'])}: {source} say that {bills} {said}, the ledger {ledger}."
    )


# --- Charts ------------------------------------------------------------------------------------------------------


class Drawn(NamedTuple):
    """One chart with what it says in words."""

    id: str
    heading: str
    chart: charts.BarChart
    legend: tuple[str, ...]
    text: str


def _drawn(lines: Sequence[Line], wanted: Wanted) -> list[Drawn]:
    labels = [datetime.strptime(line.month or "", "%Y-%m").replace(tzinfo=UTC).strftime("%b") for line in lines]
    energy = [Decimal(line.use.energy_wh) / 1000 for line in lines]
    shares = ([line.utilisation for line in lines], [line.uptime for line in lines])
    made = [
        Drawn(
            "energy", "Energy, kWh", charts.bars(labels, energy), (), _told(lines, lambda line: kwh(line.use.energy_wh))
        ),
        Drawn(
            "shares",
            "Utilisation and uptime, %",
            charts.bars(labels, *shares, top=100),
            ("Utilisation", "Uptime"),
            _told(lines, lambda line: f"used {share(line.utilisation)}, up {share(line.uptime)}"),
        ),
    ]
    return [_revenue(labels, lines, wanted.kind), *made] if wanted.kind else made


def _revenue(labels: Sequence[str], lines: Sequence[Line], kind: Kind) -> Drawn:
    currency = kind.currency
    gross = [from_minor(line.money.gross_minor, currency) for line in lines]
    back = [from_minor(line.money.refunded_minor + line.money.by_hand_minor, currency) for line in lines]
    return Drawn(
        "revenue",
        f"Revenue, {kind_name(kind)}",
        charts.bars(labels, gross, back),
        ("Gross", "Given back"),
        _told(lines, lambda line: money(line.money.gross_minor, currency)),
    )


def _told(lines: Sequence[Line], say: Callable[[Line], str]) -> str:
    return "; ".join(f"{month_name(line.month or '')}: {say(line)}" for line in lines) + "."


def share(value: float | None) -> str:
    """A percentage, or that it is not known."""
    return "unknown" if value is None else percent(Decimal(str(value)))


# --- Files -------------------------------------------------------------------------------------------------------


def _amount(name: str) -> Callable[[Exported], Decimal | None]:
    def of(row: Exported) -> Decimal | None:
        return from_minor(getattr(row.line.money, name), row.kind.currency) if row.kind else None

    return of


def _percent(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"))


USE_COLUMNS = [
    Column("Month", lambda row: row.line.month),
    Column("Charging station", lambda row: row.station.name),
    Column("Time zone", lambda row: row.station.time_zone),
    Column("Sessions", lambda row: row.line.use.sessions),
    Column("Energy, kWh", lambda row: Decimal(row.line.use.energy_wh) / 1000),
    Column("Charging, hours", lambda row: (Decimal(row.line.use.charging_s) / 3600).quantize(Decimal("0.01"))),
    Column("Utilisation, %", lambda row: _percent(row.line.utilisation)),
    Column("Uptime, %", lambda row: _percent(row.line.uptime)),
    Column("Uptime known, %", lambda row: _percent(row.line.known)),
]
MONEY_COLUMNS = [
    Column("Currency", lambda row: row.kind.currency),
    Column("Test money", lambda row: "yes" if row.kind.is_test else "no"),
    Column("Orders", lambda row: row.line.money.orders),
    Column("Gross", _amount("gross_minor")),
    Column("Net", _amount("net_minor")),
    Column("VAT", _amount("vat_minor")),
    Column("Not collected", _amount("uncollected_minor")),
    Column("Captured", _amount("captured_minor")),
    Column("Refunded in full", _amount("refunded_minor")),
    Column("Refunded by hand", _amount("by_hand_minor")),
    Column("Disputed", _amount("disputed_minor")),
    Column("Platform fee", _amount("fee_minor")),
    Column("VAT kept by the platform", _amount("tax_minor")),
    Column("Owed to the operator", _amount("owed_minor")),
]
