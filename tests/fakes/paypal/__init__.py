"""A PayPal of our own. `books` has its rules, `server` its HTTP and pages, `webhooks` its signed events.

Written from PayPal's public reference (Orders v2, Payments v2, Transaction Search v1), stricter where that is unclear.
Never compared with the real one.
"""
