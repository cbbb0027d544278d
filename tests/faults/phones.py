"""Drivers' phones: a browser without JavaScript, and a driver who does not give up."""

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from http.cookiejar import CookieJar

PATIENCE_S = 180
LOOK_EVERY_S = 0.3


@dataclass
class Form:
    """A form of a page, filled in the way that a press of its first button sends it."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif tag == "input" and self.forms and "name" in given and "disabled" not in given:
            self._fill(given)
        elif tag == "button" and self.forms and "name" in given:
            self.forms[-1].fields.setdefault(given["name"], given.get("value", ""))

    def _fill(self, given: dict[str, str]) -> None:
        if given.get("type") != "radio" or "checked" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")


class _From(urllib.request.HTTPHandler):
    """Each phone has an address of its own, and its own share of what one address may ask."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(http.client.HTTPConnection, source_address=(self._address, 0)), req)


class Phone:
    """A browser that reloads and presses again until it is answered; answers of 500 and above are noted."""

    def __init__(self, url: str, number: int) -> None:
        self._jar = CookieJar()
        handlers = (urllib.request.HTTPCookieProcessor(self._jar), _From(f"127.0.1.{number}"))
        self._opener = urllib.request.build_opener(*handlers)
        self.where = url
        self.text = ""
        self.errors: list[str] = []

    def open(self, address: str) -> None:
        """That page is shown, or the one it leads on to."""
        self._fetch(urllib.parse.urljoin(self.where, address), None)

    def form(self, ending: str) -> Form | None:
        """The form that is sent to an address of that ending, if the page has one."""
        parser = _Forms()
        parser.feed(self.text)
        return next((form for form in parser.forms if form.action.endswith(ending)), None)

    def press(self, form: Form) -> None:
        """The form was sent, and the page that it leads to is shown."""
        data = urllib.parse.urlencode(form.fields).encode()
        self._fetch(urllib.parse.urljoin(self.where, form.action), data)

    def _fetch(self, url: str, data: bytes | None) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            request = urllib.request.Request(url, data, {"Origin": url[: url.index("/", 8)]} if data else {})
            try:
                with self._opener.open(request, timeout=20) as answer:
                    self.text, self.where = answer.read().decode(), answer.url
                    return
            except urllib.error.HTTPError as refusal:
                self.text = refusal.read().decode(errors="replace")
                if refusal.code < 500:
                    self.where = url
                    return  # an answer like any other
                self.errors.append(f"{refusal.code} {url}")
            except (OSError, http.client.HTTPException):
                pass  # the web is being killed
            time.sleep(LOOK_EVERY_S)
        raise AssertionError(f"{url} was not answered for {PATIENCE_S} s")


def charge(phone: Phone, code: str, card: str, is_paid: Callable[[], bool]) -> None:
    """The driver scanned, paid, started, stopped if that was up to him, and looked until the bill was paid."""
    deadline = time.monotonic() + PATIENCE_S
    phone.open(f"/c/{code}")
    while not is_paid():
        assert time.monotonic() < deadline, f"{phone.where} got no further:\n{phone.text[:3000]}"
        _go_on(phone, code, card)
        time.sleep(LOOK_EVERY_S)
        phone.open(phone.where)


def _go_on(phone: Phone, code: str, card: str) -> None:
    """The one thing that a driver does on the page that is shown."""
    for ending in (f"/c/{code}", "/confirm", "/start", "/stop"):
        form = phone.form(ending)
        if form is not None:
            phone.press(form)
            return
    if "/sandbox/checkout/" in phone.where:
        form = phone.form(urllib.parse.urlsplit(phone.where).path)
        if form is not None:
            form.fields["card"] = card
            phone.press(form)
