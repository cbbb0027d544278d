"""Who may open a socket, what the others read, and what the connection doctor remembers."""

import urllib.request

import pytest
from sqlalchemy import select

from domain.models.chargers import Charger, Handshake, HandshakeOutcome
from tests.ocpp_server.conftest import PASSWORD
from tests.ocpp_server.running import RawCharger, Refused, eventually, rows

UNAUTHORISED = "Unknown charger, or the user name or the password is wrong. The user name is the device id.\n"


def refusal(sidecar, **options) -> Refused:
    with pytest.raises(Refused) as refused:
        RawCharger(sidecar.port, **options)
    return refused.value


def outcomes(db) -> list[HandshakeOutcome]:
    return rows(db, select(Handshake.outcome).order_by(Handshake.id))


def test_a_healthy_sidecar_says_so(sidecar):
    for path in ("healthz", "readyz"):
        with urllib.request.urlopen(f"http://127.0.0.1:{sidecar.port}/{path}") as answer:
            assert (answer.status, answer.read()) == (200, b'{"status":"ok"}\n')


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ({"device_id": "NOBODY", "password": PASSWORD}, HandshakeOutcome.UNKNOWN_CHARGER),
        ({"device_id": "HE1", "password": "wrong-wrong-wrong"}, HandshakeOutcome.WRONG_PASSWORD),
        ({"device_id": "HE1", "password": ""}, HandshakeOutcome.WRONG_PASSWORD),
        ({"device_id": "HE1"}, HandshakeOutcome.NO_PASSWORD),
        ({"device_id": "HE1", "user": "HE2", "password": PASSWORD}, HandshakeOutcome.WRONG_USER),
        ({"device_id": "he1", "password": PASSWORD}, HandshakeOutcome.UNKNOWN_CHARGER),
        ({"device_id": "HE1", "headers": "Authorization: Bearer abc\r\n"}, HandshakeOutcome.NO_PASSWORD),
        ({"device_id": "HE1", "headers": "Authorization: Basic %%%\r\n"}, HandshakeOutcome.NO_PASSWORD),
        ({"device_id": "HE1", "headers": "Authorization: Basic SEUx\r\n"}, HandshakeOutcome.NO_PASSWORD),
        ({"device_id": "HE1", "headers": "Authorization: Basic " + "A" * 4000 + "\r\n"}, HandshakeOutcome.NO_PASSWORD),
    ],
)
def test_strangers_all_read_the_same_before_any_upgrade(db, add_charger, sidecar, options, outcome):
    add_charger(device_id="HE1")

    refused = refusal(sidecar, **options)

    assert (refused.status, refused.body) == (401, UNAUTHORISED)
    assert 'www-authenticate: Basic realm="OCPP"' in refused.headers
    assert eventually(lambda: outcomes(db)) == [outcome]
    assert rows(db, select(Charger.node)) == [None]


@pytest.mark.parametrize(
    "path", ["/", "//", "", "/HE%", "/HE%1", "/HE%zz", "/%ff%fe", "/HE%00", "/HE%0a1", "/" + "x" * 256]
)
def test_an_address_without_an_identity_is_not_found(db, sidecar, path):
    refused = refusal(sidecar, path=path or "/?HE1", user="HE1", password=PASSWORD)

    assert refused.status == 404
    assert refused.body == "The address must end with the charger's device id, encoded properly.\n"
    assert eventually(lambda: outcomes(db)) == [HandshakeOutcome.BAD_IDENTITY]


@pytest.mark.parametrize(
    ("device_id", "path"),
    [
        ("HE1", "/HE1"),
        ("HE1", "//HE1"),
        ("HE1", "/ocpp/1.6/HE1"),
        ("HE1", "/HE1/"),
        ("HE1", "/HE1?token=1"),
        ("RDAM|123", "/RDAM%7C123"),
        ("Plug 1", "/Plug%201"),
        ("a/b", "/a%2Fb"),
        ("%41", "/%2541"),
        ("Lädepunkt", "/L%C3%A4depunkt"),
        ("x" * 255, "/" + "x" * 255),
    ],
)
def test_the_identity_is_the_last_segment_decoded_once(db, add_charger, sidecar, device_id, path):
    add_charger(device_id=device_id)

    socket = RawCharger(sidecar.port, path=path, user=device_id, password=PASSWORD)

    assert "currentTime" in socket.call("Heartbeat", {})
    socket.drop()
    (accepted,) = rows(db, select(Handshake))
    assert (accepted.outcome, accepted.device_id) == (HandshakeOutcome.ACCEPTED, device_id)
    assert accepted.path == path.partition("?")[0]


RAW_KEY = bytes(range(0xF0, 0x100)) + b"\x00\x01:\xff"


@pytest.mark.parametrize("presented", [RAW_KEY, RAW_KEY.hex(), RAW_KEY.hex().upper()])
def test_a_key_of_20_raw_bytes_fits_in_every_form(add_charger, sidecar, presented):
    charger = add_charger(password=RAW_KEY.hex() if presented != RAW_KEY.hex().upper() else RAW_KEY.hex().upper())

    socket = RawCharger(sidecar.port, charger.device_id, presented)

    assert "currentTime" in socket.call("Heartbeat", {})
    socket.drop()


def test_a_colon_belongs_to_the_password(add_charger, sidecar):
    charger = add_charger(password="colon:colon:colon")

    socket = RawCharger(sidecar.port, charger.device_id, "colon:colon:colon")

    assert socket.subprotocol == "ocpp1.6"
    socket.drop()


@pytest.mark.parametrize(
    ("offered", "chosen"), [("ocpp1.6", "ocpp1.6"), ("ocpp2.0.1, ocpp1.6", "ocpp1.6"), ("ocpp2.1,ocpp1.6", "ocpp1.6")]
)
def test_the_version_is_chosen_from_what_is_offered(db, add_charger, connect, offered, chosen):
    socket = connect(add_charger(), subprotocols=offered)

    assert socket.subprotocol == chosen
    assert rows(db, select(Charger.ocpp_version)) == ["1.6"]


@pytest.mark.parametrize(
    ("offered", "outcome", "sentence"),
    [
        (None, HandshakeOutcome.NO_SUBPROTOCOL, "Offer the WebSocket subprotocol ocpp1.6."),
        ("ocpp2.0.1", HandshakeOutcome.UNKNOWN_VERSION, "None of the offered OCPP versions is spoken here."),
        ("mqtt", HandshakeOutcome.UNKNOWN_VERSION, "None of the offered OCPP versions is spoken here."),
    ],
)
def test_without_a_version_of_ours_it_is_refused_with_the_reason(db, add_charger, sidecar, offered, outcome, sentence):
    charger = add_charger()

    refused = refusal(sidecar, device_id=charger.device_id, password=PASSWORD, subprotocols=offered)

    assert refused.status == 400
    assert refused.body.startswith(sentence)
    assert eventually(lambda: outcomes(db)) == [outcome]


def test_a_charger_may_be_allowed_to_offer_nothing(add_charger, connect):
    socket = connect(add_charger(accepts_no_subprotocol=True), subprotocols=None)

    assert socket.subprotocol is None
    assert "currentTime" in socket.call("Heartbeat", {})


def test_a_charger_of_profile_2_is_refused_without_tls(db, add_charger, sidecar):
    charger = add_charger(security_profile=2)

    refused = refusal(sidecar, device_id=charger.device_id, password=PASSWORD)

    assert (refused.status, refused.body) == (403, "This charger must connect with TLS: wss instead of ws.\n")
    assert eventually(lambda: outcomes(db)) == [HandshakeOutcome.WRONG_PROFILE]


def test_a_charger_of_profile_0_needs_no_password(add_charger, sidecar):
    charger = add_charger(security_profile=0)

    socket = RawCharger(sidecar.port, charger.device_id)

    assert "currentTime" in socket.call("Heartbeat", {})
    socket.drop()


def test_repeated_refusals_are_one_row_that_counts(db, sidecar):
    for _ in range(5):
        refusal(sidecar, device_id="NOBODY", password=PASSWORD)

    assert eventually(lambda: rows(db, select(Handshake.repeats)) == [5])


def test_who_guesses_is_slowed_down_and_others_are_not(db, add_charger, sidecar):
    charger = add_charger()

    statuses = [refusal(sidecar, device_id="GUESSED", password=f"guess-{n:03}").status for n in range(22)]

    assert statuses == [401] * 20 + [429] * 2
    socket = RawCharger(sidecar.port, charger.device_id, PASSWORD)
    assert socket.subprotocol == "ocpp1.6"
    socket.drop()
    assert HandshakeOutcome.RATE_LIMITED in outcomes(db)


def test_a_flood_of_names_does_not_flood_the_table(db, sidecar):
    for number in range(350):
        refusal(sidecar, device_id=f"NOBODY{number}")

    def all_counted():
        repeats = rows(db, select(Handshake.repeats))
        return sum(repeats) == 350 and len(repeats)

    assert eventually(all_counted) == 301
