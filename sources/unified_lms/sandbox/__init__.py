"""The sandbox: one small world of learning, told in the wire format of every provider, over real HTTP."""

from __future__ import annotations

from sources.unified_lms.sandbox.expected import expected
from sources.unified_lms.sandbox.faults import Faults, Rule
from sources.unified_lms.sandbox.server import SandboxServer, create_app
from sources.unified_lms.sandbox.world import World

__all__ = ["Faults", "Rule", "SandboxServer", "World", "create_app", "expected"]
