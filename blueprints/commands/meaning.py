"""What a command will do, told before it is sent: in numbers and money."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from blueprints.commands.forms import Ask
from blueprints.database import db
from blueprints.formats import kwh, money
from domain import billing
from domain.models.chargers import Charger
from domain.models.charging import ChargingSession

MOST_PRICED = 200  # sessions whose cost is worked out before a question; of more only the number and the energy


def means(ask: Ask, charger: Charger, running: Sequence[ChargingSession], now: datetime) -> list[tuple[str, str]]:
    """The consequences of a command, each with an icon."""
    if ask.slug == "reboot":
        others = [each.number for each in charger.connectors if each.number > 0]
        free = [number for number in others if number not in {each.connector_number for each in running}]
        return [*(_stops(each, now) for each in running), *_unavailable(free)]
    if ask.slug in ("stop", "unlock"):
        return [_stops(each, now) for each in running]
    return []


def ending_sessions(ending: Sequence[ChargingSession], now: datetime) -> list[tuple[str, str]]:
    """That these sessions stop, and what their drivers pay."""
    told: list[tuple[str, str]] = []
    if ending:
        sums: dict[str, int] = {}
        for each in ending if len(ending) <= MOST_PRICED else ():
            bill = billing.cost_so_far(db.session, each, now)
            if bill and bill.billed.gross_minor:
                sums[bill.currency] = sums.get(bill.currency, 0) + bill.billed.gross_minor
        energy = kwh(sum(each.energy_wh for each in ending))
        cost = " + ".join(money(minor, currency) for currency, minor in sums.items())
        count = f"{len(ending)} {'session stops' if len(ending) == 1 else 'sessions stop'}."
        who = "The driver pays" if len(ending) == 1 else "The drivers pay"
        paid = f"{who} {cost} for {energy}." if cost else f"{energy} were delivered so far."
        told.append(("square", Markup("<b>{}</b> {}").format(count, paid)))
    return told


def _stops(charging: ChargingSession, now: datetime) -> tuple[str, str]:
    bill = billing.cost_so_far(db.session, charging, now)
    where = f"1 session stops on connector {charging.connector_number}."
    energy, payment = kwh(charging.energy_wh), charging.payment
    if bill is None or bill.billed.gross_minor is None:
        text = f"{energy} were delivered; no price was in force at its start."
    elif payment is None:
        text = f"{money(bill.billed.gross_minor, bill.currency)} for {energy} so far, billed to card {charging.id_tag}."
    elif bill.billed.gross_minor >= payment.hold_minor:
        text = f"The driver pays the whole hold of {money(payment.hold_minor, payment.currency)} for {energy}."
    else:
        text = (
            f"The driver pays {money(bill.billed.gross_minor, bill.currency)} for {energy}; the rest of the "
            f"{money(payment.hold_minor, payment.currency)} hold is released."
        )
    return "square", Markup("<b>{}</b> {}").format(where, text)


def _unavailable(numbers: Sequence[int]) -> list[tuple[str, str]]:
    if not numbers:
        return []
    named = f"Connector {numbers[0]} shows" if len(numbers) == 1 else f"Connectors {', '.join(map(str, numbers))} show"
    return [("plug", f"{named} as unavailable to drivers until the charger is back.")]
