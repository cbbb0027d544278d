"""The sidecar on a disk whose flush takes 5 ms, as many rented ones do: `python -m bench.slow_disk [most in a batch]`.

The time is slept, not computed: it holds up the writer as a disk does, and nobody else.
"""

import sys
import time

from sqlalchemy.orm import Session

from ocpp_server import writer
from ocpp_server.__main__ import main

FLUSH_S = 0.005

if __name__ == "__main__":
    at_once = writer.commit

    def commit(db: Session, name: str) -> None:
        at_once(db, name)
        time.sleep(FLUSH_S)

    writer.commit = commit
    writer.MOST_IN_BATCH = int(sys.argv[1]) if len(sys.argv) > 1 else writer.MOST_IN_BATCH
    main()
