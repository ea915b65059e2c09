"""A worker without a model: it tells the coordinator who it is and what it sees, and behaves as STAND_IN says.

Nothing but the standard library, so that it starts in no time. ``obey``: ends with SIGTERM. ``stubborn``: ignores it, and has
started a process of its own. ``crash``: fails before its first report. ``chatty``: writes 6 MB, then reports. None of them
outlives its coordinator for long.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request

INTERVAL_S = 0.1
PATIENCE = 50
SHOWN = ("HOST", "PORT", "STAND_IN", "CUDA_VISIBLE_DEVICES", "REACTOR_LOG_LEVEL")


def report(body: dict[str, object]) -> bool:
    """Whether the coordinator has heard it."""
    request = urllib.request.Request(
        f"{os.environ['REACTOR_WORKER_COORDINATORS']}/workers/{os.environ['REACTOR_WORKER_ID']}/report",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {os.environ['REACTOR_WORKER_SECRET']}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            answer.read()
    except OSError as error:
        print(f"the coordinator does not answer: {error}")
        return False
    return True


def main() -> None:
    conduct = os.environ.get("STAND_IN", "obey")
    if conduct == "crash":
        raise RuntimeError("the weights are not there")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set() if conduct != "stubborn" else None)
    body: dict[str, object] = {
        "port": 1,
        "pid": os.getpid(),
        "state": "ready",
        "folder": os.getcwd(),
        "argv": [sys.executable, *sys.argv],
        "names": sorted(os.environ),
        "env": {name: os.environ[name] for name in SHOWN if name in os.environ},
        "helper": subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid,
    }
    if conduct == "chatty":
        for number in range(6 * 1024):
            print(f"{number:06}".ljust(1023, "."))
    print("the stand-in worker runs", flush=True)
    unheard = 0
    while unheard < PATIENCE:
        unheard = 0 if report(body) else unheard + 1
        if stop.wait(INTERVAL_S):
            print("the stand-in worker was asked to end", flush=True)
            return


main()
