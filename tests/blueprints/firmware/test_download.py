"""What chargers fetch: ranges, retries, and addresses that are dead afterwards (trust.md, T16)."""

import base64
import hashlib
import io
import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from domain import firmware_upgrades
from domain.clock import utcnow
from domain.files import FileStore
from domain.models.commands import Command
from domain.models.files import FileKind
from domain.models.firmware import UpgradeStatus
from domain.models.secret_links import SecretLink
from tests import factories

IMAGE = b"SIMFW version=2.9.0\n" + bytes(range(256)) * 100


@pytest.fixture
def upgrade(db, make, settings):
    """An upgrade that was asked for just now."""
    charger = make(factories.duo)
    store = FileStore(settings.instance_dir / "files")
    stored = store.keep(
        db,
        store.write(io.BytesIO(IMAGE), len(IMAGE)),
        kind=FileKind.FIRMWARE,
        name="duo 2.9.0 (final)é.bin",
        content_type="application/octet-stream",
        operator_id=None,
        by="ines@example.com",
        now=utcnow(),
    )
    release = factories.release(db, file=stored, sha256=stored.sha256)
    planned = firmware_upgrades.plan(db, charger, release, by="alice@example.com", now=utcnow())
    firmware_upgrades.ask(db, planned.id, "http://volt.example", utcnow())
    db.commit()
    return planned


@pytest.fixture
def path(upgrade, db):
    """Of the address that the charger was told."""
    payload = json.loads(db.get_one(Command, upgrade.command_id).payload)
    db.commit()
    return urlsplit(payload["location"]).path


def get(client, path, **options):
    """The answer, read to its end as a server does."""
    return client.get(path, buffered=True, **options)


def test_the_whole_file(client, upgrade, path, db):
    answer = get(client, path)

    digest = hashlib.sha256(IMAGE).digest()
    assert (answer.status_code, answer.data) == (200, IMAGE)
    assert path.endswith("/duo_2.9.0_final_.bin")
    assert answer.headers["Content-Length"] == str(len(IMAGE))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{digest.hex()}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Set-Cookie" not in answer.headers
    db.refresh(upgrade)
    assert upgrade.fetched_at is not None


def test_a_file_in_ranges(client, path):
    etag = client.head(path, buffered=True).headers["ETag"]

    first = get(client, path, headers={"Range": "bytes=0-9999"})
    rest = get(client, path, headers={"Range": "bytes=10000-", "If-Range": etag})
    changed = get(client, path, headers={"Range": "bytes=10000-", "If-Range": '"another"'})
    beyond = get(client, path, headers={"Range": "bytes=999999-"})

    assert (first.status_code, first.headers["Content-Range"]) == (206, f"bytes 0-9999/{len(IMAGE)}")
    assert (rest.status_code, first.data + rest.data) == (206, IMAGE)
    assert (changed.status_code, changed.data) == (200, IMAGE)
    assert beyond.status_code == 416


def test_looking_spends_nothing(client, path, db):
    before = db.scalars(select(SecretLink.uses_left)).one()
    db.commit()

    answer = client.head(path, buffered=True)

    db.expire_all()
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(IMAGE))
    assert db.scalars(select(SecretLink.uses_left)).one() == before


def test_it_works_often_and_not_once_more_after_the_end(client, upgrade, path, db):
    while_under_way = [get(client, path).status_code for _ in range(50)]
    firmware_upgrades.end(db, upgrade, UpgradeStatus.INSTALLED, "The charger runs 2.9.0.", utcnow())
    db.commit()
    afterwards = [get(client, path).status_code for _ in range(25)]
    rest = [get(client, path).status_code for _ in range(25)]

    assert while_under_way == [200] * 50
    assert set(afterwards) == {404}
    assert set(rest) <= {404, 429}  # guessing is slowed down


def test_it_is_dead_after_a_day(client, path, db):
    link = db.scalars(select(SecretLink)).one()
    link.expires_at = utcnow() - timedelta(seconds=1)
    db.commit()

    assert get(client, path).status_code == 404


def test_names_and_secrets_that_somebody_makes_up(client, path, settings):
    secret = path.split("/")[2]
    (settings.instance_dir / "secret.txt").write_text("not for chargers")

    other_names = [
        get(client, f"/fw/{secret}/{name}") for name in ("x", "../../secret.txt", "%2e%2e/%2e%2e/secret.txt", "a/b")
    ]
    made_up = [
        get(client, f"/fw/{name}/x.bin") for name in ("x" * 43, "..", "%2e%2e%2fsecret.txt", secret[:-1], "a" * 3000)
    ]

    assert all(b"not for chargers" not in each.data for each in (*other_names, *made_up))
    assert {each.data for each in other_names if each.status_code == 200} <= {IMAGE}
    assert {each.status_code for each in made_up} == {404}


def test_a_withdrawn_file_that_is_gone_is_no_error(client, path, settings):
    for file in (settings.instance_dir / "files").glob("*/*"):
        file.unlink()

    assert get(client, path).status_code == 404
