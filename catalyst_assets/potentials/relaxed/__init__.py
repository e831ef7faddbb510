"""Ingested structures as a potential relaxes them, and what their energies come to. Plain functions; no Dagster."""
