"""A file that somebody handed in: what each row would do, the import, what it came to, and undoing it."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage

from blueprints import access, exports, lists
from blueprints.database import db
from blueprints.exports import Column
from blueprints.files import store
from blueprints.forms import tell
from blueprints.jobs import STOP_POLLING, WORDS
from blueprints.web import dialog, done, page, wants_fragment
from domain import batches, device_batches, jobs, station_days
from domain.batch_kinds import KINDS
from domain.clock import utcnow
from domain.errors import Conflict, DomainError, Refused
from domain.models.batches import Batch, BatchKind, BatchRow, Verdict
from domain.models.stations import Station
from domain.rights import Right
from domain.sheets.reading import MOST_BYTES, read_rows
from domain.sheets.template import template_file
from domain.sheets.writing import XLSX, xlsx_file

bp = Blueprint("batches", __name__)

VERDICTS = {
    Verdict.OK: ("Ok", "ok", "circle-check"),
    Verdict.ADDED: ("Added", "ok", "circle-check"),
    Verdict.REMOVED: ("Removed again", "off", "arrow-back-up"),
    Verdict.DUPLICATE: ("Twice in the file", "warn", "copy"),
    Verdict.EXISTS: ("Exists already", "warn", "info-circle"),
    Verdict.MALFORMED: ("Malformed", "bad", "circle-x"),
    Verdict.CELL: ("Formula, date or number", "bad", "circle-x"),
    Verdict.REFUSED: ("Cannot be added", "bad", "circle-x"),
}
RECENT = 10


@bp.get("/imports/<int:batch_id>")
@access.require(Right.STATIONS, read=True)
def detail(batch_id: int) -> ResponseReturnValue:
    """The rows of one file with their verdicts, filtered and paged."""
    batch, now = batch_or_404(batch_id), utcnow()
    view, text = lists.choice("verdict", Verdict), lists.text("q")
    counts = batches.counts(db.session, batch)
    found = batches.rows(
        db.session, batch, [view] if view else list(Verdict), text, lists.text("cursor", 500), lists.size()
    )
    values = {"verdict": view, "q": text, "size": lists.size_in_address()}
    return page(
        "batches/detail.html",
        "batches/_list.html",
        batch=batch,
        list=lists.Address("batches.detail", values, batch_id=batch.id),
        found=found,
        view=view,
        text=text,
        now=now,
        headings=KINDS[batch.kind].headings,
        **stage(batch, counts),
        **about(),
    )


@bp.get("/imports/<int:batch_id>/progress")
@access.require(Right.STATIONS, read=True)
def progress(batch_id: int) -> ResponseReturnValue:
    """How far the import is; once it is over, the page is asked for anew."""
    batch = batch_or_404(batch_id)
    if batch.job is None:
        return redirect(url_for("batches.detail", batch_id=batch.id), 303)
    response = make_response(
        render_template("batches/_progress.html", batch=batch, job=batch.job, now=utcnow(), **about())
    )
    if wants_fragment() and batch.job.is_over:
        response.status_code = STOP_POLLING
        response.headers["HX-Refresh"] = "true"
    return response


@bp.get("/imports/<int:batch_id>/rejected.xlsx")
@access.require(Right.STATIONS, read=True)
def rejected(batch_id: int) -> ResponseReturnValue:
    """The rows that cannot be imported, each with what to change: corrected, the file can be uploaded again."""
    batch = batch_or_404(batch_id)
    columns = [_cell(number, heading.head) for number, heading in enumerate(KINDS[batch.kind].headings)]
    columns += [Column("what to change", lambda row: row.reason), Column("row", lambda row: row.number)]
    return exports.answer("xlsx", "rejected rows", columns, batches.rejected(db.session, batch))


@bp.post("/imports/<int:batch_id>/start")
@access.require(Right.STATIONS)
def start(batch_id: int) -> ResponseReturnValue:
    """Import what is good."""
    batch = batch_or_404(batch_id)
    here = url_for("batches.detail", batch_id=batch.id)
    try:
        batches.start(db.session, batch, KINDS[batch.kind], by=current_user.email, now=utcnow())
    except Conflict as conflict:  # another tab, or somebody else, was faster: its page tells how far it is
        db.session.rollback()
        return done(here, f"{conflict} This page shows how far it is.")
    db.session.commit()
    return done(here, "The import has begun. This page may be closed.")


@bp.route("/imports/<int:batch_id>/undo", methods=["GET", "POST"])
@access.require(Right.STATIONS)
def undo(batch_id: int) -> ResponseReturnValue:
    """Take away what the import added, as far as nobody has used it."""
    batch = batch_or_404(batch_id)
    form = FlaskForm() if request.method == "POST" else FlaskForm(formdata=None)
    if form.validate_on_submit():
        try:
            batches.undo(db.session, batch, KINDS[batch.kind], by=current_user.email, now=utcnow())
        except DomainError as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            db.session.commit()
            return done(url_for("batches.detail", batch_id=batch.id), "What nobody has used yet is being removed.")
    counts = batches.counts(db.session, batch)
    return dialog(
        "batches/_undo.html",
        422 if request.method == "POST" else 200,
        title="Undo import",
        batch=batch,
        form=form,
        **stage(batch, counts),
    )


@bp.route("/imports/<int:batch_id>/passwords", methods=["GET", "POST"])
@access.require(Right.CHARGER_KEYS)
def keys(batch_id: int) -> ResponseReturnValue:
    """The passwords of the imported chargers, made and handed out in this answer and kept nowhere."""
    batch = batch_or_404(batch_id)
    form = FlaskForm() if request.method == "POST" else FlaskForm(formdata=None)
    if form.validate_on_submit():
        again = request.form.get("again") == "yes"
        try:
            told = device_batches.tell_keys(db.session, batch, again=again, by=current_user.email, now=utcnow())
        except DomainError as refusal:
            db.session.rollback()
            form.form_errors.append(str(refusal))
        else:
            # Ten thousand rows take a second or two, in which nobody else could write.
            db.session.commit()
            file = xlsx_file("Passwords", KEY_COLUMNS, told)
            name = f"passwords {batch.name.rpartition('.')[0] or batch.name}.xlsx"
            return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name)
    return dialog(
        "batches/_keys.html",
        422 if request.method == "POST" else 200,
        title="Download passwords",
        batch=batch,
        form=form,
        waiting=device_batches.waiting_for_keys(db.session, batch),
        zone=station_days.operator_zone(db.session, current_user.operator_id),
    )


KEY_COLUMNS = [
    Column("device id", lambda each: each.charger.device_id),
    Column("device account", lambda each: each.charger.device_account),
    Column("label", lambda each: each.charger.label),
    Column("uuid", lambda each: each.charger.uuid),
    Column("password", lambda each: each.password),
]


def batch_or_404(batch_id: int) -> Batch:
    return access.own_or_404(Batch, "import", id=batch_id)


def taken(form: FlaskForm, kind: BatchKind, station: Station | None) -> ResponseReturnValue | None:
    """The way to what each row of the form's file would do; None if the file cannot be read, which the form tells."""
    try:
        made = checked(form.file.data, kind, station)
    except Refused as refusal:
        db.session.rollback()
        tell(form, refusal)
        return None
    db.session.commit()
    return done(url_for("batches.detail", batch_id=made.id), "Nothing is imported yet: look, then import.")


def template_answer(
    kind: BatchKind, sheet: str, help_rows: Sequence[tuple[str, str]], name: str
) -> ResponseReturnValue:
    """The empty spreadsheet to fill in."""
    file = template_file(sheet, [heading.head for heading in KINDS[kind].headings], help_rows)
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name)


def checked(upload: FileStorage, kind: BatchKind, station: Station | None) -> Batch:
    """The upload as a batch of the present person's operator, not committed.

    Raises:
        Refused: it cannot be read.
    """
    data = upload.stream.read(MOST_BYTES + 1)
    # The transaction would hold the database's only write lock while the file is read.
    db.session.rollback()
    read = read_rows(data)
    return batches.check(
        db.session,
        store(),
        data,
        read,
        upload.filename or "upload",
        KINDS[kind],
        kind,
        operator_id=current_user.operator_id,
        station=station,
        by=current_user.email,
        now=utcnow(),
    )


def recent(kind: BatchKind) -> list[tuple[Batch, dict[str, Any]]]:
    """The latest files with how far each is."""
    found = db.session.scalars(access.own(Batch).where(Batch.kind == kind).order_by(Batch.id.desc()).limit(RECENT))
    return [(batch, stage(batch, batches.counts(db.session, batch))) for batch in found]


def stage(batch: Batch, counts: dict[Verdict, int]) -> dict[str, Any]:
    """How far the batch is, in a word, and what may be done with it now."""
    is_at_work = batch.job is not None and not batch.job.is_over
    bad = sum(counts[verdict] for verdict in batches.BAD)
    if is_at_work:
        word = "Undoing" if batch.undone_at else "Importing"
    elif batch.undone_at:
        word = "Undone" if not counts[Verdict.ADDED] else "Partly undone"
    elif counts[Verdict.ADDED]:
        word = "Imported" if not counts[Verdict.OK] else "Partly imported"
    else:
        word = "Checked"
    return {
        "counts": counts,
        "word": word,
        "is_at_work": is_at_work,
        "total": sum(counts.values()),
        "bad": bad,
        "can_import": bool(counts[Verdict.OK]) and not is_at_work,
        "can_undo": bool(counts[Verdict.ADDED]) and not is_at_work,
    }


def about() -> dict[str, Any]:
    """What the templates of batches need besides."""
    return {
        "kinds": KINDS,
        "verdicts": VERDICTS,
        "words": WORDS,
        "remaining_s": jobs.remaining_s,
        "zone": station_days.operator_zone(db.session, current_user.operator_id),
    }


def _cell(number: int, head: str) -> Column:
    def value(row: BatchRow) -> str:
        return row.cells[number] if number < len(row.cells) else ""

    return Column(head, value)
