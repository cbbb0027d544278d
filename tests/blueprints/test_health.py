"""Health tells the truth."""

from sqlalchemy import text


def test_it_is_alive(client):
    response = client.get("/healthz")

    assert response.status_code == 200


def test_it_is_ready_with_a_schema(client):
    response = client.get("/readyz")

    assert response.status_code == 200


def test_it_is_not_ready_without_a_schema(client, engine):
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE operator RENAME TO hidden"))

    response = client.get("/readyz")

    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO operator"))
    assert response.status_code == 503
