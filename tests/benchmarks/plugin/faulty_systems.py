"""Systems that misbehave, each in one way. They import nothing of the project."""

import json
import os
import random
import signal
import sys
import time


class Fair:
    """Predicts class 0 and does nothing wrong."""

    name = "fair"
    family = "classical"
    requires = ("numpy",)
    own_order = False
    steps = 0
    samples_seen = 0
    losses = ()

    def __init__(self, workload, *, seed, threads, dtype):
        self.workload = workload

    @classmethod
    def supports(cls, workload):
        return None

    def load(self):
        import numpy

        self.np = numpy

    def build(self, data, weights=None):
        self.data = data

    def train(self, record=False):
        pass

    def reset(self, weights):
        pass

    def predict(self, X):
        return self.np.zeros(len(X), int)

    def predict_proba(self, X):
        return None

    def get_weights(self):
        return None

    def compilations(self):
        return None


class Assassin(Fair):
    """Ends the worker of a cluster on which it is measured, again and again."""

    def load(self):
        import psutil

        for process in psutil.Process().parents():
            if any("multiprocessing" in word for word in process.cmdline()):
                process.kill()
                break
        time.sleep(60)


class Exit(Fair):
    name = "fault-exit"

    def train(self, record=False):
        os._exit(3)


class Kill(Fair):
    def train(self, record=False):
        os.kill(os.getpid(), signal.SIGKILL)


class Segv(Fair):
    def train(self, record=False):
        os.kill(os.getpid(), signal.SIGSEGV)


class Hang(Fair):
    name = "fault-hang"

    def train(self, record=False):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)


class Orphan(Fair):
    """Leaves a child behind that keeps every descriptor open, the row's pipe too."""

    left = False

    def train(self, record=False):
        if not self.left and os.fork() == 0:
            time.sleep(3600)
            os._exit(0)
        self.left = True


class Hog(Fair):
    def train(self, record=False):
        self.hoard = [bytearray(64 * 2**20)]
        while True:
            self.hoard.append(bytearray(b"x" * (64 * 2**20)))


class Flood(Fair):
    """Writes without end to both streams; the trial must still be stopped in time."""

    def train(self, record=False):
        while True:
            os.write(1, b"x" * 65536)
            os.write(2, b"y" * 65536)


def _pipes():
    """Descriptors beyond the standard streams."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            yield int(name)


class Garbage(Fair):
    def train(self, record=False):
        for descriptor in _pipes():
            try:
                os.write(descriptor, b"\x00\xff{not a row}\n")
            except OSError:
                continue
        os._exit(0)


class Closed(Fair):
    def train(self, record=False):
        os.closerange(3, 256)


class Raises(Fair):
    def train(self, record=False):
        raise RuntimeError("something broke in /home/somebody/secret/place.py")


class SystemExits(Fair):
    def train(self, record=False):
        sys.exit("enough")


class Missing(Fair):
    requires = ("torch",)

    def load(self):
        import a_framework_that_is_not_installed  # noqa: F401


class NotFinite(Fair):
    def predict(self, X):
        return self.np.full(len(X), self.np.nan)


class Infinite(Fair):
    family = "network"

    def get_weights(self):
        return [self.np.full((2, 3), self.np.inf), self.np.zeros(3)]


class Diverges(Fair):
    def train(self, record=False):
        raise FloatingPointError("the loss is not finite")


class WrongShape(Fair):
    def predict(self, X):
        return self.np.zeros((len(X), 3))


class Words(Fair):
    def predict(self, X):
        return self.np.full(len(X), "spiral")


class Tamper(Fair):
    """Changes everything that a process shares with nobody."""

    def train(self, record=False):
        os.chdir("/")
        os.environ.clear()
        random.seed(0)
        self.np.random.seed(0)
        sys.path.clear()
        os.umask(0o777)


class HalfSteps(Fair):
    """Reports a number of steps that cannot be."""

    def train(self, record=False):
        self.steps = 1.5


class Forger(Fair):
    """Says that it is another system, in another run."""

    def train(self, record=False):
        forged = {
            "system": "mapicx", "run_id": "another", "trial_id": "0", "status": "ok",
            "reason": "\x1b[31m see /home/somebody", "ended_at": time.perf_counter(),
            "colour": "red",
        }  # fmt: skip
        for descriptor in _pipes():
            try:
                os.write(descriptor, json.dumps(forged).encode() + b"\n")
            except OSError:
                continue
        os._exit(0)


class Daemon(Fair):
    """Leaves a process behind that has left its group and its session."""

    def train(self, record=False):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(3600)
            os._exit(0)


class Seeds(Fair):
    """Ends its process at seed 2 and hangs at seed 4; diverges at seed 5."""

    def __init__(self, workload, *, seed, threads, dtype):
        super().__init__(workload, seed=seed, threads=threads, dtype=dtype)
        self.seed = seed

    def train(self, record=False):
        if self.seed == 2:
            os._exit(3)
        if self.seed == 4:
            time.sleep(3600)
        if self.seed == 5:
            raise FloatingPointError("the loss is not finite")


class Doomed(Fair):
    """Ends its process at every seed."""

    def train(self, record=False):
        os._exit(4)
