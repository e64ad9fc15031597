"""A real Dask scheduler and its workers on the loopback interface, each a command of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from ports import free_port

import optimize

ROOT = Path(optimize.__file__).parent.parent


class Cluster:
    """A scheduler and workers, each a command of its own."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        self.workers = []

    def start(self, role, *options, root=ROOT, environment=None):
        path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
        with open(self.folder / "log", "ab") as log:
            return subprocess.Popen([sys.executable, "-m", "dask", role, *options], cwd=self.folder, stdout=log, stderr=log,
                                    env={**os.environ, **(environment or {}), "PYTHONPATH": path}, start_new_session=True)

    def add_worker(self, *options, root=ROOT, environment=None):
        self.workers.append(self.start("worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard",
                                       "--memory-limit", "0", "--local-directory", str(self.folder), *options, root=root, environment=environment))

    def stop(self):
        for each in (*self.workers, self.scheduler):
            processes = psutil.Process(each.pid).children(recursive=True) if each.poll() is None else []
            each.send_signal(signal.SIGKILL)
            for process in processes:
                process.kill()
            psutil.wait_procs(processes, timeout=60)
            each.wait()
