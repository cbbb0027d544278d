"""Stored files: random places, honest sizes and hashes, nothing left of what was refused."""

import io
import os
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from domain import files
from domain.errors import Refused
from domain.files import FileStore, safe_name
from domain.models.files import FileKind, StoredFile
from tests.factories import NOW


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "files")


def keep(store, db, data, name="log.txt", **values):
    given = {"kind": FileKind.DIAGNOSTICS, "content_type": "text/plain", "operator_id": None}
    return store.keep(
        db, store.write(io.BytesIO(data), 100), name=name, by="alice@example.com", now=NOW, **(given | values)
    )


def test_a_kept_file_can_be_read_again(store, db):
    stored = keep(store, db, b"hello")
    db.commit()

    assert store.read(stored) == b"hello"
    assert stored.size_bytes == 5
    assert stored.sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert "log" not in str(store.path(stored))
    assert files.is_there(store, stored, NOW)


@pytest.mark.parametrize(("data", "sentence"), [(b"", "empty"), (b"x" * 101, "larger than")])
def test_what_is_refused_leaves_nothing(store, db, data, sentence):
    with pytest.raises(Refused, match=sentence):
        keep(store, db, data)

    assert db.scalars(select(StoredFile)).all() == []
    assert list(store.folder.glob("??/*")) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\logs\\a b.txt", "C_logs_a b.txt"),
        (".htaccess", "htaccess"),
        ("a\r\nX: b", "a_X_ b"),
        ("\u202egnp.exe", "gnp.exe"),
        ("", "file"),
        ("x" * 300 + ".bin", "x" * 116 + ".bin"),
    ],
)
def test_names_are_made_harmless(given, kept):
    assert safe_name(given) == kept


def test_expired_files_and_files_without_a_row_are_swept_away(store, db, engine):
    open_db = sessionmaker(engine)
    old, young = keep(store, db, b"old", lasts=timedelta(hours=1)), keep(store, db, b"young")
    db.commit()
    orphan = store.folder / "ab" / ("ab" * 16)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"lost")
    two_days_ago = (NOW - timedelta(days=2)).timestamp()
    os.utime(orphan, (two_days_ago, two_days_ago))

    store.sweep(open_db, NOW + timedelta(hours=2))

    assert not store.path(old).exists()
    assert not orphan.exists()
    assert store.read(young) == b"young"
    db.expire_all()
    assert not files.is_there(store, old, NOW)
