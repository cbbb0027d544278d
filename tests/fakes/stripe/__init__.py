"""A strict imitation of Stripe: an HTTP server of its own, driven by the real SDK.

It refuses what Stripe refuses and what public stand-ins let pass: unknown parameters, a key with other parameters, a
capture beyond the hold or after its end, a refund of more than was taken, another account's ids.
"""

from tests.fakes.stripe.server import KEY, OTHER_KEY, SECRET, FakeStripe

__all__ = ["KEY", "OTHER_KEY", "SECRET", "FakeStripe"]
