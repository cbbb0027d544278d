"""Starts and stops on the wire: the section F of what real chargers do."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.models.charging import ChargingSession, MeterValue, SessionStatus
from domain.models.payments import CollectionMode, Payment, PaymentStatus
from domain.models.tokens import TokenStatus
from tests import factories
from tests.factories import NOW

START = {"connectorId": 1, "idTag": "04A1B2C3", "meterStart": 1000, "timestamp": "2026-11-20T11:04:00Z"}


def stop_of(transaction_id: int | None, **values: object) -> dict:
    return {
        "transactionId": transaction_id,
        "idTag": "04A1B2C3",
        "meterStop": 11000,
        "timestamp": "2026-11-20T11:34:00Z",
    } | values


def the_session(db) -> ChargingSession:
    return db.scalars(select(ChargingSession)).one()


def count(db) -> int:
    return db.scalar(select(func.count()).select_from(ChargingSession))


def test_a_session_is_opened_and_ended(db, says):
    started = says("StartTransaction", START, NOW)
    says("StopTransaction", stop_of(started["transactionId"]), NOW + timedelta(minutes=30))

    charging = the_session(db)
    assert started["idTagInfo"] == {"status": "Accepted"}
    assert 1 <= started["transactionId"] <= 2**31 - 1
    assert charging.transaction_id == str(started["transactionId"])
    assert charging.status is SessionStatus.COMPLETED
    assert (charging.meter_start_wh, charging.meter_stop_wh, charging.energy_wh) == (1000, 11000, 10000)
    assert charging.stopped_at - charging.started_at == timedelta(minutes=30)
    assert charging.tariff_id is not None
    assert charging.flags == []


def test_f1_a_start_told_three_times_is_one_session(db, says):
    answers = [says("StartTransaction", START) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert count(db) == 1


def test_f1_a_start_told_again_after_the_stop_gets_the_same_id(db, says):
    started = says("StartTransaction", START)
    says("StopTransaction", stop_of(started["transactionId"]), NOW + timedelta(minutes=30))

    again = says("StartTransaction", START)

    assert again == started
    assert the_session(db).status is SessionStatus.COMPLETED


@pytest.mark.parametrize(
    ("id_tag", "told", "flag"),
    [
        ("A0-00-00-00", "Invalid", "unknown_token"),
        ("BLOCKED1", "Blocked", "blocked_token"),
        ("OLD1", "Expired", "expired_token"),
        ("ENDED1", "Expired", "expired_token"),
        ("CHILD1", "Blocked", "blocked_token"),
    ],
)
def test_f2_a_refused_start_gets_a_real_id_and_is_kept(db, says, charger, id_tag, told, flag):
    operator = charger.station.operator
    factories.token(db, operator, "BLOCKED1", status=TokenStatus.BLOCKED)
    factories.token(db, operator, "OLD1", status=TokenStatus.EXPIRED)
    factories.token(db, operator, "ENDED1", expires_at=NOW - timedelta(days=1))
    factories.token(db, operator, "CHILD1", parent_uid="BLOCKED1")
    db.commit()

    answer = says("StartTransaction", START | {"idTag": id_tag})
    again = says("StartTransaction", START | {"idTag": id_tag})

    charging = the_session(db)
    assert answer["idTagInfo"] == {"status": told}
    assert answer["transactionId"] > 0
    assert again == answer
    assert charging.status is SessionStatus.REFUSED
    assert charging.flags == [flag]


def test_f2_energy_delivered_though_refused_is_shown_and_not_completed(db, says):
    started = says("StartTransaction", START | {"idTag": "FFFFFF"})

    says("StopTransaction", stop_of(started["transactionId"]), NOW + timedelta(minutes=30))

    charging = the_session(db)
    assert charging.status is SessionStatus.REFUSED
    assert charging.energy_wh == 10000
    assert charging.stopped_at is not None
    assert "energy_though_refused" in charging.flags


@pytest.mark.parametrize("number", [0, -1, None, -594742, "", 58.5, 9223372036854775807])
def test_f3_a_stop_without_a_valid_id_ends_the_only_open_session_of_the_card(db, says, number):
    says("StartTransaction", START, NOW)

    answer = says("StopTransaction", stop_of(number), NOW + timedelta(minutes=30))

    charging = the_session(db)
    assert answer == {"idTagInfo": {"status": "Accepted"}}
    assert charging.status is SessionStatus.COMPLETED
    assert charging.energy_wh == 10000
    assert charging.flags == ["stop_guessed"]


def test_f3_a_stop_without_a_valid_id_is_not_guessed_among_two(db, says, charger):
    factories.token(db, charger.station.operator, "SECOND1")
    says("StartTransaction", START, NOW)
    says("StartTransaction", START | {"connectorId": 2, "idTag": "SECOND1"}, NOW)
    stop = stop_of(-1)
    del stop["idTag"]

    answer = says("StopTransaction", stop, NOW + timedelta(minutes=30))

    stati = db.scalars(select(ChargingSession.status).order_by(ChargingSession.id)).all()
    assert answer == {}
    assert stati == [SessionStatus.ACTIVE, SessionStatus.ACTIVE, SessionStatus.COMPLETED]


def test_f6_a_stop_of_nothing_we_know_is_kept_once_and_not_priced(db, says):
    stop = stop_of(58, idTag="")

    first = says("StopTransaction", stop)
    second = says("StopTransaction", stop)
    third = says("StopTransaction", stop | {"transactionId": -1})

    charging = the_session(db)
    assert first == second == third == {}
    assert charging.status is SessionStatus.COMPLETED
    assert charging.transaction_id is None
    assert charging.reported_transaction_id == "58"
    assert (charging.meter_start_wh, charging.meter_stop_wh, charging.energy_wh) == (None, 11000, 0)
    assert charging.tariff_id is None
    assert "stop_without_start" in charging.flags


def test_f7_a_stop_needs_neither_card_nor_reason(db, says):
    started = says("StartTransaction", START, NOW)
    stop = {"transactionId": started["transactionId"], "meterStop": 11000, "timestamp": "2026-11-20T11:34:00Z"}

    answer = says("StopTransaction", stop, NOW + timedelta(minutes=30))

    assert answer == {}
    assert the_session(db).id_tag == "04A1B2C3"
    assert the_session(db).stop_reason is None


def test_f7_the_card_is_free_again_after_the_stop(db, says):
    started = says("StartTransaction", START, NOW)
    says("StopTransaction", stop_of(started["transactionId"], idTag=""), NOW + timedelta(minutes=30))

    next_one = says(
        "StartTransaction",
        START | {"connectorId": 2, "timestamp": "2026-11-20T11:35:00Z"},
        NOW + timedelta(minutes=31),
    )

    assert next_one["idTagInfo"]["status"] == "Accepted"


def test_a_card_that_charges_elsewhere_is_refused_with_a_real_id(db, says):
    says("StartTransaction", START, NOW)

    second = says("StartTransaction", START | {"connectorId": 2}, NOW)

    assert second["idTagInfo"] == {"status": "ConcurrentTx"}
    assert second["transactionId"] > 0


def test_a_replayed_start_is_not_refused_because_the_card_charges_now(db, says):
    says("StartTransaction", START, NOW)

    replayed = says("StartTransaction", START | {"connectorId": 2, "timestamp": "2026-11-20T07:04:00Z"}, NOW)

    assert replayed["idTagInfo"]["status"] == "Accepted"


def test_t4_another_chargers_id_changes_nothing_of_either(db, says, speaker, charger):
    stranger = factories.charger(db, factories.station(db, operator=factories.operator(db, name="Other")))
    factories.token(db, stranger.station.operator)
    db.commit()
    other = speaker(stranger)
    mine = says("StartTransaction", START, NOW)
    theirs = other("StartTransaction", START, NOW)

    answer = other("StopTransaction", stop_of(mine["transactionId"]), NOW + timedelta(minutes=30))
    other(
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": mine["transactionId"],
            "meterValue": [{"timestamp": "2026-11-20T11:10:00Z", "sampledValue": [{"value": "999999"}]}],
        },
    )

    by_id = {charging.transaction_id: charging for charging in db.scalars(select(ChargingSession))}
    assert answer["idTagInfo"]["status"] == "Accepted"
    for started in (mine, theirs):
        charging = by_id[str(started["transactionId"])]
        assert charging.status is SessionStatus.ACTIVE
        assert (charging.energy_wh, charging.last_meter_wh, set(charging.flags) - {"no_tariff"}) == (
            0,
            None,
            set(),
        )
    assert by_id[None].charger_id == stranger.id
    assert "stop_without_start" in by_id[None].flags
    assert db.scalars(select(MeterValue.charging_session_id)).all() == [None]


def test_f12_a_register_below_the_start_is_flagged_and_never_negative(db, says):
    started = says("StartTransaction", START | {"meterStart": 51880}, NOW)
    says("StopTransaction", stop_of(started["transactionId"], meterStop=2310), NOW + timedelta(minutes=30))

    charging = the_session(db)
    assert charging.energy_wh >= 0
    assert "meter_stop_below_start" in charging.flags


def test_f13_a_saturated_start_is_mended_by_the_samples(db, says):
    started = says("StartTransaction", START | {"meterStart": 2147483647}, NOW)
    says(
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": started["transactionId"],
            "meterValue": [
                {
                    "timestamp": "2026-11-20T11:04:05Z",
                    "sampledValue": [{"value": "4296944685", "context": "Transaction.Begin", "unit": "Wh"}],
                }
            ],
        },
        NOW + timedelta(seconds=5),
    )

    says(
        "StopTransaction",
        stop_of(
            started["transactionId"],
            meterStop=2147483647,
            transactionData=[
                {
                    "timestamp": "2026-11-20T11:34:00Z",
                    "sampledValue": [{"value": "4296954685", "context": "Transaction.End", "unit": "Wh"}],
                }
            ],
        ),
        NOW + timedelta(minutes=30),
    )

    charging = the_session(db)
    assert (charging.meter_start_wh, charging.meter_stop_wh) == (4296944685, 4296954685)
    assert charging.energy_wh == 10000
    assert charging.flags == ["meter_saturated"]


def test_f14_meter_stop_rules_and_the_contradiction_is_flagged(db, says):
    started = says("StartTransaction", START | {"meterStart": 0}, NOW)
    data = [
        {
            "timestamp": "2026-11-20T11:34:00Z",
            "sampledValue": [{"value": "2421", "context": "Transaction.End", "unit": "Wh"}],
        }
    ]

    says("StopTransaction", stop_of(started["transactionId"], meterStop=2310, transactionData=data), NOW)

    charging = the_session(db)
    assert charging.energy_wh == 2310
    assert "meter_stop_differs" in charging.flags


def test_f15_the_chargers_reason_is_kept_whatever_it_is(db, says):
    started = says("StartTransaction", START, NOW)

    says("StopTransaction", stop_of(started["transactionId"], reason="Timeout"), NOW + timedelta(minutes=30))

    assert the_session(db).stop_reason == "Timeout"
    assert the_session(db).stop_cause is None


def test_f16_a_session_of_a_second_and_the_real_one_are_both_kept(db, says):
    first = says("StartTransaction", START, NOW)
    says("StopTransaction", stop_of(first["transactionId"], meterStop=1000, timestamp="2026-11-20T11:04:01Z"))
    second = says("StartTransaction", START | {"timestamp": "2026-11-20T11:04:03Z"})

    energies = db.scalars(select(ChargingSession.energy_wh)).all()
    assert first["transactionId"] != second["transactionId"]
    assert energies == [0, 0]


def test_f17_the_next_start_closes_what_was_never_stopped(db, says):
    first = says("StartTransaction", START, NOW)
    says(
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": first["transactionId"],
            "meterValue": [{"timestamp": "2026-11-20T11:24:00Z", "sampledValue": [{"value": "5.5", "unit": "kWh"}]}],
        },
        NOW + timedelta(minutes=20),
    )

    says(
        "StartTransaction",
        START | {"timestamp": "2026-11-20T12:04:00Z", "meterStart": 5700},
        NOW + timedelta(hours=1),
    )

    closed, running = db.scalars(select(ChargingSession).order_by(ChargingSession.id)).all()
    assert closed.status is SessionStatus.COMPLETED
    assert (closed.meter_stop_wh, closed.energy_wh) == (5500, 4500)
    assert closed.stopped_at == NOW + timedelta(minutes=20)
    assert (closed.stop_cause, closed.flags) == ("next_start", ["stop_missing"])
    assert running.status is SessionStatus.ACTIVE


def test_f17_a_stop_that_comes_after_all_corrects_what_is_not_billed(db, says):
    first = says("StartTransaction", START, NOW)
    says("StartTransaction", START | {"timestamp": "2026-11-20T12:04:00Z"}, NOW + timedelta(hours=1))

    says("StopTransaction", stop_of(first["transactionId"]), NOW + timedelta(hours=1, minutes=1))

    charging = db.scalars(select(ChargingSession).order_by(ChargingSession.id)).first()
    assert charging.energy_wh == 10000
    assert "stop_missing" not in charging.flags
    assert charging.stop_cause is None


def test_f17_a_stop_after_the_bill_changes_no_figure(db, says):
    first = says("StartTransaction", START, NOW)
    says("StartTransaction", START | {"timestamp": "2026-11-20T12:04:00Z"}, NOW + timedelta(hours=1))
    charging = db.scalars(select(ChargingSession).order_by(ChargingSession.id)).first()
    charging.billed_at = NOW + timedelta(hours=1)
    db.commit()

    says("StopTransaction", stop_of(first["transactionId"]), NOW + timedelta(hours=2))
    db.refresh(charging)

    assert charging.energy_wh == 0
    assert charging.flags == ["stop_missing", "energy_unknown", "stop_after_close"]


def test_a_replayed_older_start_does_not_end_the_running_session(db, says):
    says("StartTransaction", START, NOW)

    says("StartTransaction", START | {"timestamp": "2026-11-20T08:04:00Z", "meterStart": 10}, NOW)

    stati = db.scalars(select(ChargingSession.status)).all()
    assert stati == [SessionStatus.ACTIVE, SessionStatus.ACTIVE]


def test_without_a_price_the_session_is_kept_and_flagged(db, says, speaker):
    station = factories.station(db)
    factories.token(db, station.operator)
    unpriced = factories.charger(db, station)
    db.commit()

    answer = speaker(unpriced)("StartTransaction", START, NOW)

    assert answer["idTagInfo"]["status"] == "Accepted"
    assert the_session(db).flags == ["no_tariff"]


def test_b4_backslashes_in_a_card_are_kept_and_flagged(db, says):
    frame = (
        r'[2,"213","StartTransaction",{"connectorId":2,"idTag":"336699\\\\\\","meterStart":33259490,'
        r'"timestamp":"2022-07-28T09:41:15Z"}]'
    )

    says.frame(frame)

    assert the_session(db).id_tag == "336699\\\\\\"
    assert "odd_token" in the_session(db).flags


def test_c7_keba_appends_its_serial_number_to_the_card(db, says, charger):
    factories.token(db, charger.station.operator, "12345678")
    db.commit()
    frame = (
        '[2,"dab92753-5fe0-43cd-84d1-44cb46d25951","StartTransaction",{"connectorId":4,"idTag":"12345678_dummy1",'
        '"timestamp":"2021-04-08T18:49:11.450Z","meterStart":164}]'
    )

    answer = says.frame(frame)

    assert answer["idTagInfo"]["status"] == "Accepted"


def payment_for(db, charger, **values) -> Payment:
    account = factories.payment_account(db, charger.station.operator)
    payment = Payment(
        **{
            "operator_id": charger.operator_id,
            "payment_account_id": account.id,
            "charger_id": charger.id,
            "connector_number": 1,
            "token": f"secret-{values.get('id_tag', 'VDABCDEFGH23456789')}",
            "id_tag": "VDABCDEFGH23456789",
            "provider": "sandbox",
            "collection_mode": CollectionMode.PLATFORM,
            "is_test": True,
            "status": PaymentStatus.AUTHORISED,
            "status_at": NOW,
            "currency": "EUR",
            "hold_minor": 4500,
            "created_at": NOW,
        }
        | values
    )
    db.add(payment)
    db.commit()
    return payment


@pytest.mark.parametrize(
    "sent", ["VDABCDEFGH23456789", "vdabcdefgh23456789", "VDABCDEFGH23456789_1", "VDABCDEFGH2345678900"]
)
def test_a_payments_id_tag_starts_its_session_whatever_is_appended(db, says, charger, sent):
    payment = payment_for(db, charger)

    allowed = says("Authorize", {"idTag": sent})
    started = says("StartTransaction", START | {"idTag": sent}, NOW)

    assert allowed["idTagInfo"]["status"] == "Accepted"
    assert started["idTagInfo"]["status"] == "Accepted"
    assert the_session(db).payment_id == payment.id


def test_a_payment_starts_one_session_only(db, says, charger):
    payment_for(db, charger)
    first = says("StartTransaction", START | {"idTag": "VDABCDEFGH23456789"}, NOW)
    says("StopTransaction", stop_of(first["transactionId"], idTag=""), NOW + timedelta(minutes=30))

    second = says(
        "StartTransaction",
        START | {"idTag": "VDABCDEFGH23456789", "timestamp": "2026-11-20T12:04:00Z"},
        NOW + timedelta(hours=1),
    )

    assert second["idTagInfo"] == {"status": "Expired"}


def test_a_payment_whose_hold_is_gone_starts_nothing(db, says, charger):
    payment_for(db, charger, status=PaymentStatus.RELEASED)

    answer = says("StartTransaction", START | {"idTag": "VDABCDEFGH23456789"}, NOW)

    assert answer["idTagInfo"] == {"status": "Expired"}
    assert the_session(db).payment_id is None


def test_a_payment_for_another_charger_is_unknown_here(db, says, charger):
    neighbour = factories.charger(db, charger.station)
    payment_for(db, neighbour)

    answer = says("StartTransaction", START | {"idTag": "VDABCDEFGH23456789"}, NOW)

    assert answer["idTagInfo"] == {"status": "Invalid"}


def test_the_price_that_the_driver_saw_is_the_sessions_price(db, says, charger):
    shown = factories.tariff(db, charger.station.operator, name="Shown")
    payment_for(db, charger, tariff_id=shown.id)

    says("StartTransaction", START | {"idTag": "VDABCDEFGH23456789"}, NOW)

    assert the_session(db).tariff_id == shown.id


def test_another_card_of_the_same_group_may_stop_it(db, says, charger):
    operator = charger.station.operator
    factories.token(db, operator, "CARD1", parent_uid="FAMILY")
    factories.token(db, operator, "CARD2", parent_uid="FAMILY")
    factories.token(db, operator, "STRANGER1")
    db.commit()
    says("StartTransaction", START | {"idTag": "CARD1"}, NOW)

    says("StopTransaction", stop_of(-1, idTag="STRANGER1"), NOW + timedelta(minutes=29))
    says("StopTransaction", stop_of(-1, idTag="CARD2", meterStop=11001), NOW + timedelta(minutes=30))

    started, orphan = db.scalars(select(ChargingSession).order_by(ChargingSession.id)).all()
    assert (started.status, started.energy_wh, started.id_tag) == (SessionStatus.COMPLETED, 10001, "CARD1")
    assert "stop_without_start" in orphan.flags


def test_a_stop_that_names_its_plug_is_matched_there(db, says, charger):
    says("StartTransaction", START, NOW)
    stop = {"transactionId": 0, "connectorId": 2, "meterStop": 11000, "timestamp": "2026-11-20T11:34:00Z"}

    says("StopTransaction", stop, NOW + timedelta(minutes=30))
    says("StopTransaction", stop | {"connectorId": 1, "meterStop": 11001}, NOW + timedelta(minutes=30))

    started, orphan = db.scalars(select(ChargingSession).order_by(ChargingSession.id)).all()
    assert (started.status, started.energy_wh) == (SessionStatus.COMPLETED, 10001)
    assert (orphan.connector_number, orphan.energy_wh) == (2, 0)


def test_a_lost_start_of_a_paid_session_keeps_payment_and_energy_for_review(db, says, charger):
    payment = payment_for(db, charger)
    data = [
        {
            "timestamp": "2026-11-20T11:04:00Z",
            "sampledValue": [{"value": "1000", "context": "Transaction.Begin"}],
        }
    ]

    says("StopTransaction", stop_of(58, idTag="VDABCDEFGH23456789", transactionData=data), NOW + timedelta(minutes=30))

    orphan = the_session(db)
    assert orphan.payment_id == payment.id
    assert (orphan.meter_start_wh, orphan.energy_wh) == (1000, 10000)
    assert orphan.flags == ["stop_without_start"]


@pytest.mark.parametrize("spelling", ["Transaction.Begin", "Sample.Periodic"])
def test_a_saturated_stop_without_end_sample_uses_the_last_value(db, says, spelling):
    started = says("StartTransaction", START, NOW)
    sample = {"value": "4500", "context": spelling}
    value = {"timestamp": "2026-11-20T11:20:00Z", "sampledValue": [sample]}
    says(
        "MeterValues",
        {"connectorId": 1, "transactionId": started["transactionId"], "meterValue": [value]},
        NOW + timedelta(minutes=16),
    )

    says("StopTransaction", stop_of(started["transactionId"], meterStop=2147483647), NOW + timedelta(minutes=30))

    assert (the_session(db).meter_stop_wh, the_session(db).energy_wh) == (4500, 3500)
    assert the_session(db).flags == ["meter_saturated"]


def test_the_zone_of_the_chargers_clock_counts_for_times_without_one(db, speaker, charger):
    says = speaker(charger, clock_zone="Europe/Helsinki")

    says("StartTransaction", START | {"timestamp": "2026-11-20T13:04:00"}, NOW)

    assert the_session(db).started_at == NOW
    assert the_session(db).flags == []
