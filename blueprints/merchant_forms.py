"""The forms in which credentials of a payment provider are typed, of operators and of the platform."""

from collections.abc import Callable
from typing import Any

from flask import current_app
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField

from blueprints.database import db
from blueprints.till import till
from domain import passwords, payment_accounts
from domain.clock import utcnow
from domain.errors import DomainError, NotFound, Refused
from domain.models.payments import PaymentAccount
from domain.payment_provider import CredentialsRefused, Probe, ProviderKind, ProviderTrouble

NO_ANSWER = "{label} does not answer at the moment, so the credentials could not be tried. Nothing was saved."
WRONG_PASSWORD = "This is not your password."  # noqa: S105


def kind_or_404(name: str) -> ProviderKind:
    kind = till().providers.kinds.get(name)
    if kind is None:
        raise NotFound("There is no such payment provider.")
    return kind


def add_form(kind: ProviderKind) -> FlaskForm:
    """Name and credentials of a new account; secrets are never filled in again."""
    return _form(kind, {"name": StringField("Name", default=kind.label)})


def replace_form(kind: ProviderKind) -> FlaskForm:
    """Credentials to put in place of the present ones, and the password of who does it."""
    return _form(kind, {"password": PasswordField("Your password")})


def _form(kind: ProviderKind, more: dict[str, Any]) -> FlaskForm:
    typed = {
        each.name: (PasswordField if each.is_secret else StringField)(each.label, description=each.hint)
        for each in kind.fields
    }
    form: FlaskForm = type("CredentialsForm", (FlaskForm,), more | typed)()
    form.form_errors = list(form.form_errors)
    return form


def save_new(form: FlaskForm, kind: ProviderKind, save: Callable[[dict[str, str], Probe], Any]) -> Any:
    """What `save` made of credentials that the provider took; None, with the reasons in the form, otherwise."""
    try:
        payment_accounts.checked_name(form.name.data or "")
        credentials = payment_accounts.checked_credentials(kind, _typed(form, kind))
        return save(credentials, _probe(kind, credentials))
    except DomainError as refusal:
        tell(form, refusal)
        return None


def save_replaced(form: FlaskForm, kind: ProviderKind, account: PaymentAccount) -> bool:
    """The account has the credentials that were typed, if the provider took them and they are the same merchant's."""
    secret_key = current_app.config["SECRET_KEY"]
    try:
        if not passwords.matches(current_user.user.password_hash, form.password.data or ""):
            raise Refused(WRONG_PASSWORD, [("password", WRONG_PASSWORD)])
        credentials = payment_accounts.checked_credentials(kind, _typed(form, kind), _present(account, secret_key))
        probe = _probe(kind, credentials)
        payment_accounts.replace_credentials(
            db.session(), account, kind, credentials, probe, secret_key, by=current_user.email, now=utcnow()
        )
    except DomainError as refusal:
        tell(form, refusal)
        return False
    db.session.commit()
    return True


def tell(form: FlaskForm, refusal: DomainError) -> None:
    """Each sentence stands at its field."""
    db.session.rollback()
    errors = getattr(refusal, "errors", None) or [("", str(refusal))]
    for name, sentence in errors:
        if name in form:
            form[name].errors = [*form[name].errors, sentence]
        else:
            form.form_errors.append(sentence)


def _typed(form: FlaskForm, kind: ProviderKind) -> dict[str, str]:
    return {each.name: form[each.name].data or "" for each in kind.fields}


def _present(account: PaymentAccount, secret_key: str) -> dict[str, str]:
    try:
        return payment_accounts.unsealed(account, secret_key)
    except CredentialsRefused:
        return {}  # unreadable: everything has to be typed anew


def _probe(kind: ProviderKind, credentials: dict[str, str]) -> Probe:
    """Raises: Refused. Nothing of ours is locked while the provider is asked."""
    db.session.rollback()
    try:
        return kind.make(PaymentAccount(provider=kind.name), credentials).probe_credentials()
    except CredentialsRefused as error:
        raise Refused(str(error)) from error
    except ProviderTrouble as error:
        raise Refused(NO_ANSWER.format(label=kind.label)) from error
