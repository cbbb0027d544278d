"""Tells the sidecars that commands wait."""

from flask import current_app

from domain import doorbell


def ring() -> None:
    """The sidecars look for commands now; called after the commit."""
    doorbell.ring(current_app.extensions["settings"].instance_dir)
