"""Worker processes: each line of the input names one, to be forked; the end of input stops them.

Arguments: the URLs of the shop's and of DBOS's database, and for how many seconds the provider
keeps a worker waiting for an answer that is due. What all need is loaded once, before they fork.
"""

import os
import signal
import sys
import time

from orderwright import OrderDesk
from tests.adapters.durable import Books, opened, running, sql_desk


def work(desk: OrderDesk, dbos: str, executor: str) -> None:
    """Take commands from the queue until told to end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with running(desk, dbos, executor=executor, look=0.1):
        print(executor, os.getpid(), flush=True)  # noqa: T201 - the tests wait for it
        signal.sigwait({signal.SIGTERM})


def main(shop: str, dbos: str, wait: str) -> None:
    """Fork workers until there is no more to read."""
    engine = opened(shop)  # which connects only when it is used
    desk = sql_desk(engine, Books(engine, after=lambda: time.sleep(float(wait))))
    children: list[int] = []
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(desk, dbos, line.strip())
            engine.dispose()
            os._exit(0)
        children.append(child)
    for child in children:
        os.kill(child, signal.SIGTERM)  # one that was killed is still ours, until it is waited for
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(any(one not in (0, -signal.SIGKILL) for one in ended))


if __name__ == "__main__":
    main(*sys.argv[1:])
