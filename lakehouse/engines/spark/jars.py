"""The jars that Delta Lake adds to Spark: fetched once, each held against its checksum.

Delta's further dependencies (Hadoop's client, Parquet, Jackson, log4j, RoaringBitmap) come with
PySpark; its kernel, Unity Catalog and geometry libraries are used by nothing here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lakehouse.errors import LakehouseError

DELTA = "4.4.0"
PACKAGE = f"io.delta:delta-spark_4.2_2.13:{DELTA}"
SET_UP = "lakehouse setup spark"
_ELSEWHERE = (
    "com.*:*,org.*:*,commons*:*,javax*:*,io.airlift:*,io.unitycatalog:*,io.delta:delta-kernel*"
)
"""What Ivy leaves out of the package's dependencies."""


@dataclass(frozen=True)
class Jar:
    """A jar by the name Ivy gives it, with its SHA-256."""

    name: str
    sha256: str


JARS = (
    Jar(
        f"io.delta_delta-spark_4.2_2.13-{DELTA}.jar",
        "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    ),
    Jar(
        f"io.delta_delta-storage-{DELTA}.jar",
        "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
    ),
)


class SparkMissing(LakehouseError):
    """Something that the Spark engine needs is not on this machine."""


def paths(folder: Path) -> list[Path]:
    """Return the jars in a folder; raises SparkMissing for one that is missing or altered."""
    return [_checked(folder / jar.name, jar) for jar in JARS]


def set_up(folder: Path, jars: Path | None = None) -> bool:
    """Fill a folder with the jars and return whether any had to be fetched.

    They come through Spark's own resolver, as `spark-submit --packages` would fetch them, or from
    the folder `jars`, for a machine without a network. Nothing is kept that fails its checksum.
    Raises SparkMissing where they cannot be had.
    """
    try:
        paths(folder)
        return False
    except SparkMissing:
        pass
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        source = jars if jars is not None else _resolve(Path(scratch))
        for jar in JARS:
            checked = _checked(source / jar.name, jar)
            copied = Path(scratch) / f"{jar.name}.new"
            shutil.copyfile(checked, copied)
            copied.replace(folder / jar.name)
    return True


def require_java() -> None:
    """Raise SparkMissing where no Java is found to start Spark with."""
    home = os.environ.get("JAVA_HOME")
    found = Path(home, "bin", "java").is_file() if home else shutil.which("java") is not None
    if not found:
        raise SparkMissing(
            "The Spark engine needs Java 17 or newer, and there is no java on the PATH; install "
            "it (Debian: openjdk-17-jre-headless), or use the embedded engine."
        )


def _checked(path: Path, jar: Jar) -> Path:
    if not path.is_file():
        raise SparkMissing(f"{path.parent} has no {jar.name}; '{SET_UP}' fetches it once.")
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise SparkMissing(
            f"{path} is not the {jar.name} that this version was made with (SHA-256 {found[:12]}…, "
            f"not {jar.sha256[:12]}…); remove it and run '{SET_UP}'."
        )
    return path


def _resolve(scratch: Path) -> Path:
    """Have spark-submit resolve the package into a scratch folder, beside a program that is empty.

    Ivy looks into the user's Maven folder first and stumbles over a POM without its jar there, so
    it is given another home.
    """
    import pyspark

    require_java()
    program = scratch / "empty.py"
    program.write_text("")
    home = Path(pyspark.__file__).parent
    done = subprocess.run(
        [
            str(home / "bin" / "spark-submit"),
            *("--master", "local[1]"),
            *("--packages", PACKAGE),
            *("--exclude-packages", _ELSEWHERE),
            *("--conf", f"spark.jars.ivy={scratch / 'ivy'}"),
            str(program),
        ],
        env={
            **os.environ,
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_SUBMIT_OPTS": f"-Duser.home={scratch}",
            "PYSPARK_PYTHON": sys.executable,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    found = scratch / "ivy" / "jars"
    if done.returncode or not found.is_dir():
        said = next(
            (line.strip() for line in done.stderr.splitlines() if "unresolved" in line.lower()),
            (done.stderr.strip().splitlines() or ["no reason was given"])[-1],
        )
        raise SparkMissing(
            f"{PACKAGE} could not be resolved: {said}. Without a network, take the jars from "
            f"another machine: '{SET_UP} --from FOLDER'."
        )
    return found
