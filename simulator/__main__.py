"""Charge points on the command line: python -m simulator --url ws://127.0.0.1:9000 --device-id CP1 --password ..."""

import sys

from simulator.fleet import main

if __name__ == "__main__":
    sys.exit(main())
