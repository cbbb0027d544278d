"""QR codes lead where they were bound, and remember where they led."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain import qr_codes
from domain.errors import Conflict, NotFound, Refused
from domain.models.chargers import QrBinding
from domain.qr_codes import HasCodes, Others
from tests import factories
from tests.factories import NOW

WHO = {"by": "alice@example.com", "now": NOW}


@pytest.fixture
def charger(make):
    return make(
        factories.charger, label="HG-01", device_id="EVSE-A", connectors=2, uuid="3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    )


@pytest.fixture
def code(db, charger):
    (code,) = qr_codes.make(db, charger.operator_id, 1, now=NOW)
    return code


def test_new_codes_differ_and_lead_nowhere(db, charger):
    codes = qr_codes.make(db, charger.operator_id, 1200, now=NOW)

    assert len({code.code for code in codes}) == 1200
    assert all(len(code.code) == 8 and set(code.code) <= set(qr_codes.ALPHABET) for code in codes)
    assert {code.charger_id for code in codes} == {None}


@pytest.mark.parametrize("count", [0, -1, 5001])
def test_a_number_out_of_range_is_refused(db, charger, count):
    with pytest.raises(Refused, match="1 to 5,000"):
        qr_codes.make(db, charger.operator_id, count, now=NOW)


def test_a_code_that_moves_remembers_where_it_led(db, make, charger, code):
    other = make(factories.charger, charger.station, label="HG-02")
    qr_codes.associate(db, code, charger, 1, None, **WHO)

    qr_codes.associate(db, code, other, None, None, by="bob@example.com", now=NOW + timedelta(days=1))

    led = [(each.charger.label, each.connector_number, each.unbound_by) for each in qr_codes.history(db, code)]
    assert led == [("HG-02", None, None), ("HG-01", 1, "bob@example.com")]
    assert (code.charger_id, code.connector_number) == (other.id, None)


def test_a_code_has_one_open_binding_whatever_happens(db, charger, code):
    qr_codes.bind(db, code, charger, **WHO)
    qr_codes.bind(db, code, charger, 2, **WHO)

    still_open = db.scalars(select(QrBinding).where(QrBinding.unbound_at.is_(None))).all()
    assert [each.connector_number for each in still_open] == [2]


def test_a_charger_that_has_a_code_asks_what_becomes_of_it(db, charger, code):
    qr_codes.bind(db, code, charger, **WHO)
    (second,) = qr_codes.make(db, charger.operator_id, 1, now=NOW)

    with pytest.raises(HasCodes, match=f"HG-01 is associated with {code.code} already"):
        qr_codes.associate(db, second, charger, None, None, **WHO)

    qr_codes.associate(db, second, charger, None, Others.KEEP, **WHO)
    assert {each.code for each in qr_codes.all_of_charger(db, charger)} == {code.code, second.code}
    qr_codes.associate(db, second, charger, None, Others.FREE, **WHO)
    assert [each.code for each in qr_codes.all_of_charger(db, charger)] == [second.code]


def test_codes_of_other_plugs_do_not_matter(db, charger, code):
    qr_codes.associate(db, code, charger, 1, None, **WHO)
    (second,) = qr_codes.make(db, charger.operator_id, 1, now=NOW)

    qr_codes.associate(db, second, charger, 2, None, **WHO)

    assert len(qr_codes.all_of_charger(db, charger)) == 2


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_plug_that_is_not_there_is_refused(db, charger, code, number):
    with pytest.raises(Refused, match="no such connector"):
        qr_codes.associate(db, code, charger, number, None, **WHO)


def test_binding_over_another_charger_needs_unbinding_first(db, make, charger, code):
    qr_codes.bind(db, code, charger, **WHO)

    with pytest.raises(Conflict):
        qr_codes.bind(db, code, make(factories.charger, charger.station), **WHO)


def test_another_operators_charger_is_not_there(db, make, code):
    with pytest.raises(NotFound):
        qr_codes.associate(db, code, make(factories.charger), None, None, **WHO)


@pytest.mark.parametrize(
    "typed",
    [
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        " 3F2504E0-4F89-41D3-9A0C-0305E82C3301\n",
        "3f2504e04f8941d39a0c0305e82c3301",
        "urn:uuid:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "https://maker.example/?uuid=3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "EVSE-A",
        "hg-01",
    ],
)
def test_a_charger_is_found_by_what_people_paste(db, charger, typed):
    assert qr_codes.find_charger(db, charger.operator_id, typed).id == charger.id


@pytest.mark.parametrize("typed", ["3f2504e0-4f89-41d3-9a0c-0305e82c3302", "HG-99", "%", "", "'; DROP TABLE charger"])
def test_what_nobody_has_is_not_found(db, charger, typed):
    with pytest.raises(NotFound):
        qr_codes.find_charger(db, charger.operator_id, typed)


def test_a_label_that_two_chargers_share_is_not_enough(db, make, charger):
    make(factories.charger, charger.station, label="hg-01")

    with pytest.raises(NotFound, match="Type the uuid"):
        qr_codes.find_charger(db, charger.operator_id, "HG-01")
