"""A worker of a server ends when the process that started it is gone: otherwise it would keep the port."""

import multiprocessing
import os
import signal
import threading


def end_with_parent() -> None:
    """Have this process interrupted once the one that started it has ended; nothing where it is nobody's worker."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
