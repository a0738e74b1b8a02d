"""A run of one long step in a worker process; the argument is the store's folder."""

import signal
import sys
from pathlib import Path

from toy_stages import step

from xstilts.core.spec import Runtime
from xstilts.executors import LocalExecutor
from xstilts.graph import Plan
from xstilts.store import Store

if __name__ == "__main__":
    # A shell starts what it puts in the background deaf to interrupts; children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    goal = step("stayer", behaviour="stay")
    LocalExecutor().run(
        Plan({}, [goal]),
        [goal],
        Store(Path(sys.argv[1])),
        Runtime(workers=2),
        lambda line: print(line, flush=True),
    )
