"""Writing through the unified model: what is asked for is checked, planned against the present, sent, and read again.

A provider's own part is data: `writes` in its manifest and the mappings under `<provider>/write/`. What may be written
at all is the connection's to say (`policy`). Nothing here stores anything: whoever writes many things keeps a ledger.
"""

from sources.unified_lms.writing.intents import OPERATIONS, Intent, NotAllowed, Refused
from sources.unified_lms.writing.steps import Step
from sources.unified_lms.writing.writer import Writer, Written, open_writer

__all__ = ["OPERATIONS", "Intent", "NotAllowed", "Refused", "Step", "Writer", "Written", "open_writer"]
