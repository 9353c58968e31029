"""Spark as processes of their own: a standalone cluster, a Connect server, a submitted program.

Each is started in a session of its own on the loopback interface with free ports, and ends with
the block that started it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyspark

from lakehouse.engines.spark.session import write_properties
from lakehouse.engines.spark.settings import SparkSettings

HOME = Path(pyspark.__file__).parent
_BRIEF = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For a JVM that lives a minute: compiling to the full costs more than it saves."""
SMALL = {
    "spark.driver.extraJavaOptions": _BRIEF,
    "spark.executor.extraJavaOptions": _BRIEF,
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
}
"""What a program on this machine alone, with little data, is submitted with."""
_RUNS, _ENDED = (
    re.compile(r"Running task .*\(TID (\d+)\)"),
    re.compile(r"Finished task .*TID (\d+)"),
)


@dataclass
class Spark:
    """One process and what it says, in a file."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern: str, seconds: float = 60) -> str:
        """Wait until the log has a line that matches, and return the match's first group."""
        found: list[str] = []

        def look() -> bool:
            found.extend(re.findall(pattern, self.said()))
            return bool(found)

        wait_until(look, seconds, f"'{pattern}' in:", self)
        return found[0]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process and those it started, if it runs; SIGKILL after ten seconds."""
        for number in (how, signal.SIGKILL):
            if self.process.poll() is not None:
                return  # its number may be another's by now
            os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.process.wait()


@dataclass
class Cluster:
    """A master and its workers, of one core each."""

    url: str
    folder: Path
    master: Spark
    workers: list[Spark] = field(default_factory=list)

    def add_worker(self, memory: str = "1g") -> Spark:
        """Start another worker and wait until the master knows it."""
        number = len(self.workers)
        worker = start(
            self.folder / f"worker_{number}.log",
            [
                str(HOME / "bin" / "spark-class"),
                "org.apache.spark.deploy.worker.Worker",
                *("--host", "127.0.0.1", "--webui-port", "0", "--cores", "1", "--memory", memory),
                *("--work-dir", str(self._work(number)), self.url),
            ],
        )
        self.workers.append(worker)
        worker.wait_for("(Successfully registered with master)")
        return worker

    def running(self, number: int) -> set[int]:
        """The tasks that run on a worker now, by its executors' logs."""
        logs = [p.read_text(errors="replace") for p in self._work(number).glob("app-*/*/stderr")]
        text = "".join(logs)
        return {int(n) for n in _RUNS.findall(text)} - {int(n) for n in _ENDED.findall(text)}

    def kill_worker(self, number: int, when: Callable[[], bool], seconds: float = 120) -> set[int]:
        """Kill a worker and its executor in the middle of a task, and return what it ran.

        It waits for `when`, and then for a task that runs there.
        """
        lost: set[int] = set()

        def ready() -> bool:
            lost.clear()
            lost.update(self.running(number) if when() else ())
            return bool(lost)

        wait_until(ready, seconds, f"a task on worker {number}:", self.workers[number], every=0.005)
        self.workers[number].stop(signal.SIGKILL)
        return lost & self.running(number)

    def _work(self, number: int) -> Path:
        return self.folder / f"work_{number}"


@contextmanager
def cluster(folder: Path, workers: int = 2, memory: str = "1g") -> Iterator[Cluster]:
    """A standalone cluster whose logs and scratch files lie in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    master = start(
        folder / "master.log",
        [
            str(HOME / "bin" / "spark-class"),
            "org.apache.spark.deploy.master.Master",
            *("--host", "127.0.0.1", "--port", "0", "--webui-port", "0"),
        ],
    )
    started = [master]
    try:
        url = master.wait_for(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        made = Cluster(url, folder, master)
        started = made.workers
        for _ in range(workers):
            made.add_worker(memory)
        yield made
    finally:
        for process in (*started, master):
            process.stop()


@contextmanager
def submitted(
    log: Path,
    settings: SparkSettings,
    *program: str | Path,
    properties: Mapping[str, str] = SMALL,
    **variables: str,
) -> Iterator[Spark]:
    """A program that spark-submit started with the platform's properties file.

    Its master is the settings'. The program's standard output is the log's file beside, `.out`.
    """
    chosen = [w for name, value in properties.items() for w in ("--conf", f"{name}={value}")]
    made = start(
        log,
        [
            str(HOME / "bin" / "spark-submit"),
            *("--properties-file", str(write_properties(settings.jars))),
            *("--master", str(settings.master), *chosen),
            *map(str, program),
        ],
        output=log.with_suffix(".out"),
        **variables,
    )
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def connect_server(
    folder: Path, settings: SparkSettings, properties: Mapping[str, str] = SMALL
) -> Iterator[SparkSettings]:
    """A Spark Connect server, a program that spark-submit starts; settings that reach it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    properties = {
        **properties,
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    }
    with submitted(
        folder / "connect.log",
        settings,
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"),
        properties=properties,
        SPARK_DAEMON_MEMORY="1g",  # Spark takes a Connect server for one of its daemons
    ) as server:
        wait_until(lambda: _listens(port), 90, "the Connect server:", server)
        yield replace(settings, master=f"sc://127.0.0.1:{port}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def start(log: Path, command: Sequence[str], output: Path | None = None, **variables: str) -> Spark:
    """Start a program of Spark's in a session of its own, with a small daemon's memory."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SPARK_")},
        "SPARK_HOME": str(HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": _BRIEF,
        "SPARK_LOCAL_DIRS": str(log.parent / "scratch"),
        "PYSPARK_PYTHON": sys.executable,
        **variables,
    }
    with open(log, "wb") as said, open(output or os.devnull, "wb") as printed:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            env=environment,
            cwd=log.parent,
            start_new_session=True,
        )
    return Spark(process, log)


def wait_until(
    happened: Callable[[], bool], seconds: float, what: str, of: Spark, every: float = 0.1
) -> None:
    """Wait for something; raises AssertionError with a log's end if it does not happen."""
    until = time.monotonic() + seconds
    while not happened():
        ended = of.process.poll()
        if ended is not None or time.monotonic() > until:
            why = f"ended with {ended}" if ended is not None else f"nothing for {seconds} s"
            raise AssertionError(f"{what} {why}\n{of.said()[-4000:]}")
        time.sleep(every)
