import socket
import ssl

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from app import create_app
from blueprints import database
from domain import certificates, doctor
from domain.models.operators import Operator
from domain.settings import Settings
from tests import factories


def test_it_makes_a_certificate_that_a_server_can_load(settings, last_line):
    told = last_line("tls", "self-signed", "--host", "csms.example.com", "--host", "192.0.2.7")

    here = certificates.files(settings.instance_dir)
    names = certificates.read(here.certificate).extensions[0].value
    assert told == str(settings.instance_dir / "tls" / "cert.pem")
    assert [str(name.value) for name in names] == ["csms.example.com", "192.0.2.7"]
    assert here.key.stat().st_mode & 0o777 == 0o600
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(here.certificate, here.key)


def test_it_replaces_a_certificate_only_when_told(settings, flask):
    flask("tls", "self-signed")
    first = certificates.files(settings.instance_dir).certificate.read_bytes()

    refused = flask("tls", "self-signed")
    kept = certificates.files(settings.instance_dir).certificate.read_bytes()
    replaced = flask("tls", "self-signed", "--replace")

    assert refused.exit_code != 0
    assert "--replace" in refused.stderr
    assert kept == first
    assert replaced.exit_code == 0
    assert certificates.files(settings.instance_dir).certificate.read_bytes() != first


@pytest.fixture
def empty(tmp_path):
    """An installation on which nothing was done yet."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        web, ocpp = one.getsockname()[1], other.getsockname()[1]
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    app = create_app(Settings(database_url=url, instance_dir=tmp_path, secret_key="test", web_port=web, ocpp_port=ocpp))
    yield app
    with app.app_context():
        database.db.engine.dispose()


def test_the_doctor_says_that_there_are_no_tables(empty):
    answer = FlaskCliRunner(empty).invoke(args=["doctor"])

    assert answer.exit_code == 1
    assert "BAD  Database (sqlite): It has no tables yet. Run make migrate." in answer.stdout
    assert "1 of 6 checks" in answer.stderr


def test_the_first_command_makes_the_tables_and_then_all_is_well(empty):
    runner = FlaskCliRunner(empty)

    made = runner.invoke(args=["operator", "create", "--name", "Harbour Energy"])
    examined = runner.invoke(args=["doctor"])

    with empty.app_context():
        assert database.db.session.scalars(select(Operator.name)).all() == ["Harbour Energy"]
    assert made.stdout.splitlines()[-1] == "1"
    assert examined.exit_code == 0, examined.output
    assert "ok   Certificate: There is none, so wss is off." in examined.stdout
    assert "the port is free" in examined.stdout


def test_the_demo_stays_out_of_a_database_in_use(make, flask):
    make(factories.operator)

    answer = flask("demo", "load")

    assert answer.exit_code != 0
    assert "This database is in use." in answer.stderr


def test_the_doctor_sees_a_port_that_somebody_else_has():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        number = server.getsockname()[1]
        server.settimeout(0)

        finding = doctor.port("Web port", number, patience_s=0.2)

    assert not finding.is_fine
    assert "Something else listens there" in finding.sentence
