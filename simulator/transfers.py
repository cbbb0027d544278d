"""Files over HTTP: firmware down, diagnostics and logs up. Blocking; run in a thread."""

import base64
import hashlib
import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from urllib.parse import urlsplit

TIMEOUT_S = 60
# Answers of servers that take files by POST only.
METHOD_REFUSED = (404, 405, 501)


def download(url: str, tls: ssl.SSLContext | None = None, piece_bytes: int = 0) -> tuple[bytes, str]:
    """The file and its name as the server tells it, or as the address ends. Raises: OSError, ValueError.

    With `piece_bytes` it comes in ranges, as modems like it, for as long as the server's file stays the same; the
    digest that the server tells is checked.
    """
    opener = _opener(url, tls)
    body, etag = b"", ""
    while True:
        request = urllib.request.Request(url)  # noqa: S310 - _opener checks the scheme
        if piece_bytes:
            request.add_header("Range", f"bytes={len(body)}-{len(body) + piece_bytes - 1}")
        if etag:
            request.add_header("If-Range", etag)
        with opener.open(request, timeout=TIMEOUT_S) as response:
            piece, headers = response.read(), response.headers
            is_whole = response.status != HTTPStatus.PARTIAL_CONTENT
        body, etag = (piece if is_whole else body + piece), headers.get("ETag", "")
        total = len(body) if is_whole else int(headers["Content-Range"].rpartition("/")[2])
        if len(body) >= total:
            break
    _check_digest(body, headers.get("Repr-Digest", ""))
    return body, headers.get_filename() or urlsplit(url).path.rsplit("/", 1)[-1]


def _check_digest(body: bytes, told: str) -> None:
    wanted = told.partition("sha-256=:")[2].partition(":")[0]
    if wanted and base64.b64decode(wanted) != hashlib.sha256(body).digest():
        raise ValueError("the file's SHA-256 is not the one that the server tells")


def upload(url: str, body: bytes, file_name: str, tls: ssl.SSLContext | None = None) -> None:
    """The file is there, by PUT, or by POST where that is refused. Raises: OSError, ValueError.

    An address that ends with a slash is a folder: the file's name is added.
    """
    target = url + file_name if url.endswith("/") else url
    try:
        _send("PUT", target, body, tls)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        if refusal.code not in METHOD_REFUSED:
            raise
        _send("POST", target, body, tls)


def _send(method: str, url: str, body: bytes, tls: ssl.SSLContext | None) -> None:
    request = urllib.request.Request(url, data=body, method=method)  # noqa: S310 - _opener checks the scheme
    request.add_header("Content-Type", "text/plain; charset=utf-8")
    with _opener(url, tls).open(request, timeout=TIMEOUT_S):
        pass


def _opener(url: str, tls: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"only http and https are spoken here, not {url!r}")
    # A charger knows no proxy.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if tls:
        handlers.append(urllib.request.HTTPSHandler(context=tls))
    return urllib.request.build_opener(*handlers)
