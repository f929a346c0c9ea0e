"""What is done with one runtime in each round, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from bundle import write_config
from worker import Failed, Worker


class Scenario:
    """One runtime, its bundles, its numbers."""

    def __init__(
        self, name: str, command: Sequence[str], directory: Path, parent: str, worker: Worker
    ) -> None:
        """Make the bundles: one whose process ends at once, one whose process sleeps."""
        self._name, self._command, self._worker = name, list(command), worker
        self._directory = directory / name
        self._directory.mkdir()
        self._output = self._directory / "output"
        self._pid_file = self._directory / "pid"
        self._bundles = {}
        for kind, args in (("true", ["true"]), ("sleep", ["sleep", "100000"])):
            bundle = self._directory / kind
            write_config(bundle, directory / "rootfs", ["/bin/busybox", *args], f"{parent}/{name}-{kind}")
            self._bundles[kind] = bundle
        self._parent = parent
        self._rootfs = directory / "rootfs"
        self._has_exec = False
        self.times: dict[str, list[float]] = {}
        """Milliseconds by verb."""
        self.peaks: dict[str, int] = {}
        """Peak resident set of a verb's process in KiB."""

    def warm_up(self) -> None:
        """Run once unmeasured; find the peaks, and whether there is `exec` at all."""
        self._call("run", "--bundle", str(self._bundles["true"]), "warm")
        for verb, *arguments in (
            ["create", "--bundle", str(self._bundles["sleep"]), "--pid-file", str(self._pid_file), "warm"],
            ["start", "warm"],
            ["state", "warm"],
        ):
            self.peaks[verb] = self._peak(verb, *arguments)
        self._has_exec = (
            self._worker.run(self._line("exec", "warm", "/bin/busybox", "true"), self._output).status == 0
        )
        self.peaks["kill"] = self._peak("kill", "warm", "KILL")
        self._wait()
        self.peaks["delete"] = self._peak("delete", "warm")

    def round(self, number: int) -> None:
        """Measure every verb once."""
        self._timed("run", "--bundle", str(self._bundles["true"]), f"r{number}")
        begin = time.perf_counter()
        self._create("true", f"c{number}")
        self._call("start", f"c{number}")
        self._wait()
        self._call("delete", f"c{number}")
        self._note("create+start+wait+delete", time.perf_counter() - begin)
        container = f"s{number}"
        self._timed(
            "create", "--bundle", str(self._bundles["sleep"]), "--pid-file", str(self._pid_file), container
        )
        self._timed("start", container)
        self._timed("state", container)
        self._timed("list")
        if self._has_exec:
            self._timed("exec", container, "/bin/busybox", "true")
        self._timed("kill", container, "KILL")
        self._wait()
        self._timed("delete", container)

    def idle(self, count: int) -> dict[str, float]:
        """Start many sleeping containers; returns what each of them costs in KiB.

        `processes` is the proportional set size of what the container consists of, `host` the memory that the
        whole host lost meanwhile, the kernel's part included.
        """
        before = _available_kib()
        pids = []
        for number in range(count):
            bundle = self._directory / f"idle{number}"
            path = f"{self._parent}/{self._name}-idle{number}"
            write_config(bundle, self._rootfs, ["/bin/busybox", "sleep", "100000"], path)
            self._call("create", "--bundle", str(bundle), "--pid-file", str(self._pid_file), f"idle{number}")
            self._call("start", f"idle{number}")
            pids.append(self._pid())
        time.sleep(0.5)  # what the runtimes freed on their way out comes back to the host with a delay
        lost = before - _available_kib()
        resident = sum(_proportional_kib(pid) for pid in pids)
        for number, pid in enumerate(pids):
            self._call("kill", f"idle{number}", "KILL")
            self._worker.wait(pid)
            self._call("delete", f"idle{number}")
        return {"processes": resident / count, "host": lost / count}

    def _create(self, kind: str, container: str) -> None:
        self._call(
            "create", "--bundle", str(self._bundles[kind]), "--pid-file", str(self._pid_file), container
        )

    def _line(self, *words: str) -> list[str]:
        return [*self._command, "--root", str(self._directory / "root"), *words]

    def _call(self, *words: str) -> float:
        measured = self._worker.run(self._line(*words), self._output)
        if measured.status != 0:
            raise Failed(
                f"{self._name}: {' '.join(words)}: status {measured.status}: {measured.output.strip()}"
            )
        return measured.seconds

    def _timed(self, verb: str, *words: str) -> None:
        self._note(verb, self._call(verb, *words))

    def _note(self, verb: str, seconds: float) -> None:
        self.times.setdefault(verb, []).append(seconds * 1000)

    def _peak(self, *words: str) -> int:
        # A small program has to start it: what the parent of an exec holds counts as its child's peak.
        log = self._directory / "time"
        line = ["/usr/bin/time", "-f", "%M", "-o", str(log), *self._line(*words)]
        measured = self._worker.run(line, self._output)
        if measured.status != 0:
            raise Failed(
                f"{self._name}: {' '.join(words)}: status {measured.status}: {measured.output.strip()}"
            )
        return int(log.read_text().split()[-1])

    def _pid(self) -> int:
        return int(self._pid_file.read_text())

    def _wait(self) -> None:
        self._worker.wait(self._pid())


def _available_kib() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1])
    raise LookupError("/proc/meminfo has no MemAvailable")


def _proportional_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise LookupError(f"process {pid} has no Pss")
