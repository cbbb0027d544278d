"""Where payment providers send their events. Public: a signature over the raw body proves each one."""

from flask import Blueprint, Response, current_app, request

from blueprints import access
from blueprints.database import db
from blueprints.limits import limiter
from blueprints.till import till
from domain import provider_events
from domain.clock import utcnow
from domain.db import read_only
from domain.models.payments import PaymentAccount
from domain.payment_provider import CredentialsRefused, EventRefused, ProviderEvent, ProviderUnavailable

bp = Blueprint("hooks", __name__)
access.public_blueprint(bp)

MOST_BYTES = 256 * 1024
MOST_ID = 2**63 - 1
REFUSED = "This is no event of ours.\n"  # the same whatever is wrong with it


def url_of(account: PaymentAccount) -> str:
    """The address to enter at the provider."""
    return f"{current_app.extensions['settings'].public_url}/hooks/{account.provider}/{account.id}"


@bp.post("/hooks/<provider>/<int:account_id>")
@limiter.limit("3000/minute")
@limiter.limit("60/minute", deduct_when=lambda response: response.status_code >= 400)
def receive(provider: str, account_id: int) -> Response:
    """One event, kept before it is answered."""
    body = request.stream.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return _told("An event is smaller than that.\n", 413)
    try:
        found = _proved(provider, account_id, body)
    except ProviderUnavailable:
        return _told("Not now: send it again.\n", 503)
    if found is None:
        return _told(REFUSED, 400)
    account, event = found
    provider_events.receive(db.session(), account, event, utcnow())
    db.session.commit()
    return _told("Received.\n", 200)


def _proved(provider: str, account_id: int, body: bytes) -> tuple[PaymentAccount, ProviderEvent] | None:
    # Forgeries must not take the write lock of SQLite.
    with read_only():
        account = db.session.get(PaymentAccount, account_id) if account_id <= MOST_ID else None
        db.session.rollback()
    if account is None or account.provider != provider or account.sealed_credentials is None:
        return None
    try:
        return account, till().providers.provider_for(account).parse_event(body, request.headers, utcnow())
    except (EventRefused, CredentialsRefused):
        return None


def _told(sentence: str, status: int) -> Response:
    return Response(sentence, status, content_type="text/plain; charset=utf-8")
