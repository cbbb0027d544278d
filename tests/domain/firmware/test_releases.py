"""Publishing, changing and withdrawing releases, and which is the newest for a model."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from domain import firmware_releases
from domain.errors import Conflict, Refused
from domain.firmware_releases import Described
from tests import factories
from tests.simulator.test_maintenance import make_certificate, pem

NOW = factories.NOW
IMAGE = b"SIMFW version=2.9.0\n"
ADMIN = "ines@example.com"


def described(**values):
    return Described(**({"vendor": "Nordvolt", "models": ["Duo 60"], "version": "2.9.0"} | values))


def stored(db, body=IMAGE):
    return factories.stored_file(db, sha256=hashlib.sha256(body).hexdigest())


def publish(db, body=IMAGE, **values):
    return firmware_releases.publish(db, stored(db, body), described(**values), by=ADMIN, now=NOW)


def fields(refusal):
    return [field for field, _ in refusal.value.errors]


def test_a_release_is_for_several_models_each_once(db):
    release = publish(db, models=["Duo 60", " duo  60 ", "Wall 22", ""], notes=" Fixes the clock. ")

    assert [each.model for each in release.models] == ["duo  60", "Wall 22"]
    assert (release.notes, release.published_by, release.is_signed) == ("Fixes the clock.", ADMIN, False)


def test_every_field_that_is_wrong_is_named(db):
    about = described(
        vendor=" ", models=[], version="1" * 51, notes="x" * 10_001, signature="c2ln", comes_after=["1" * 51]
    )

    with pytest.raises(Refused) as refusal:
        firmware_releases.publish(db, stored(db), about, by=ADMIN, now=NOW)

    assert fields(refusal) == [
        "vendor",
        "version",
        "models",
        "comes_after",
        "notes",
        "comes_after",
        "signing_certificate",
    ]


def test_the_same_version_for_the_same_model_is_refused(db):
    publish(db, models=["Duo 60", "Wall 22"])

    with pytest.raises(Refused, match=r"2\.9\.0 for Nordvolt Duo 60, Wall 22 is published already"):
        publish(db, b"another file", vendor="NORDVOLT", models=["wall 22"], version="V2.9.0")


def test_the_same_file_under_another_name_is_refused(db):
    publish(db)

    with pytest.raises(Refused, match=r"This very file is published already, as Nordvolt 2\.9\.0"):
        publish(db, version="3.0")


def test_after_a_withdrawal_file_and_version_are_free_again(db):
    firmware_releases.withdraw(db, publish(db), "Bricks the relay.", by=ADMIN, now=NOW)

    again = publish(db)

    assert again.is_published
    assert firmware_releases.catalogue(db).of("Nordvolt", "Duo 60") == [again]


def test_a_withdrawal_needs_a_reason_and_happens_once(db):
    release = publish(db)

    with pytest.raises(Refused):
        firmware_releases.withdraw(db, release, "  ", by=ADMIN, now=NOW)
    firmware_releases.withdraw(db, release, "Bricks the relay.", by=ADMIN, now=NOW)
    with pytest.raises(Conflict):
        firmware_releases.withdraw(db, release, "Again.", by=ADMIN, now=NOW)
    with pytest.raises(Conflict):
        firmware_releases.change(db, release, described(), by=ADMIN, now=NOW)


def test_models_and_notes_can_change(db):
    release = publish(db)

    firmware_releases.change(db, release, described(models=["Duo 60", "Duo 80"], notes="New."), by=ADMIN, now=NOW)

    assert [each.model for each in release.models] == ["Duo 60", "Duo 80"]
    assert firmware_releases.catalogue(db).target("nordvolt", "duo 80", "2.0") is release


def test_a_signature_must_fit_file_and_certificate(db):
    key, other = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    signature = base64.b64encode(key.sign(IMAGE, ec.ECDSA(hashes.SHA256()))).decode()
    by_other = base64.b64encode(other.sign(IMAGE, PKCS1v15(), hashes.SHA256())).decode()
    certificate, theirs = pem(make_certificate(key)), pem(make_certificate(other))

    for wrong, field in (
        ({"signature": signature, "signing_certificate": theirs}, "signature"),
        ({"signature": "not base64!", "signing_certificate": certificate}, "signature"),
        ({"signature": signature, "signing_certificate": "no certificate"}, "signing_certificate"),
        ({"signature": "A" * 801, "signing_certificate": certificate}, "signature"),
        ({"signature": signature, "signing_certificate": certificate * 20}, "signing_certificate"),
    ):
        with pytest.raises(Refused) as refusal:
            publish(db, **wrong)
        assert fields(refusal) == [field]
    assert publish(db, signature=signature, signing_certificate=certificate).is_signed
    firmware_releases.withdraw(
        db, firmware_releases.catalogue(db).of("Nordvolt", "Duo 60")[0], "Next.", by=ADMIN, now=NOW
    )
    assert publish(db, signature=by_other, signing_certificate=theirs).is_signed


def test_the_newest_that_is_newer_is_the_target(db):
    old, new = publish(db, b"1", version="1.9"), publish(db, b"2", version="1.10")
    known = firmware_releases.catalogue(db)

    assert known.of("Nordvolt", "Duo 60") == [new, old]
    assert known.target("Nordvolt", "Duo 60", "v1.8") is new
    assert known.target("Nordvolt", "Duo 60", "1.10.0") is None
    assert known.target("Nordvolt", "Duo 80", "1.8") is None
    assert known.target("Nordvolt", "Duo 60", None) is None
    assert known.target(None, None, "1.8") is None


def test_people_say_what_names_do_not_tell(db):
    cirrus = publish(db, b"1", version="Cirrus", comes_after=["Altus", "9.7"])
    nimbus = publish(db, b"2", version="Nimbus", comes_after=["cirrus"])
    known = firmware_releases.catalogue(db)

    assert known.of("Nordvolt", "Duo 60") == [nimbus, cirrus]
    assert known.target("Nordvolt", "Duo 60", "Altus") is nimbus  # over Cirrus
    assert known.target("Nordvolt", "Duo 60", "9.6") is nimbus  # older than a version that it comes after
    assert known.target("Nordvolt", "Duo 60", "Stratus") is None
    assert known.choices("Nordvolt", "Duo 60", "Stratus") == [nimbus, cirrus]
    assert known.choices("Nordvolt", "Duo 60", "Nimbus") == []


def test_people_may_turn_the_order_of_numbers_round(db):
    old, new = publish(db, b"1", version="10.0"), publish(db, b"2", version="2.0", comes_after=["10.0"])
    known = firmware_releases.catalogue(db)

    assert known.target("Nordvolt", "Duo 60", "10.0") is new
    assert known.target("Nordvolt", "Duo 60", "2.0") is None
    assert known.of("Nordvolt", "Duo 60") == [new, old]


def test_a_circle_of_predecessors_ends(db):
    publish(db, b"1", version="A", comes_after=["B"])
    publish(db, b"2", version="B", comes_after=["A"])

    assert firmware_releases.catalogue(db).target("Nordvolt", "Duo 60", "C") is None
