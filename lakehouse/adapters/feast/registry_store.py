"""Feast's registry in the lake's folder, so that a repository names no path of a machine."""

from __future__ import annotations

import os
from pathlib import Path

from feast.infra.registry.file import FileRegistryStore
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.repo_config import RegistryConfig

from lakehouse.sdk import composition


class LakeRegistryStore(FileRegistryStore):
    """A registry file at a path below LAKEHOUSE_HOME, replaced whole."""

    def __init__(self, registry_config: RegistryConfig, _repo_path: Path) -> None:
        self._filepath = composition.home_folder() / registry_config.path

    def _write_registry(self, registry_proto: Registry) -> None:
        target = self._filepath
        target.parent.mkdir(parents=True, exist_ok=True)
        self._filepath = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            super()._write_registry(registry_proto)
            self._filepath.replace(target)
        finally:
            self._filepath = target
