"""A settlement's statement as PDF and XLSX, from its frozen lines."""

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fpdf import FPDF

from domain.currencies import from_minor
from domain.models.settlements import LineKind, Settlement, SettlementLine
from domain.qr_labels import FONT_FILE
from domain.sheets.writing import Column, xlsx_file

TEST = "TEST: no money moved"
_FONT = "DejaVu"
# Head, width in mm, aligned right.
_TABLE = (
    ("Order", 32, False),
    ("Charging station, charger", 64, False),
    ("Charged", 30, False),
    ("kWh", 16, True),
    ("Net", 20, True),
    ("VAT", 30, True),
    ("Captured", 24, True),
    ("Fee", 20, True),
    ("Carried", 20, True),
    ("Payable", 24, True),
)


def xlsx(settlement: Settlement, lines: Sequence[SettlementLine]) -> io.BytesIO:
    """One row for each line, with real numbers and times on the station's clock, and a last one with the totals."""

    def money(name: str) -> Column:
        return Column(name.replace("_minor", "").capitalize(), lambda row: _amount(settlement, row[name]))

    def text(name: str, head: str) -> Column:
        return Column(head, lambda row: row[name])

    columns = [
        Column("Statement", lambda _: settlement.number),
        text("kind", "Kind"),
        text("order_number", "Order"),
        text("station", "Charging station"),
        text("charger", "Charger"),
        text("started_at", "Started"),
        text("stopped_at", "Stopped"),
        Column("Energy kWh", lambda row: None if row["energy_wh"] is None else Decimal(row["energy_wh"]).scaleb(-3)),
        money("net_minor"),
        text("vat_rates", "VAT rate %"),
        money("vat_minor"),
        money("gross_minor"),
        money("captured_minor"),
        Column("Platform fee", lambda row: _amount(settlement, row["fee_minor"])),
        Column("VAT paid by the platform", lambda row: _amount(settlement, row["tax_minor"])),
        money("carried_minor"),
        money("payable_minor"),
        Column("Currency", lambda _: settlement.currency),
        text("paid_with", "Paid with"),
        text("provider_ref", "Provider's reference"),
    ]
    return xlsx_file(settlement.number, columns, [*map(_row, lines), _total(settlement, lines)])


def pdf(settlement: Settlement, lines: Sequence[SettlementLine], account: str | None) -> bytes:
    """The statement on A4 sheets.

    Args:
        account: the bank account that the money goes to, masked.
    """
    sheet = FPDF("L", "mm", "A4")
    sheet.set_creation_date(settlement.applied_at)
    sheet.add_font(_FONT, "", FONT_FILE)
    sheet.set_auto_page_break(True, 14)
    sheet.add_page()
    _head(sheet, settlement, account)
    _row_of(sheet, [head for head, _, _ in _TABLE], is_head=True)
    for line in lines:
        _row_of(sheet, _cells(settlement, line))
    _row_of(sheet, _total_cells(settlement), is_head=True)
    return bytes(sheet.output())


def _head(sheet: FPDF, settlement: Settlement, account: str | None) -> None:
    sheet.set_font(_FONT, "", 16)
    sheet.cell(0, 9, f"Statement {settlement.number}", new_x="LMARGIN", new_y="NEXT")
    sheet.set_font(_FONT, "", 9)
    facts = [
        settlement.operator.name,
        f"Orders from {_day(settlement.first_at)} to {_day(settlement.last_at)} (UTC), {settlement.currency}",
        f"Applied {_moment(settlement.applied_at)} by {settlement.applied_by}",
    ]
    if settlement.reviewed_at:
        word = "Rejected" if settlement.reject_reason else "Approved"
        facts.append(f"{word} {_moment(settlement.reviewed_at)} by {settlement.reviewed_by}")
    if settlement.confirmed_at:
        facts.append(f"Confirmed {_moment(settlement.confirmed_at)} by {settlement.confirmed_by}; {account or ''}")
    if settlement.transfer_reference:
        facts.append(f"Transferred {settlement.transferred_on}, reference {settlement.transfer_reference}")
    if settlement.settled_at:
        facts.append(f"Settled {_moment(settlement.settled_at)}")
    for fact in [TEST] * settlement.is_test + facts:
        sheet.cell(0, 5, fact, new_x="LMARGIN", new_y="NEXT")
    sheet.ln(4)


def _row_of(sheet: FPDF, cells: Sequence[str], *, is_head: bool = False) -> None:
    sheet.set_font(_FONT, "", 8 if is_head else 7.5)
    for text, (_, width, is_right) in zip(cells, _TABLE, strict=True):
        shown = text
        while shown and sheet.get_string_width(shown) > width - 2:
            shown = shown[:-2] + "…" if len(shown) > 2 else ""
        sheet.cell(width, 6, shown, border="B", align="R" if is_right else "L")
    sheet.ln()


def _cells(settlement: Settlement, line: SettlementLine) -> list[str]:
    zone = ZoneInfo(line.time_zone)
    vat = f"{_text(settlement, line.vat_minor)} ({line.vat_rates} %)" if line.vat_rates else ""
    is_order = line.kind is LineKind.ORDER
    return [
        line.order_number if is_order else f"{line.order_number} *",
        f"{line.station}, {line.charger}",
        line.started_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        f"{line.energy_wh / 1000:.1f}" if is_order else "",
        _text(settlement, line.net_minor) if is_order else "",
        vat,
        _text(settlement, line.captured_minor) if is_order else "",
        _text(settlement, -line.fee_minor - line.tax_minor) if is_order else "",
        _text(settlement, line.carried_minor) if line.carried_minor else "",
        _text(settlement, line.payable_minor),
    ]


def _total_cells(settlement: Settlement) -> list[str]:
    return [
        "Total",
        f"{settlement.orders} orders; * changed after an earlier settlement",
        "",
        "",
        "",
        "",
        _text(settlement, settlement.captured_minor),
        _text(settlement, -settlement.fee_minor - settlement.tax_minor),
        _text(settlement, settlement.carried_minor),
        _text(settlement, settlement.payable_minor),
    ]


def _row(line: SettlementLine) -> dict[str, Any]:
    row = {column.name: getattr(line, column.name) for column in SettlementLine.__table__.columns}
    zone = ZoneInfo(line.time_zone)
    row["kind"] = "Order" if line.kind is LineKind.ORDER else "Carried over"
    row["started_at"] = line.started_at.astimezone(zone)
    row["stopped_at"] = line.stopped_at.astimezone(zone) if line.stopped_at else None
    return row


def _total(settlement: Settlement, lines: Sequence[SettlementLine]) -> dict[str, Any]:
    row: dict[str, Any] = {column.name: None for column in SettlementLine.__table__.columns}
    row["kind"] = "Total"
    for name in ("captured_minor", "fee_minor", "tax_minor", "carried_minor", "payable_minor", "gross_minor"):
        row[name] = getattr(settlement, name)
    for name in ("net_minor", "vat_minor"):
        row[name] = sum(getattr(line, name) for line in lines)
    return row


def _amount(settlement: Settlement, minor: int | None) -> Any:
    return None if minor is None else from_minor(minor, settlement.currency)


def _text(settlement: Settlement, minor: int) -> str:
    return f"{from_minor(minor, settlement.currency)}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
