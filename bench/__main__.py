"""Every row of the table, the fault runs last. Takes about half an hour; nothing else should run meanwhile."""

from bench import (
    campaign,
    charger_pages,
    command,
    device_import,
    group_commit,
    histories,
    in_process,
    kills,
    labels,
    memory,
    orders,
    proof,
    reconnect,
    refund_race,
    rehearsal,
    reports,
    throughput,
)

ROWS = (
    in_process,
    throughput,
    group_commit,
    memory,
    reconnect,
    command,
    orders,
    charger_pages,
    proof,
    refund_race,
    labels,
    device_import,
    rehearsal,
    reports,
    campaign,
    histories,
    kills,
)


if __name__ == "__main__":
    for row in ROWS:
        print(row.__name__.removeprefix("bench."), flush=True)
        row.main()
