"""Feast over a lake: its objects from the declarations, its stores, its materialising.

Feast attaches the classes by class path; `feature_repo/feature_store.yaml` names them.
"""
