"""Which language a driver reads, and that it is that language only, in every state."""

from html.parser import HTMLParser

import pytest

from domain import payments, settling
from domain.models.payments import Payment, PaymentStatus
from tests import driver_states, factories
from tests.blueprints.conftest import HTMX
from tests.blueprints.driver.test_charger_page import choice, text

GERMAN = {"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"}
# Names, signs, and words that are spelled alike: language -> what may stand in it as in English.
NAMES = {"Voltdesk", "Harbour Energy", "PayPal", "CCS", "English", "Deutsch", "Français", "Español"}
ALIKE = {
    "de": {"Offline"},
    "fr": {"Type 2", "Type 2, Plug 1", "Total", "Code"},
    "es": {"Total", "No"},
}


NOT_FOUND = {"unknown code", "code without a charger", "dead link"}


class Spoken(HTMLParser):
    """What a page says: its texts, and the attributes that screen readers read."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(" ".join(data.split()))

    def handle_starttag(self, tag: str, attributes: list) -> None:
        if tag != "time":  # its title is UTC
            self.words += [value for name, value in attributes if name in ("aria-label", "alt", "title", "placeholder")]


def said(phone, address, language, status):
    response = phone.get(f"{address}?lang={language}")
    assert response.status_code == status
    assert f'<html lang="{language}">' in response.text
    page = Spoken()
    page.feed(response.text)
    return [words for words in page.words if sum(letter.isalpha() for letter in words) > 1]


@pytest.fixture
def world(world):
    world.db.delete(world.db.query(factories.QrCode).one())
    world.db.commit()
    return driver_states.prepare(world)


@pytest.mark.parametrize("state", driver_states.STATES)
def test_no_word_of_english_is_left(phone, world, state):
    address = driver_states.STATES[state](world)
    status = 404 if state in NOT_FOUND else 200
    english = said(phone, address, "en", status)
    data = {world.charger.label, world.charger.station.name}

    left = {
        language: [
            words
            for words in said(phone, address, language, status)
            if words in english and words not in NAMES | data | ALIKE[language] and not is_figure(words)
        ]
        for language in ("de", "fr", "es")
    }

    assert left == {"de": [], "fr": [], "es": []}


def is_figure(words):
    """Figures, units, order numbers, and the address of the place: no language."""
    return words[0].isdigit() or words.startswith(("VD-", "Visa", "Mastercard", "· ", "Harbour Garage,", "–"))


# --- The choice -----------------------------------------------------------------------------------------------------


def language_of(response):
    return response.text.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("de-CH,de;q=0.9,en;q=0.5", "de"),
        ("fr-CA", "fr"),
        ("es-419,es;q=0.9", "es"),
        ("pl,es;q=0.5,de;q=0.7", "de"),
        ("DE", "de"),
        ("en-GB,de;q=0.5", "en"),
        ("fi", "en"),
        ("*", "en"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("", "en"),
        ("../../etc/passwd", "en"),
    ],
)
def test_the_browser_asks_for_a_language(phone, world, asked, language):
    response = phone.get(f"/c/{world.code}", headers={"Accept-Language": asked})

    assert language_of(response) == language
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("country", "language"),
    [("AT", "de"), ("FR", "fr"), ("MX", "es"), ("BE", "fr"), ("GB", "en"), ("FI", "en"), ("XX", "en"), (None, "de")],
)
def test_else_the_country_of_the_station_tells_it(phone, world, country, language):
    world.charger.station.country = country
    world.charger.station.operator.country = "DE"
    world.db.commit()

    assert language_of(phone.get(f"/c/{world.code}")) == language
    assert language_of(phone.get(f"/c/{world.code}", headers={"Accept-Language": "en"})) == "en"


def test_a_choice_is_kept_and_counts_more_than_the_browser(phone, world):
    chosen = phone.get(f"/c/{world.code}?lang=fr", headers=GERMAN)
    later = phone.get(f"/c/{world.code}", headers=GERMAN)
    elsewhere = phone.get("/c/NOSUCHCODE", headers=GERMAN)

    assert [language_of(page) for page in (chosen, later, elsewhere)] == ["fr", "fr", "fr"]
    assert "language=fr" in chosen.headers["Set-Cookie"]
    assert "SameSite=Lax" in chosen.headers["Set-Cookie"]


@pytest.mark.parametrize("wish", ["xx", "", "DE", "de%0d%0aSet-Cookie:x", "../de"])
def test_a_language_that_we_do_not_speak_is_not_kept(phone, world, wish):
    response = phone.get(f"/c/{world.code}?lang={wish}")

    assert (response.status_code, language_of(response)) == (200, "en")
    assert "language=" not in response.headers.get("Set-Cookie", "")


def test_the_foot_offers_every_language_in_its_own_words(phone, world):
    page = phone.get(f"/c/{world.code}?lang=de").text

    assert '<a href="?lang=de" lang="de" hreflang="de" aria-current="true">Deutsch</a>' in page
    for code, name in (("en", "English"), ("fr", "Français"), ("es", "Español")):
        assert f'<a href="?lang={code}" lang="{code}" hreflang="{code}">{name}</a>' in page


def test_the_back_office_stays_english(client, alice):
    client.set_cookie("language", "de")

    assert language_of(client.get("/sign-in", headers=GERMAN)) == "en"
    assert language_of(alice.get("/chargers?lang=de", headers=GERMAN)) == "en"


# --- The payment keeps it -------------------------------------------------------------------------------------------


def pay_in(phone, world, **headers):
    phone.post(f"/c/{world.code}", data=choice(world, "1"), headers=headers)
    payment = world.db.query(Payment).one()
    world.db.commit()
    return payment


def test_the_payment_keeps_the_language_of_its_driver(app, phone, world):
    payment = pay_in(phone, world, **GERMAN)
    elsewhere = app.test_client().get(f"/s/{payment.token}")
    checkout = app.test_client().get(payment.checkout_url)

    assert payment.locale == "de"
    assert (language_of(elsewhere), language_of(checkout)) == ("de", "de")
    assert "Zu reservieren: Laden eines Elektroautos." in checkout.text


def test_a_choice_on_the_way_moves_to_the_payment(app, phone, world):
    payment = pay_in(phone, world, **GERMAN)

    phone.get(f"/s/{payment.token}?lang=es")

    assert world.fresh(payment).locale == "es"
    assert language_of(app.test_client().get(f"/s/{payment.token}")) == "es"


def test_the_browser_alone_does_not_change_what_the_payment_keeps(app, phone, world):
    payment = pay_in(phone, world, **GERMAN)

    language = language_of(app.test_client().get(f"/s/{payment.token}", headers={"Accept-Language": "fr"}))

    assert (language, world.fresh(payment).locale) == ("de", "de")


def test_while_the_provider_is_first_asked_the_language_stands(phone, world):
    """The same idempotency key with another language in the request would be refused for good."""
    payment = world.choose()

    page = phone.get(f"/s/{payment.token}?lang=fr")

    assert language_of(page) == "fr"
    assert (world.fresh(payment).status, payment.locale) == (PaymentStatus.CREATED, "en")


@pytest.mark.parametrize(
    ("locale", "description"), [("de", "Laden eines Elektroautos"), ("en", "EV charging"), (None, "EV charging")]
)
def test_the_provider_is_told_the_language(world, locale, description):
    payment = payments.create(world.db, world.charger, 1, world.tariff, token="l" * 40, locale=locale, now=world.now)
    world.db.commit()

    settling.settle_payment(world.till, payment.id, world.now, at_once=True)

    asked = world.books(world.fresh(payment))["asked"]
    assert (asked["locale"], asked["description"]) == (locale, description)


# --- What is said in it ---------------------------------------------------------------------------------------------


def nbsp(figures):
    return figures.replace("_", "\u00a0")


@pytest.mark.parametrize(
    ("language", "price", "hold", "vat"),
    [
        ("en", "€0.502 per kWh", "€45.00", "Prices include 25.5 % VAT."),
        ("de", "0,502_€ pro kWh", "45,00_€", "Preise inklusive 25,5_% MwSt."),
        ("fr", "0,502_€ par kWh", "45,00_€", "Prix TTC, TVA de 25,5_% incluse."),
        ("es", "0,502_€ por kWh", "45,00_€", "Precios con 25,5_% de IVA incluido."),
    ],
)
def test_prices_are_written_as_there(phone, world, language, price, hold, vat):
    page = phone.get(f"/c/{world.code}?lang={language}").text

    for shown in (price, hold, vat):
        assert nbsp(shown) in page


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "de",
            [
                "Standzeit nach dem Laden 5,291 € pro Stunde die ersten 15 Minuten kostenlos",
                "Startgebühr 1,00 €",
                "Mindestens 1,26 €",
            ],
        ),
        (
            "fr",
            [
                "Stationnement après la recharge 5,291 € par heure gratuit les 15 premières minutes",
                "Frais par recharge 1,00 €",
            ],
        ),
        (
            "es",
            ["Estacionamiento tras la recarga 5,291 € por hora primeros 15 minutos gratis", "Cuota por recarga 1,00 €"],
        ),
    ],
)
def test_every_kind_of_price_has_its_words(phone, world, language, lines):
    components = driver_states.EVERYTHING["elements"][0]["price_components"]
    terms = driver_states.EVERYTHING | {"elements": [{"price_components": components}]}
    world.tariff = factories.tariff(world.db, world.charger.station.operator, terms=terms)
    factories.assign_tariff(world.db, world.charger.station, world.tariff)
    world.db.commit()

    shown = text(phone.get(f"/c/{world.code}?lang={language}"))

    for line in lines:
        assert line in shown


def test_a_refusal_of_the_rules_is_translated(phone, world):
    payment = world.pay()
    world.start(payment)
    phone.get(f"/s/{payment.token}?lang=de")

    shown = text(phone.post(f"/s/{payment.token}/cancel", follow_redirects=True))

    assert "Das Laden hat begonnen. Beenden Sie es zuerst." in shown


def test_a_reason_that_nobody_has_translated_is_not_shown_in_english(phone, world):
    payment = world.pay("decline")
    payment.failure = "Buyer complaint."
    world.db.commit()

    german, english = (text(phone.get(f"/s/{payment.token}?lang={language}")) for language in ("de", "en"))

    assert "Die Zahlung wurde abgelehnt. Es wurde nichts abgebucht." in german
    assert "Buyer complaint." not in german
    assert "Buyer complaint. Nothing was charged." in english


def test_errors_are_told_in_the_drivers_language(phone, world):
    answer = phone.get("/s/" + "x" * 40, headers=GERMAN)

    assert answer.status_code == 404
    assert language_of(answer) == "de"
    assert "Dieser Link führt nirgendwohin." in answer.text
    assert "driver.css" in answer.text


def test_a_form_of_yesterday_is_refused_in_the_drivers_language(app, phone, world):
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = phone.post(f"/c/{world.code}", data=choice(world, "1"), headers=GERMAN)
    finally:
        app.config["WTF_CSRF_ENABLED"] = False

    assert answer.status_code == 400
    assert "Diese Seite war zu lange oder in einem anderen Browser geöffnet." in answer.text
    assert "?lang=" not in answer.text  # a link there would lead nowhere


@pytest.mark.parametrize("state", ["offline", "faulted", "busy", "closed", "payment not available", "no price"])
def test_who_paid_nothing_reads_nothing_about_a_charge_or_a_hold(phone, world, state):
    address = driver_states.STATES[state](world)

    for language, words in (
        ("en", ("charged", "We hold")),
        ("de", ("abgebucht", "Wir reservieren")),
        ("fr", ("débité", "Nous bloquons")),
        ("es", ("cobrado", "Retenemos")),
    ):
        shown = text(phone.get(f"{address}?lang={language}"))
        assert [word for word in words if word in shown] == []


def test_the_part_that_the_script_swaps_is_in_that_language_too(phone, world):
    phone.get(f"/c/{world.code}?lang=fr")

    part = phone.get(f"/c/{world.code}", headers=HTMX)

    assert "Choisissez votre prise" in part.text
