"""The web application: extensions, blueprints, error handlers, nothing else."""

from flask import Flask

from blueprints import (
    access,
    addresses,
    adoption,
    api,
    applications,
    apply,
    audit_log,
    auth,
    bank_transfers,
    batches,
    billings,
    chargers,
    cli,
    commands,
    configuration,
    connect,
    database,
    devices,
    diagnostics,
    driver,
    electricity,
    errors,
    firmware,
    firmware_download,
    firmware_files,
    handshakes,
    health,
    home,
    hooks,
    hours,
    invitations,
    jobs,
    local_lists,
    logins,
    money_items,
    overview,
    passwords,
    payment_system,
    platform_accounts,
    platform_settlements,
    power,
    qr_codes,
    reports,
    reservations,
    sandbox,
    search,
    second_factor,
    sessions,
    settlements,
    setup,
    shell,
    sign_up,
    station_map,
    station_photos,
    stations,
    team,
    till,
    tokens,
    uploads,
)
from domain.settings import Settings
from providers import payment_providers

PAGES = (
    home,
    overview,
    stations,
    setup,
    chargers,
    connect,
    electricity,
    payment_system,
    platform_accounts,
    power,
    tokens,
    devices,
    batches,
    commands,
    configuration,
    diagnostics,
    local_lists,
    reservations,
    handshakes,
    adoption,
    billings,
    bank_transfers,
    money_items,
    settlements,
    platform_settlements,
    sessions,
    reports,
    search,
    jobs,
    qr_codes,
    team,
    invitations,
    second_factor,
    audit_log,
    logins,
    hours,
    station_map,
    station_photos,
    applications,
    apply,
    sign_up,
    passwords,
    firmware,
    firmware_files,
    firmware_download,
)


def create_app(settings: Settings) -> Flask:
    """The web application on that installation's database."""
    app = Flask(__name__)
    app.extensions["settings"] = settings
    shell.configure(app, settings)
    addresses.init_app(app)
    database.init_app(app, settings.database_url)
    shell.init_app(app)
    auth.init_app(app)
    access.init_app(app)
    errors.init_app(app)
    app.register_blueprint(health.bp)
    for pages in PAGES:
        app.register_blueprint(pages.bp)
    api.init_app(app)
    till.init_app(app, settings, payment_providers)
    app.register_blueprint(driver.bp)
    app.register_blueprint(sandbox.bp)
    app.register_blueprint(uploads.bp)
    shell.csrf.exempt(uploads.bp)
    app.register_blueprint(hooks.bp)
    shell.csrf.exempt(hooks.bp)
    cli.init_app(app)
    return app
