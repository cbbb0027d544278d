"""The sidecar with a commit for each message, to compare with: `python -m bench.commit_each`."""

from ocpp_server import writer
from ocpp_server.__main__ import main

if __name__ == "__main__":
    writer.MOST_IN_BATCH = 1
    main()
