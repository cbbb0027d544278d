"""Every view answers through these: page or fragment, dialog, the answer after success."""

import json
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse


def wants_fragment() -> bool:
    """Whether htmx swaps the answer into a page that is already there."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def page(full: str, partial: str | None = None, status: int = 200, **context: Any) -> tuple[str, int]:
    """The whole page for a browser, the partial for htmx; both under the same URL."""
    template = partial if partial and wants_fragment() else full
    return render_template(template, **context), status


def dialog(partial: str, status: int = 200, *, title: str, **context: Any) -> tuple[str, int]:
    """The partial inside the one dialog for htmx, and as a page of its own otherwise."""
    return page("ui/dialog.html", partial, status, title=title, dialog_partial=partial, **context)


def done(location: str, toast: str, cells: str | None = None, undo: str | None = None, **context: Any) -> AnyResponse:
    """A form was accepted.

    Plain: 303 to `location`, which shows `toast`. htmx: the changed `cells` out of band, the dialog closes and the
    toast appears (`undo` is the URL that its button posts to); without `cells`, or when the dialog is a page of its own
    and there is nothing behind it, the browser goes to `location`.
    """
    if not wants_fragment():
        flash(toast)
        return redirect(location, 303)
    if cells is None or request.headers.get("Dialog-Stands") == "alone":  # ui/dialog.html says so
        flash(toast)
        response = make_response("", 204)
        response.headers["HX-Redirect"] = location
        return response
    response = make_response(render_template(cells, **context))
    response.headers["HX-Reswap"] = "none"
    return trigger(response, toast={"text": toast, "undo": undo} if undo else toast, **{"dialog-close": True})


def trigger(response: Response, **events: Any) -> Response:
    """The browser raises these events when the answer arrives."""
    response.headers["HX-Trigger"] = json.dumps(events)
    return response
