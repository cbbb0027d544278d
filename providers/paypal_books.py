"""What moved on a PayPal account, by transaction search: for the nightly comparison with our own books."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from domain.payment_provider import SettlementLine
from providers.paypal_amounts import from_value
from providers.paypal_calls import Line
from providers.paypal_facts import of, time_of

LONGEST_RANGE = timedelta(days=31)
LINES_A_PAGE = 500
# The first letters of PayPal's event codes that matter here; T00 payments, T11 reversals, T04 withdrawals to a bank.
KINDS = {"T00": "capture", "T11": "refund", "T04": "payout"}


def lines(line: Line, since: datetime, until: datetime, lines_a_page: int = LINES_A_PAGE) -> Iterator[SettlementLine]:
    """Every movement from `since` to before `until`, oldest first."""
    while since < until:
        end = min(since + LONGEST_RANGE, until)
        for details in _pages(line, since, end, lines_a_page):
            found = _line(details.transaction_info)
            # PayPal's ranges have whole seconds and include both ends.
            if since <= found.at < end:
                yield found
        since = end


def _pages(line: Line, since: datetime, until: datetime, lines_a_page: int) -> Iterator[Any]:
    number, last = 1, 1
    while number <= last:
        answer = line.ask(
            "transaction_search.search_transactions",
            start_date=_text(since),
            end_date=_text(until),
            fields="transaction_info",
            page_size=lines_a_page,
            page=number,
            balance_affecting_records_only="Y",
        )
        yield from of(answer, "transaction_details") or []
        last = of(answer, "total_pages") or 0
        number += 1


def _line(info: Any) -> SettlementLine:
    currency = info.transaction_amount.currency_code
    amount = from_value(info.transaction_amount.value, currency)
    fee = of(info, "fee_amount")
    fee_minor = -from_value(fee.value, fee.currency_code) if fee is not None else 0  # PayPal writes fees as negative
    return SettlementLine(
        ref=info.transaction_id,
        kind=KINDS.get(info.transaction_event_code[:3], "other"),
        at=time_of(info.transaction_initiation_date),
        currency=currency,
        amount_minor=amount,
        fee_minor=fee_minor,
        net_minor=amount - fee_minor,
        source=of(info, "paypal_reference_id"),
        reference=of(info, "custom_field"),
    )


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
