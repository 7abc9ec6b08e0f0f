"""The fixtures of the integration tests, for the proofs."""

from __future__ import annotations

from tests.integration.conftest import acme, destination, postgres_server, server, warehouse

__all__ = ["acme", "destination", "postgres_server", "server", "warehouse"]
