"""The demo world: one operator, two stations, six chargers that charge, and a month of history."""
