"""Values that no database stores are refused before any view sees them."""

import pytest


@pytest.mark.parametrize("field", ["email", "password", "next"])
def test_a_nul_in_a_form_is_refused(client, field):
    response = client.post("/sign-in", data={"email": "a@example.com", "password": "x"} | {field: "a\0b"})

    assert response.status_code == 400
    assert "A field holds an invisible character (NUL) that cannot be kept. Nothing was changed." in response.text


def test_a_nul_in_a_query_is_refused(client):
    assert client.get("/sign-in?next=%00").status_code == 400


@pytest.mark.parametrize("path", ["/probe/%00", "/probe/9223372036854775808", "/probe/1"])
def test_an_address_that_cannot_be_stored_names_nothing(own_app, path):
    def probe(thing):
        return str(thing)

    probe.requirement = own_app.view_functions["health.healthz"].requirement
    own_app.add_url_rule("/probe/<int:thing>", "number", probe)
    own_app.add_url_rule("/probe/<thing>", "text", probe)

    assert own_app.test_client().get(path).status_code == (200 if path == "/probe/1" else 404)
