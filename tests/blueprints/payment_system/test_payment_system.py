"""Payment System of a station: merchants, credentials that are never shown, the preferred method."""

import pytest
from sqlalchemy import select

from domain import payment_accounts, station_merchants
from domain.errors import Refused
from domain.models.mails import Mail
from domain.models.operators import AuditEvent, Role
from domain.models.payments import CollectionMode, PaymentAccount
from domain.passwords import hash_password
from tests import factories
from tests.fakes.stripe import KEY, OTHER_KEY, SECRET

NEW_KEY = "rk_test_HarbourRotated9"


def add(browser, station, key=KEY, secret=SECRET, name="Our Stripe"):
    typed = {"name": name, "secret_key": key, "webhook_secret": secret}
    return browser.post(f"/stations/{station.id}/payment/merchants/new/stripe", data=typed)


def accounts(db):
    rows = select(PaymentAccount).order_by(PaymentAccount.id)
    found = list(db.scalars(rows.execution_options(populate_existing=True)))
    db.commit()
    return found


def fresh(db, row):
    db.refresh(row)
    db.commit()  # lets go of the lock, keeps the values
    return row


def test_a_merchant_is_added_and_the_station_is_ready(alice, station, db):
    response = add(alice, station)
    page = alice.get(response.location).text

    (account,) = accounts(db)
    fresh(db, station)
    assert response.status_code == 303
    assert "Your charging station is now set up: drivers pay with Our Stripe." in page
    assert "ends with …0001" in page
    assert f"/hooks/stripe/{account.id}" in page
    assert station.payment_account_id == account.id
    assert account.collection_mode is CollectionMode.OPERATOR
    assert payment_accounts.unsealed(account, "test") == {"secret_key": KEY, "webhook_secret": SECRET}


def test_secrets_are_never_shown_again_nor_kept_in_clear(alice, station, db):
    wrong = add(alice, station, name="")
    add(alice, station)
    (account,) = accounts(db)
    pages = [wrong.text] + [
        alice.get(path).text
        for path in (
            f"/stations/{station.id}/payment",
            f"/stations/{station.id}/payment/{account.id}/credentials",
            "/settings/audit-log",
        )
    ]

    assert wrong.status_code == 422
    assert not [page for page in pages if KEY in page or SECRET in page]
    assert KEY not in account.sealed_credentials
    told = [str(event.detail) for event in db.scalars(select(AuditEvent))]
    assert not [text for text in told if KEY in text or SECRET in text]


@pytest.mark.parametrize(
    ("key", "secret", "sentence"),
    [
        ("", SECRET, "Enter the secret or restricted key."),
        ("pk_test_publishable", SECRET, "A key of Stripe begins with sk_ or rk_."),
        (KEY, "secret", "A signing secret of Stripe begins with whsec_."),
        ("sk_test_NobodysKey01", SECRET, "Stripe does not take the secret key"),
    ],
)
def test_credentials_that_cannot_work_are_refused_with_a_reason(alice, station, db, key, secret, sentence):
    response = add(alice, station, key, secret)

    assert response.status_code == 422
    assert sentence in response.text
    assert 'value="Our Stripe"' in response.text
    assert accounts(db) == []


def test_a_provider_that_does_not_answer_saves_nothing(alice, station, db, fake):
    fake.fail("GET /v1/account", "drop")

    response = add(alice, station)

    assert response.status_code == 422
    assert "Stripe does not answer at the moment" in response.text
    assert accounts(db) == []


def test_the_same_stripe_account_is_not_added_twice(alice, station, db):
    add(alice, station)

    response = add(alice, station, name="Again")

    assert response.status_code == 422
    assert "Replace its credentials instead" in response.text
    assert len(accounts(db)) == 1


def test_test_money_is_added_for_this_station_only(alice, station, db, make, harbour):
    other = make(factories.station, harbour, name="Depot", payment_account_id=None)

    alice.post(f"/stations/{station.id}/payment/merchants/new/sandbox", data={"name": "Play money"})

    (account,) = accounts(db)
    fresh(db, station)
    fresh(db, other)
    assert (account.is_test, account.collection_mode) == (True, CollectionMode.PLATFORM)
    assert (station.payment_account_id, other.payment_account_id) == (account.id, None)


def test_the_preferred_method_is_chosen_among_several(alice, station, db):
    add(alice, station)
    alice.post(f"/stations/{station.id}/payment/merchants/new/sandbox", data={"name": "Play money"})
    stripe, sandbox = accounts(db)

    alice.post(f"/stations/{station.id}/payment/prefer", data={"account": sandbox.id})

    fresh(db, station)
    assert [each.account.id for each in station_merchants.of_station(db, station)] == [sandbox.id, stripe.id]
    db.commit()
    alice.post(f"/stations/{station.id}/payment/{sandbox.id}/remove")
    fresh(db, station)
    assert [each.account.id for each in station_merchants.of_station(db, station)] == [stripe.id]


# --- Changing credentials ------------------------------------------------------------------------------------


@pytest.fixture
def account(make, harbour, db, station):
    made = make(factories.stripe_account, harbour)
    station.payment_account_id = made.id
    db.commit()
    return made


@pytest.fixture
def owner(make, sign_in, harbour):
    return sign_in(
        make(factories.user, harbour, email="olga@example.com", password_hash=hash_password("olgas password"))
    )


def replace(browser, station, account, **typed):
    path = f"/stations/{station.id}/payment/{account.id}/credentials"
    return browser.post(path, data={"password": "olgas password"} | typed)


def test_credentials_are_replaced_by_others_of_the_same_merchant(owner, station, account, db, fake):
    payment_accounts.flag(db, account.id, "Stripe does not take the secret key.", factories.NOW)
    db.commit()
    fake.harbour.key = NEW_KEY

    response = replace(owner, station, account, secret_key=NEW_KEY)

    fresh(db, account)
    assert response.status_code == 303
    assert payment_accounts.unsealed(account, "test") == {"secret_key": NEW_KEY, "webhook_secret": SECRET}
    assert (account.trouble, account.credential_endings["secret_key"]) == (None, "ted9")
    assert "Credentials of Stripe were replaced" in [mail.subject for mail in db.scalars(select(Mail))]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"secret_key": OTHER_KEY}, "These credentials open another Stripe account (acct_1OtherFake)."),
        ({"secret_key": "sk_test_NobodysKey01"}, "Stripe does not take the secret key"),
        ({"secret_key": KEY, "password": "guessed"}, "This is not your password."),
    ],
)
def test_credentials_are_not_replaced_without_proof(owner, station, account, db, typed, sentence):
    before = account.sealed_credentials

    response = replace(owner, station, account, **typed)

    fresh(db, account)
    assert response.status_code == 422
    assert sentence in response.text
    assert account.sealed_credentials == before


def test_a_switched_off_account_takes_no_new_payments(owner, station, account, make, db):
    owner.post(f"/stations/{station.id}/payment/{account.id}/off")
    page = owner.get(f"/stations/{station.id}/payment").text
    fresh(db, account)
    off = station_merchants.usable(db, station)
    db.commit()
    owner.post(f"/stations/{station.id}/payment/{account.id}/on")

    assert "Switched off" in page
    assert off == []
    fresh(db, account)
    assert [each.account.id for each in station_merchants.usable(db, station)] == [account.id]


def test_charlies_account_cannot_be_used(alice, station, make, db):
    theirs = make(factories.stripe_account, make(factories.operator, name="Other"))

    answers = [
        alice.post(f"/stations/{station.id}/payment/use", data={"account": theirs.id}).status_code,
        alice.post(f"/stations/{station.id}/payment/prefer", data={"account": theirs.id}).status_code,
        alice.post(f"/stations/{station.id}/payment/{theirs.id}/off").status_code,
        alice.post(f"/stations/{station.id}/payment/use", data={"account": "x"}).status_code,
    ]

    assert answers == [404, 404, 404, 404]


# --- The platform's accounts ---------------------------------------------------------------------------------


def test_the_platforms_account_is_offered_and_collects_for_the_operator(make, sign_in, alice, station, db):
    admin = sign_in(make(factories.user, None, Role.PLATFORM_ADMIN))
    typed = {"name": "Voltdesk collects", "secret_key": KEY, "webhook_secret": SECRET}
    added = admin.post("/platform/payment-accounts/new/stripe", data=typed)
    offer = alice.get(f"/stations/{station.id}/payment/merchants").text
    (platforms,) = accounts(db)
    alice.post(f"/stations/{station.id}/payment/use", data={"account": platforms.id})
    alice.post(f"/stations/{station.id}/payment/use", data={"account": platforms.id})

    _, taken = accounts(db)
    fresh(db, station)
    page = alice.get(f"/stations/{station.id}/payment").text
    assert added.status_code == 303
    assert "Voltdesk collects" in offer
    assert (taken.collection_mode, taken.platform_account_id) == (CollectionMode.PLATFORM, platforms.id)
    assert (platforms.operator_id, taken.sealed_credentials) == (None, None)
    assert station.payment_account_id == taken.id
    assert "0001" not in page
    assert "is collected by the platform and settled with you" in page
    assert payment_accounts.holder(db, taken.id).id == platforms.id
    db.commit()
    assert "Chosen by 1 operator." in admin.get("/platform/payment-accounts").text
    admin.post(f"/platform/payment-accounts/{platforms.id}/off")
    accounts(db)
    assert station_merchants.usable(db, station) == []


def test_trouble_with_the_platforms_account_is_told_to_the_platform(make, db, harbour):
    make(factories.user, None, Role.PLATFORM_ADMIN, email="ines@example.com")
    make(factories.user, harbour, email="olga@example.com")
    platforms = make(factories.stripe_account, None)

    payment_accounts.flag(db, platforms.id, "The key was revoked.", factories.NOW)
    payment_accounts.flag(db, platforms.id, "Told before.", factories.NOW)
    db.commit()

    assert [mail.to_address for mail in db.scalars(select(Mail))] == ["ines@example.com"]
    assert platforms.trouble == "The key was revoked."


def test_another_secret_key_of_the_installation_makes_them_unreadable(make, harbour):
    account = make(factories.stripe_account, harbour)

    with pytest.raises(Exception, match="cannot be read any more"):
        payment_accounts.unsealed(account, "another")
    with pytest.raises(Refused):
        payment_accounts.checked_name("")
