"""Stored files in the web: where they lie, and how they are handed out."""

from flask import Response, current_app, send_file

from blueprints.database import db
from domain import files
from domain.clock import utcnow
from domain.errors import NotFound
from domain.files import FileStore
from domain.models.files import StoredFile


def store() -> FileStore:
    """The installation's files."""
    return FileStore(current_app.extensions["settings"].instance_dir / "files")


def send(stored: StoredFile | None, *, inline: bool = False) -> Response:
    """The file as a download, ranges included; `inline` only for what we made or checked ourselves, such as photos.

    Raises:
        NotFound: it is gone.
    """
    if stored is None or not files.is_there(store(), stored, utcnow()):
        raise NotFound("This file is no longer there.")
    # An open transaction would last as long as the slowest download.
    db.session.rollback()
    # The path, not the open file: its size is what ranges are counted by.
    return send_file(
        store().path(stored),
        mimetype=stored.content_type,
        as_attachment=not inline,
        download_name=stored.name,
        etag=stored.sha256,
        conditional=True,
    )
