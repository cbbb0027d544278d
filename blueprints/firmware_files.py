"""Platform -> Firmware files: the releases that every operator's chargers are offered."""

from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from blueprints import access, lists
from blueprints.database import db
from blueprints.files import store
from blueprints.web import dialog, done, page
from domain import firmware_releases, paging
from domain.clock import utcnow
from domain.db import read_only
from domain.errors import DomainError, Refused
from domain.firmware_releases import LONGEST_NOTES, NEEDED, Described
from domain.models.files import FileKind
from domain.models.firmware import FirmwareRelease
from domain.rights import Right

bp = Blueprint("firmware_files", __name__)

FORM_BYTES = 1024 * 1024  # of everything in the form besides the file
BINARY = "application/octet-stream"


class ChangeForm(FlaskForm):
    models = TextAreaField("Models", [InputRequired(NEEDED)])
    notes = TextAreaField("Release notes", [Length(max=LONGEST_NOTES)])
    comes_after = TextAreaField("Comes after")


class PublishForm(ChangeForm):
    file = FileField("Firmware file", [FileRequired("Choose the file.")])
    vendor = StringField("Vendor", [InputRequired(NEEDED)])
    version = StringField("Version", [InputRequired(NEEDED)])
    signature = TextAreaField("Signature")
    signing_certificate = TextAreaField("Signing certificate")


class WithdrawForm(FlaskForm):
    because = StringField("Reason", [InputRequired("Say why: operators read this."), Length(max=300)])


@bp.url_value_preprocessor
def take_large_files(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Whoever may publish may send a large body, before anything reads it; others keep the usual limit."""
    if request.method != "POST" or request.endpoint != "firmware_files.publish":
        return
    # The body may take minutes: no transaction is open, and none holds SQLite's lock, while it comes.
    with read_only():
        may_publish = access.may(Right.FIRMWARE_PUBLISH)
        db.session.rollback()
    if may_publish:
        request.max_content_length = most_bytes() + FORM_BYTES


def most_bytes() -> int:
    megabytes: int = current_app.extensions["settings"].firmware_max_mib
    return megabytes * 1024 * 1024


@bp.get("/firmware-files")
@access.require(Right.FIRMWARE_PUBLISH)
def index() -> ResponseReturnValue:
    """All releases, the latest first."""
    text = lists.text("q")
    wanted = select(FirmwareRelease)
    if text:
        wanted = wanted.where(
            FirmwareRelease.vendor.icontains(text, autoescape=True)
            | FirmwareRelease.version.icontains(text, autoescape=True)
            | FirmwareRelease.models.any(firmware_releases.FirmwareModel.model.icontains(text, autoescape=True))
        )
    loaded = wanted.options(selectinload(FirmwareRelease.models), joinedload(FirmwareRelease.file))
    keys: list[Any] = [FirmwareRelease.id]
    found = paging.fetch_page(
        db.session(), loaded, keys, descending=True, cursor=lists.text("cursor", 500), limit=lists.size()
    )
    return page(
        "firmware_files/list.html",
        "firmware_files/_rows.html",
        found=found,
        text=text,
        list=lists.Address("firmware_files.index", {"q": text, "size": lists.size_in_address()}),
        spread=firmware_releases.spread(db.session(), found.rows),
    )


@bp.route("/firmware-files/new", methods=["GET", "POST"])
@access.require(Right.FIRMWARE_PUBLISH)
def publish() -> ResponseReturnValue:
    """A new release."""
    if request.method == "GET":
        return page("firmware_files/form.html", **_form_context(PublishForm(formdata=None)))
    try:
        return _publish(PublishForm())
    finally:
        for upload in request.files.values():
            upload.close()


def _publish(form: PublishForm) -> ResponseReturnValue:
    if form.validate_on_submit():
        try:
            release = _published(form)
        except DomainError as refusal:
            db.session.rollback()
            _tell(form, refusal)
        else:
            said = f"{release.vendor} {release.version} is published."
            return done(url_for("firmware_files.detail", release_id=release.id), said)
    if not form.file.errors:
        form.file.errors = ["Choose the file again: it was not kept."]
    return page("firmware_files/form.html", "firmware_files/_form.html", 422, **_form_context(form))


def _published(form: PublishForm) -> FirmwareRelease:
    about, by, now = _described(form), current_user.email, utcnow()
    firmware_releases.check(db.session(), about)
    db.session.rollback()  # the file is written with no transaction open
    written = store().write(form.file.data.stream, most_bytes())
    try:
        stored = store().keep(
            db.session(),
            written,
            kind=FileKind.FIRMWARE,
            name=form.file.data.filename or "",
            content_type=BINARY,
            operator_id=None,
            by=by,
            now=now,
        )
        release = firmware_releases.publish(db.session(), stored, about, by=by, now=now)
        db.session.commit()
    except BaseException:
        store().drop(written)
        raise
    return release


@bp.get("/firmware-files/<int:release_id>")
@access.require(Right.FIRMWARE_PUBLISH)
def detail(release_id: int) -> ResponseReturnValue:
    """One release."""
    release = firmware_releases.get(db.session(), release_id)
    spread = firmware_releases.spread(db.session(), [release])[release.id]
    return page("firmware_files/detail.html", release=release, spread=spread)


@bp.route("/firmware-files/<int:release_id>/edit", methods=["GET", "POST"])
@access.require(Right.FIRMWARE_PUBLISH)
def edit(release_id: int) -> ResponseReturnValue:
    """Change models, notes and predecessors."""
    release = firmware_releases.get(db.session(), release_id)
    form = ChangeForm() if request.method == "POST" else ChangeForm(formdata=None)
    if request.method == "GET":
        form.models.data = "\n".join(each.model for each in release.models)
        form.notes.data, form.comes_after.data = release.notes, "\n".join(release.comes_after)
        return page("firmware_files/form.html", **_form_context(form, release))
    if form.validate_on_submit():
        about = Described(
            release.vendor, _lines(form.models), release.version, form.notes.data or "", _lines(form.comes_after)
        )
        try:
            firmware_releases.change(db.session(), release, about, by=current_user.email, now=utcnow())
        except Refused as refusal:
            db.session.rollback()
            _tell(form, refusal)
        else:
            db.session.commit()
            return done(url_for("firmware_files.detail", release_id=release_id), f"{release.version} is saved.")
    return page("firmware_files/form.html", "firmware_files/_form.html", 422, **_form_context(form, release))


@bp.route("/firmware-files/<int:release_id>/withdraw", methods=["GET", "POST"])
@access.require(Right.FIRMWARE_PUBLISH)
def withdraw(release_id: int) -> ResponseReturnValue:
    """Offer it to nobody any more."""
    release = firmware_releases.get(db.session(), release_id)
    form = WithdrawForm() if request.method == "POST" else WithdrawForm(formdata=None)
    context = {
        "title": f"Withdraw {release.vendor} {release.version}?",
        "release": release,
        "form": form,
        "spread": firmware_releases.spread(db.session(), [release])[release.id],
        "plans": firmware_releases.plans(db.session(), release),
    }
    if request.method == "POST" and form.validate_on_submit():
        firmware_releases.withdraw(db.session(), release, form.because.data, by=current_user.email, now=utcnow())
        db.session.commit()
        return done(url_for("firmware_files.detail", release_id=release_id), f"{release.version} is withdrawn.")
    return dialog("firmware_files/_withdraw.html", 422 if request.method == "POST" else 200, **context)


def _described(form: PublishForm) -> Described:
    return Described(
        vendor=form.vendor.data or "",
        models=_lines(form.models),
        version=form.version.data or "",
        notes=form.notes.data or "",
        comes_after=_lines(form.comes_after),
        signature="".join((form.signature.data or "").split()),
        signing_certificate=(form.signing_certificate.data or "").strip(),
    )


def _lines(field: TextAreaField) -> list[str]:
    return [line.strip() for line in (field.data or "").splitlines() if line.strip()]


def _form_context(form: FlaskForm, release: FirmwareRelease | None = None) -> dict[str, Any]:
    known = firmware_releases.known_models(db.session())
    return {
        "form": form,
        "release": release,
        "vendors": sorted({vendor for vendor, _ in known}),
        "known": sorted({model for _, model in known}),
        "most_mib": current_app.extensions["settings"].firmware_max_mib,
    }


def _tell(form: FlaskForm, refusal: DomainError) -> None:
    """The refusal's sentences stand at their fields, or above the form."""
    at_fields = [(name, text) for name, text in refusal.errors if name in form]
    for name, text in at_fields:
        form[name].errors = [*form[name].errors, text]
    if str(refusal) not in {text for _, text in at_fields}:
        form.form_errors.append(str(refusal))
