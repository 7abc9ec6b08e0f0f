"""What is done with the connector: syncing into a warehouse, checking, reading live, showing state."""
