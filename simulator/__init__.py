"""A charge point for demo, tests and users: python -m simulator."""
