"""Operators register themselves. Until the e-mail is confirmed nothing exists that could be signed in to.

Whoever registers with somebody else's address gains nothing: the link in the mail asks for the password that was
chosen, so the owner of the address cannot confirm a stranger's sign-up by mistake. The mail holds no word that was
typed into the form.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain import mails, operators, passwords, secret_links, stations, users
from domain.errors import Conflict, NotFound, Refused
from domain.links import Links
from domain.models.operators import Role, UserAccount
from domain.models.secret_links import Purpose
from domain.models.sign_ups import SignUp
from domain.places import currency_of

LASTS = timedelta(days=2)
_TO_CONFIRM = """Hello,

somebody, hopefully you, signed up at Voltdesk with this e-mail address.

Confirm that the address is yours within two days:
{link}

You will be asked for the password that you chose. If it was not you, do nothing: without that password
nothing happens, and what was typed is forgotten after two days.
"""
_KNOWN_ALREADY = """Hello,

somebody, hopefully you, tried to sign up at Voltdesk with this e-mail address. You have a login already:
{sign_in}

If you do not remember the password, choose a new one here:
{forgot}

If it was not you, do nothing.
"""


def register(
    db: Session, company: str, email: str, password: str, *, country: str | None = None, links: Links, now: datetime
) -> None:
    """A mail is on its way: with a link that makes the login, or telling that there is one.

    Raises:
        Refused: naming the fields that are wrong.
    """
    address = _checked(company, email, password, country)
    sealed = passwords.hash_password(password)  # in either case: the time tells nothing
    is_known = users.find(db, address) is not None
    if not mails.may_ask(db, address, now):
        return
    if is_known:
        _tell_known(db, address, links, now)
        return
    sign_up = SignUp(
        company=company.strip(), email=address, country=country or None, password_hash=sealed, created_at=now
    )
    db.add(sign_up)
    db.flush()
    _ask_to_confirm(db, sign_up, links, now)


def ask_again(db: Session, email: str, *, links: Links, now: datetime) -> None:
    """The mail about a sign-up goes out once more, if there is one to send; nobody learns whether."""
    try:
        address = users.clean_email(email)
    except Refused:
        return
    if not mails.may_ask(db, address, now):
        return
    pending = _pending(db, address, now)
    if pending:
        _ask_to_confirm(db, pending[-1], links, now)
    elif users.find(db, address) is not None:
        _tell_known(db, address, links, now)


def find(db: Session, secret: str, now: datetime) -> SignUp:
    """The sign-up that this link confirms.

    Raises:
        NotFound: the link is used up or too old.
    """
    link = secret_links.find(db, Purpose.CONFIRM_EMAIL, secret, now)
    sign_up = db.get(SignUp, link.subject_id)
    if sign_up is None:
        raise NotFound(secret_links.GONE)
    return sign_up


def meant(db: Session, secret: str, password: str, now: datetime) -> int:
    """The sign-up with the link's address and that password. It takes its time: only read in this transaction.

    Raises:
        NotFound: the link is used up or too old.
        Refused: nobody signed up with this address and that password.
    """
    pending = _pending(db, find(db, secret, now).email, now)
    for each in reversed(pending):
        if passwords.matches(each.password_hash, password):
            return each.id
    raise Refused("This is not the password.", [("password", "This is not the password that you chose.")])


def confirm(db: Session, secret: str, sign_up_id: int, now: datetime) -> UserAccount:
    """The operator and its owner's login exist.

    Args:
        sign_up_id: from `meant`.

    Raises:
        NotFound: the link is used up or too old.
        Conflict: the address got a login meanwhile, by a station application.
    """
    address = find(db, secret, now).email
    pending = _pending(db, address, now, lock=True)
    meant = next((each for each in pending if each.id == sign_up_id), None)
    if meant is None:
        raise NotFound(secret_links.GONE)
    secret_links.use(db, Purpose.CONFIRM_EMAIL, secret, now)
    if users.find(db, address) is not None:
        raise Conflict("You have a login with this e-mail address already. Sign in, or use Forgot password.")
    currency = currency_of(meant.country)
    operator = operators.create(db, meant.company, currency=currency, country=meant.country, by=address, now=now)
    user, _ = users.create(db, address, Role.OWNER, operator, password_hash=meant.password_hash, by=address, now=now)
    for each in pending:
        secret_links.end(db, Purpose.CONFIRM_EMAIL, each.id)
    db.execute(delete(SignUp).where(SignUp.email == address))
    return user


def forget(db: Session, now: datetime) -> None:
    """Sign-ups that nobody confirmed in time are gone."""
    db.execute(delete(SignUp).where(SignUp.created_at < now - LASTS))


def _checked(company: str, email: str, password: str, country: str | None) -> str:
    errors: list[tuple[str, str]] = []
    address = ""
    if not company.strip() or len(company) > operators.LONGEST_NAME or not company.isprintable():
        errors.append(("company", f"Type your company's name, up to {operators.LONGEST_NAME} characters."))
    try:
        address = users.clean_email(email)
    except Refused as refusal:
        errors += refusal.errors
    if country and country not in stations.countries():
        errors.append(("country", "Choose a country of the list."))
    try:
        passwords.check_strength(password, address)
    except passwords.WeakPassword as weak:
        errors.append(("password", str(weak)))
    if errors:
        raise Refused(errors[0][1], errors)
    return address


def _pending(db: Session, address: str, now: datetime, *, lock: bool = False) -> list[SignUp]:
    found = select(SignUp).where(SignUp.email == address, SignUp.created_at > now - LASTS).order_by(SignUp.id)
    return list(db.scalars(found.with_for_update() if lock else found))


def _ask_to_confirm(db: Session, sign_up: SignUp, links: Links, now: datetime) -> None:
    left = sign_up.created_at + LASTS - now
    secret = secret_links.make(db, Purpose.CONFIRM_EMAIL, sign_up.id, lasts=left, now=now)
    body = _TO_CONFIRM.format(link=links.confirm(secret))
    mails.queue(db, sign_up.email, "Confirm your e-mail address", body, now=now)


def _tell_known(db: Session, address: str, links: Links, now: datetime) -> None:
    body = _KNOWN_ALREADY.format(sign_in=links.sign_in, forgot=links.forgot)
    mails.queue(db, address, "You have a login at Voltdesk already", body, now=now)
