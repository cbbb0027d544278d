"""Payment providers of our own for the tests: strict where the real ones are, with a clock and faults."""
