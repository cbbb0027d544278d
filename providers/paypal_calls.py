"""The line to PayPal: PayPal's own SDK with time-outs, and every failure in the words of domain/payment_provider.py."""

from typing import Any, NoReturn

import requests
from apimatic_core.exceptions.auth_validation_exception import AuthValidationException
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.api_exception import ApiException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient
from urllib3.exceptions import NewConnectionError

from domain.payment_provider import (
    ProviderDeclined,
    ProviderGone,
    ProviderMisuse,
    ProviderTrouble,
    ProviderUnavailable,
    ProviderUnknown,
)

# To connect, to wait for an answer. One step makes up to four calls; together they stay near payments.LEASE.
TIMEOUT_S = (3.0, 8.0)
WRONG_CREDENTIALS = "PayPal refuses the client id and secret. Check them, and whether they belong to sandbox or live."
LONGEST_REASON = 300


class Refusal(ProviderDeclined):
    """PayPal understood and said no; `issues` are its own words for why."""

    def __init__(self, message: str, issues: frozenset[str]) -> None:
        super().__init__(message)
        self.issues = issues


class Line:
    """The calls of one merchant. Safe to share between threads."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        is_test: bool,
        base_url: str | None = None,
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:
        self._credentials = (client_id, client_secret)
        self._environment = Environment.SANDBOX if is_test else Environment.PRODUCTION
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.max_redirects = 0  # an API that redirects is not the API
        self._client: PaypalServersdkClient | None = None

    def ask(self, call: str, **options: Any) -> Any:
        """What PayPal tells; whatever goes wrong, nothing was changed there.

        Args:
            call: controller and method of the SDK, "orders.get_order".
            options: the method's options.
        """
        return self._call(call, options, changes=False)

    def do(self, call: str, key: str, **options: Any) -> Any:
        """What PayPal answers to a change; the same key changes nothing again."""
        return self._call(call, {**options, "paypal_request_id": key}, changes=True)

    def probe(self) -> None:
        """
        Raises:
            ProviderDeclined: the credentials are wrong.
            ProviderUnavailable: PayPal cannot be reached.
        """
        client = self._connected()
        try:
            client.oauth_2.fetch_token()
        except ApiException as error:
            if error.response_code in (400, 401, 403):
                raise ProviderDeclined(WRONG_CREDENTIALS) from error
            raise ProviderUnavailable(f"PayPal answered {error.response_code}") from error
        except requests.RequestException as error:
            raise ProviderUnavailable(f"PayPal cannot be reached: {error!r}") from error

    def close(self) -> None:
        """Connections that were kept open are closed."""
        self._session.close()

    def _call(self, call: str, options: dict[str, Any], *, changes: bool) -> Any:
        controller, method = call.split(".")
        try:
            answer = getattr(getattr(self._connected(), controller), method)(options)
        except AuthValidationException as error:
            raise ProviderUnavailable(f"{call}: no access token") from error
        except ApiException as error:
            self._refused(call, error, changes)
        except requests.RequestException as error:
            raise _lost(call, error, changes) from error
        if answer.body is None and answer.status_code != 204:
            raise _uncertain(f"{call}: an answer of {answer.status_code} that is no JSON", changes)
        return answer.body

    def _connected(self) -> PaypalServersdkClient:
        if self._client is None:
            client_id, client_secret = self._credentials
            configuration = Configuration(
                http_client_instance=self._session,
                timeout=self._timeout_s,
                environment=self._environment,
                client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
                    client_id, client_secret, o_auth_token_provider=_fetch_token, o_auth_clock_skew=60
                ),
            )
            if self._base_url is not None:
                configuration.environments = {self._environment: {Server.DEFAULT: self._base_url}}
            self._client = PaypalServersdkClient(config=configuration)
        return self._client

    def _refused(self, call: str, error: ApiException, changes: bool) -> NoReturn:
        status, issues, reason = error.response_code, _issues(error), _reason(error)
        told = f"{call}: PayPal answered {status} {reason}"
        if status == 401:
            self._client = None  # the token was withdrawn before its time; the next call asks for a new one
            raise ProviderUnavailable(told) from error
        if status == 404:
            raise ProviderGone(told) from error
        if status == 429:
            raise ProviderUnavailable(told) from error
        if status == 400 or "DUPLICATE_REQUEST_ID" in issues:
            raise ProviderMisuse(told) from error
        if status in (403, 422):
            raise Refusal(reason, issues) from error
        # 409 is a first request with this key under way. After a 5xx PayPal wants the same key again.
        raise _uncertain(told, changes) from error


def _fetch_token(_: Any, oauth: Any) -> Any:
    # The SDK would swallow the reason and call with no token.
    try:
        return oauth.fetch_token()
    except ApiException as error:
        raise ProviderUnavailable(f"no access token: PayPal answered {error.response_code}") from error
    except requests.RequestException as error:
        raise ProviderUnavailable(f"no access token: {error!r}") from error


def _lost(call: str, error: requests.RequestException, changes: bool) -> ProviderTrouble:
    told = f"{call}: {error!r}"
    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.ConnectTimeout) or isinstance(cause, NewConnectionError):
        return ProviderUnavailable(told)  # it was never sent
    return _uncertain(told, changes)


def _uncertain(told: str, changes: bool) -> ProviderTrouble:
    return ProviderUnknown(told) if changes else ProviderUnavailable(told)


def _issues(error: ApiException) -> frozenset[str]:
    details = getattr(error, "details", None) or []
    named = {str(getattr(error, "name", None))}
    return frozenset(named | {str(getattr(each, "issue", "")) for each in details})


def _reason(error: ApiException) -> str:
    details = getattr(error, "details", None) or []
    told = [getattr(each, "description", None) or getattr(each, "issue", None) for each in details]
    text = next((str(each) for each in told if each), None) or getattr(error, "message", None) or str(error.reason)
    return str(text)[:LONGEST_REASON]
