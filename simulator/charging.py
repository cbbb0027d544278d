"""What happens at a connector: it starts, energy flows, it stops, and the central system is told."""

import uuid
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from simulator import messages, tokens
from simulator.connector import Authorisation, Connector, Reservation, Transaction
from simulator.outbox import Done, Entry
from simulator.power import charging_power_w
from simulator.profiles import Installed
from simulator.wire import Payload

if TYPE_CHECKING:
    from simulator.charger import SimulatedCharger


def may_use(charger: "SimulatedCharger", connector: Connector, id_tag: str, parent: str | None = None) -> bool:
    """Whether this card could start here now: idle, and not kept for somebody else."""
    if not connector.is_idle:
        return False
    if connector.reservation:
        return _is_for(connector.reservation, id_tag, parent)
    kept = charger.cabinet.reservation
    if kept is None or _is_for(kept, id_tag, parent):
        return True
    # Somebody reserved any connector: strangers leave one free.
    return sum(other.is_idle for other in charger.connectors.values()) > 1


def authorise(charger: "SimulatedCharger", connector: Connector, authorisation: Authorisation) -> None:
    """The connector starts now if a car is plugged in, or as soon as one is, until the authorisation expires."""
    connector.is_finishing = False
    connector.authorisation = authorisation
    if not try_start(charger, connector):
        refresh(charger, connector)


def try_start(charger: "SimulatedCharger", connector: Connector) -> bool:
    if connector.vehicle is None or connector.authorisation is None or connector.status != "Preparing":
        return False
    refresh(charger, connector)
    _begin(charger, connector, connector.authorisation)
    return True


def _begin(charger: "SimulatedCharger", connector: Connector, authorisation: Authorisation) -> None:
    if charger.defects.resets_meter:
        connector.register_wh = 0.0
    transaction = Transaction(
        key=uuid.uuid4().hex,
        connector_id=connector.id,
        id_tag=authorisation.id_tag,
        parent_id_tag=authorisation.parent_id_tag,
        started_at=charger.clock.now(),
        meter_start_wh=connector.meter_wh,
        reservation_id=_used_reservation(charger, connector, authorisation),
    )
    connector.authorisation, connector.transaction = None, transaction
    charger.note(f"starts for {transaction.id_tag} at {transaction.meter_start_wh} Wh", connector)
    if authorisation.profile:
        charger.profiles.install(Installed(connector.id, authorisation.profile, transaction.started_at))
    start = messages.start_transaction(transaction)
    charger.outbox.put(Entry("StartTransaction", start, transaction, when_started(charger, transaction)))
    flow(charger, connector, 0)
    sample(charger, connector, "Transaction.Begin")
    refresh(charger, connector)


def when_started(charger: "SimulatedCharger", transaction: Transaction) -> Done:
    """What to do with the answer to this transaction's StartTransaction."""
    return partial(_started, charger, charger.connectors[transaction.connector_id], transaction)


def _started(
    charger: "SimulatedCharger", connector: Connector, transaction: Transaction, answer: Payload | Exception
) -> None:
    if isinstance(answer, Exception):
        return
    transaction.id = answer["transactionId"]
    verdict = tokens.take_in(charger, transaction.id_tag, answer["idTagInfo"])
    transaction.parent_id_tag = verdict.parent_id_tag or transaction.parent_id_tag
    charger.note(f"{transaction} {verdict.status}", connector)
    if verdict.is_accepted or connector.transaction is not transaction:
        return
    if charger.configuration.is_on("StopTransactionOnInvalidId"):
        end(charger, connector, "DeAuthorized")
    else:
        transaction.is_deauthorised = True
        flow(charger, connector, 0)
        refresh(charger, connector)


def end(
    charger: "SimulatedCharger",
    connector: Connector,
    reason: str,
    id_tag: str | None = None,
    at: datetime | None = None,
) -> None:
    """The transaction is over and its StopTransaction waits to be sent; without a transaction nothing changes."""
    transaction = connector.transaction
    if transaction is None:
        return
    now, meter_stop_wh = at or charger.clock.now(), connector.meter_wh
    data: list[Payload] = []
    if names := charger.configuration.names("StopTxnSampledData"):
        data = [
            messages.register_value(transaction.meter_start_wh, transaction.started_at, "Transaction.Begin"),
            messages.meter_value(connector, now, "Transaction.End", names),
        ]
    stop = messages.stop_transaction(meter_stop_wh, now, reason, id_tag, data)
    charger.outbox.put(Entry("StopTransaction", stop, transaction))
    charger.note(f"stops ({reason}) after {meter_stop_wh - transaction.meter_start_wh} Wh", connector)
    connector.transaction, connector.power_w = None, 0.0
    connector.is_finishing = connector.vehicle is not None
    charger.profiles.clear(lambda p: p.purpose == "TxProfile" and p.connector_id == connector.id)
    if connector.scheduled_operative is not None:
        connector.is_operative, connector.scheduled_operative = connector.scheduled_operative, None
    refresh(charger, connector)


def flow(charger: "SimulatedCharger", connector: Connector, seconds: float) -> None:
    """Energy of the last `seconds` is in the register and the battery, and the power is that of this moment."""
    transaction, vehicle = connector.transaction, connector.vehicle
    energy_wh = connector.power_w * seconds / 3600
    connector.register_wh += energy_wh
    if vehicle:
        vehicle.take(energy_wh)
    if transaction is None or vehicle is None or connector.is_faulted or transaction.is_deauthorised:
        connector.power_w = 0.0
        return
    transaction.on_for_s += seconds
    connector.limit_w = charger.limit_w(connector)
    connector.power_w = charging_power_w(
        connector.outlet, vehicle, limit_w=connector.limit_w, on_for_s=transaction.on_for_s
    )


def sample(
    charger: "SimulatedCharger", connector: Connector, context: str, key: str = "MeterValuesSampledData"
) -> None:
    """A MeterValues of this connector waits to be sent; outside of a transaction only while online."""
    value = messages.meter_value(connector, charger.clock.now(), context, charger.configuration.names(key))
    if value["sampledValue"]:
        payload = {"connectorId": connector.id, "meterValue": [value]}
        if connector.transaction:
            charger.outbox.put(Entry("MeterValues", payload, connector.transaction))
        else:
            charger.post("MeterValues", payload)
    if context in ("Transaction.Begin", "Sample.Periodic"):
        connector.last_sample_s = charger.clock.elapsed_s()


def refresh(charger: "SimulatedCharger", connector: Connector) -> None:
    """The central system is told the status if it does not know it yet; offline, it learns it on the reconnect."""
    told = (connector.status, connector.error_code)
    if connector.announced == told or not (charger.is_online and charger.is_accepted):
        return
    if connector.announced is None or connector.announced[0] != connector.status:
        charger.note(connector.status, connector)
    connector.announced = told

    def forget_if_lost(outcome: Payload | Exception) -> None:
        if isinstance(outcome, Exception):
            connector.announced = None

    status = messages.status_notification(connector, charger.clock.now())
    charger.post("StatusNotification", status, forget_if_lost)
    charger.changed()


def _is_for(reservation: Reservation, id_tag: str, parent: str | None) -> bool:
    return tokens.is_same_group(id_tag, parent, reservation.id_tag, reservation.parent_id_tag)


def _used_reservation(charger: "SimulatedCharger", connector: Connector, authorisation: Authorisation) -> int | None:
    for place in (connector, charger.cabinet):
        reservation = place.reservation
        if reservation and _is_for(reservation, authorisation.id_tag, authorisation.parent_id_tag):
            place.reservation = None
            return reservation.id
    return None
