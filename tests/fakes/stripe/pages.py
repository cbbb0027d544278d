"""The hosted page, as plain as can be: a card, the bank's question, the way back."""

from html import escape
from typing import Any

SHELL = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><title>Imitation of a payment page</title>
<body><main><h1>{title}</h1>{body}</main></body></html>"""


def card_form(checkout: dict[str, Any], error: str | None = None) -> str:
    """Type a card, or go back."""
    what = "Save a card" if checkout["mode"] == "setup" else f"Pay {checkout['amount_total']} {checkout['currency']}"
    told = f'<p role="alert">{escape(error)}</p>' if error else ""
    back = escape(checkout["cancel_url"] or checkout["success_url"])
    body = (
        f'{told}<form method="post" action="/c/pay/{checkout["id"]}"><label>Card number '
        f'<input name="card" autocomplete="off" inputmode="numeric"></label> <button>Pay</button></form>'
        f'<p><a href="{back}">Back to the merchant</a></p>'
    )
    return SHELL.format(title=escape(what), body=body)


def challenge(checkout: dict[str, Any]) -> str:
    """The bank asks."""
    buttons = '<button name="answer" value="yes">Complete</button> <button name="answer" value="no">Fail</button>'
    body = f'<form method="post" action="/c/bank/{checkout["id"]}">{buttons}</form>'
    return SHELL.format(title="Your bank asks: is it you?", body=body)


def gone() -> str:
    return SHELL.format(title="This page has expired", body="")
