"""Many writes: requests from a file or a table, planned, applied at most once each, verified, and kept in a ledger."""
