"""A Feast repository whose stores are the lake's, without files of its own."""

from __future__ import annotations

from pathlib import Path

from feast import RepoConfig


def repo_config(folder: Path) -> RepoConfig:
    """Settings as `feature_repo/feature_store.yaml` has them, of a repository in a folder."""
    adapters = "lakehouse.adapters.feast"
    return RepoConfig(
        project="lakehouse",
        provider="local",
        registry={
            "registry_store_type": f"{adapters}.registry_store.LakeRegistryStore",
            "path": "feast/registry.db",
        },
        offline_store={"type": f"{adapters}.offline.LakehouseOfflineStore"},
        online_store={"type": f"{adapters}.online.LakehouseOnlineStore"},
        batch_engine=f"{adapters}.materialising.LakehouseComputeEngine",
        entity_key_serialization_version=3,
        repo_path=folder,
    )
