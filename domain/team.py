"""The people of an operator, or of the platform: invited, given a role, let go. Somebody is always left to run it.

Nobody changes their own role or lets themselves go; the last active owner, or platform administrator, stays.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from domain import audit, logins, mails, passwords, secret_links, users
from domain.errors import Conflict, NotFound, Refused
from domain.models.operators import Operator, Role, UserAccount
from domain.models.secret_links import Purpose

INVITATION_LASTS = timedelta(days=7)
PASSWORD_LINK_LASTS = timedelta(hours=24)
PLATFORM_ROLES = (Role.PLATFORM_ADMIN, Role.PLATFORM_SUPPORT)
OPERATOR_ROLES = (Role.OWNER, Role.FINANCE, Role.TECHNICIAN, Role.OPERATOR_SUPPORT)
_NO_PASSWORD = "!"  # noqa: S105 - no hash matches it


def roles_of(operator_id: int | None) -> tuple[Role, ...]:
    """The roles that people of that operator may have; None: of the platform."""
    return PLATFORM_ROLES if operator_id is None else OPERATOR_ROLES


def people(db: Session, operator_id: int | None) -> list[UserAccount]:
    """Everybody of that operator (None: of the platform), those at work first."""
    of_them = select(UserAccount).where(UserAccount.operator_id == operator_id)
    order = (UserAccount.is_active.desc(), UserAccount.invited_at.is_(None), func.lower(UserAccount.name))
    return list(db.scalars(of_them.order_by(*order, UserAccount.id)))


def invite(
    db: Session, email: str, role: Role, operator: Operator | None, *, by: UserAccount, public_url: str, now: datetime
) -> UserAccount | None:
    """The person has a mail with a link that makes the account theirs.

    None: the e-mail address belongs to somebody elsewhere. Only they are told so, by mail.

    Raises:
        Refused: this is no e-mail address, or the role is not one of this team.
        Conflict: somebody of this team has this e-mail already.
    """
    _check_role(role, operator.id if operator else None)
    _forget_stale_invitation(db, email.strip().lower(), now)
    known = users.find(db, users.clean_email(email))
    if known is not None:
        _check_not_ours(known, operator)
        _tell_elsewhere(db, known, operator, by, now)
        return None
    user, _ = users.create(db, email, role, operator, by=by.email, now=now)
    user.password_hash, user.must_change_password = _NO_PASSWORD, False
    user.is_active, user.invited_at = False, now
    _send_invitation(db, user, by, public_url, now)
    return user


def _check_not_ours(known: UserAccount, operator: Operator | None) -> None:
    if known.operator_id != (operator.id if operator else None):
        return
    sentence = f"{known.name} is in your team already."
    if known.invited_at is not None:
        sentence = "This e-mail address is already invited. Send the invitation again from its row in the list."
    elif not known.is_active:
        sentence = f"{known.name} is in your team, deactivated. Reactivate the account in the list."
    raise Conflict(sentence, [("email", sentence)])


def _tell_elsewhere(db: Session, known: UserAccount, operator: Operator | None, by: UserAccount, now: datetime) -> None:
    if not mails.may_ask(db, known.email, now):
        return
    team = operator.name if operator else "the Voltdesk platform"
    body = (
        f"Hello {known.name},\n\n{by.name} wanted to invite you to work with {team} in Voltdesk. Your e-mail address "
        "belongs to an account of another company already, and an account works for one company only.\n\n"
        f"If you want to join, tell {by.name} another e-mail address of yours. Nobody but you was told about this.\n"
    )
    mails.queue(db, known.email, f"{by.name} wanted to invite you to {team}", body, now=now)


def invite_again(db: Session, user: UserAccount, *, by: UserAccount, public_url: str, now: datetime) -> None:
    """A new mail with a new link; the link before is over.

    Raises: Conflict: the invitation was accepted meanwhile.
    """
    _check_invited(user)
    user.invited_at = now
    _send_invitation(db, user, by, public_url, now)
    _record(db, "invited again", user, by, now)


def withdraw(db: Session, user: UserAccount, *, by: UserAccount, now: datetime) -> None:
    """The link opens nothing, and the person is on no list.

    Raises: Conflict: the invitation was accepted meanwhile.
    """
    _check_invited(user)
    _record(db, "invitation withdrawn", user, by, now, email=user.email)
    _forget(db, user)


def invited(db: Session, secret: str, now: datetime) -> UserAccount:
    """Whom this invitation is for.

    Raises: NotFound: it was used or withdrawn, or has run out.
    """
    link = secret_links.find(db, Purpose.INVITATION, secret, now)
    return _invited_by_id(db, link.subject_id)


def sealed(db: Session, secret: str, name: str, password: str, now: datetime) -> str:
    """The hash of the password with which the invitation shall be accepted. Takes its time: only read meanwhile.

    Raises:
        NotFound: the invitation was used or withdrawn, or has run out.
        Refused: the name or the password will not do; the link may be used again.
    """
    user = invited(db, secret, now)
    _check_name(name)
    _check_password(password, user)
    return passwords.hash_password(password)


def accept(db: Session, secret: str, name: str, password_hash: str, now: datetime) -> UserAccount:
    """The account is theirs, with this name and password; the link is used up.

    Args:
        password_hash: from `sealed`.

    Raises: NotFound: the invitation was used or withdrawn, or has run out.
    """
    user = _invited_by_id(db, secret_links.use(db, Purpose.INVITATION, secret, now))
    user.name, user.password_hash = name.strip(), password_hash
    user.is_active, user.invited_at = True, None
    _record(db, "invitation accepted", user, user, now)
    return user


def change_role(db: Session, user: UserAccount, role: Role, *, by: UserAccount, now: datetime) -> None:
    """The person has that role and must sign in again: no page of the old role stays open.

    Raises: Refused: it is oneself, the last owner, or a role of another kind of team.
    """
    _check_other(user, by, "Nobody changes their own role. Ask another owner or administrator.")
    _check_role(role, user.operator_id)
    if role is user.role:
        return
    _keep_somebody_in_charge(db, user, "role")
    old, user.role = user.role, role
    logins.end_all(db, user.id, now)
    _record(db, "role changed", user, by, now, old=str(old), new=str(role))


def send_password_link(db: Session, user: UserAccount, *, by: UserAccount, public_url: str, now: datetime) -> None:
    """The person has a mail with a link to choose a new password; the link before is over.

    Raises: Conflict: the person is not active.
    """
    if not user.is_active:
        raise Conflict(f"{user.name} is not active.")
    secret_links.end(db, Purpose.SET_PASSWORD, user.id)
    secret = secret_links.make(db, Purpose.SET_PASSWORD, user.id, lasts=PASSWORD_LINK_LASTS, now=now)
    body = (
        f"Hello {user.name},\n\n{by.name} sends you this link to choose a new password for Voltdesk within 24 hours:\n"
        f"{public_url}/choose-password/{secret}\n\nThe link works once. Until then your present password works.\n"
    )
    mails.queue(db, user.email, "Choose a new password", body, now=now)
    _record(db, "password link sent", user, by, now)


def deactivate(db: Session, user: UserAccount, *, by: UserAccount, now: datetime) -> None:
    """The person is signed out everywhere and cannot sign in any more.

    Raises: Refused: it is oneself or the last owner.
    """
    _check_other(user, by, "Nobody deactivates themselves. Ask another owner or administrator.")
    if not user.is_active:
        raise Conflict(f"{user.name} is not active already.")
    _keep_somebody_in_charge(db, user, "deactivate")
    user.is_active = False
    logins.end_all(db, user.id, now)
    _record(db, "deactivated", user, by, now)


def reactivate(db: Session, user: UserAccount, *, by: UserAccount, now: datetime) -> None:
    """The person may sign in again, with the password and role of before.

    Raises: Conflict: the person is active, or never accepted the invitation.
    """
    if user.is_active or user.invited_at is not None:
        raise Conflict(f"{user.name} is not deactivated.")
    user.is_active = True
    _record(db, "reactivated", user, by, now)


def _check_other(user: UserAccount, by: UserAccount, sentence: str) -> None:
    if user.id == by.id:
        raise Refused(sentence, [("role", sentence)])


def _check_role(role: Role, operator_id: int | None) -> None:
    if role not in roles_of(operator_id):
        raise Refused("Choose one of the roles.", [("role", "Choose one of the roles.")])


def _check_name(name: str) -> None:
    if not name.strip() or len(name.strip()) > users.LONGEST_NAME or not name.isprintable():
        sentence = f"Enter your name, up to {users.LONGEST_NAME} characters on one line."
        raise Refused(sentence, [("name", sentence)])


def _check_password(password: str, user: UserAccount) -> None:
    try:
        passwords.check_strength(password, user.email)
    except passwords.WeakPassword as weak:
        raise Refused(str(weak), [("password", str(weak))]) from weak


def _check_invited(user: UserAccount) -> None:
    if user.invited_at is None:
        raise Conflict(f"{user.name} has accepted the invitation already.")


def _keep_somebody_in_charge(db: Session, user: UserAccount, act: str) -> None:
    """Two who let each other go at the same moment stand in line: the rows of all in charge are locked."""
    in_charge = Role.PLATFORM_ADMIN if user.operator_id is None else Role.OWNER
    if user.role is not in_charge or not user.is_active:
        return
    at_work = select(UserAccount).where(
        UserAccount.operator_id == user.operator_id, UserAccount.role == in_charge, UserAccount.is_active
    )
    locked = at_work.order_by(UserAccount.id).with_for_update().execution_options(populate_existing=True)
    others = [each for each in db.scalars(locked) if each.id != user.id]
    if not others:
        title = "platform administrator" if user.operator_id is None else "owner"
        sentence = f"{user.name} is the last active {title}. Make somebody else {_article(title)} first."
        raise Refused(sentence, [(act, sentence)])


def _article(title: str) -> str:
    return f"an {title}" if title[0] in "aeiou" else f"a {title}"


def _invited_by_id(db: Session, user_id: int) -> UserAccount:
    user = db.get(UserAccount, user_id)
    if user is None or user.invited_at is None or (user.operator and user.operator.suspended_at):
        raise NotFound(secret_links.GONE)
    return user


def _forget_stale_invitation(db: Session, email: str, now: datetime) -> None:
    """An invitation that ran out does not keep the e-mail from being invited by somebody else."""
    stale = db.scalar(
        select(UserAccount).where(UserAccount.email == email, UserAccount.invited_at <= now - INVITATION_LASTS)
    )
    if stale is not None:
        _forget(db, stale)


def _forget(db: Session, user: UserAccount) -> None:
    secret_links.end(db, Purpose.INVITATION, user.id)
    db.execute(delete(UserAccount).where(UserAccount.id == user.id))


def _send_invitation(db: Session, user: UserAccount, by: UserAccount, public_url: str, now: datetime) -> None:
    secret_links.end(db, Purpose.INVITATION, user.id)
    secret = secret_links.make(db, Purpose.INVITATION, user.id, lasts=INVITATION_LASTS, now=now)
    team = user.operator.name if user.operator else "the Voltdesk platform"
    body = (
        f"Hello,\n\n{by.name} invites you to work with {team} in Voltdesk.\n\n"
        f"Choose your name and password here within 7 days:\n{public_url}/invitation/{secret}\n\n"
        f"The link works once. If you did not expect it, leave it alone: nothing happens.\n"
    )
    mails.queue(db, user.email, f"{by.name} invites you to {team}", body, now=now)


def _record(db: Session, verb: str, user: UserAccount, by: UserAccount, now: datetime, **detail: str) -> None:
    audit.record(db, verb, "user_account", user.id, operator_id=user.operator_id, by=by.email, now=now, **detail)
