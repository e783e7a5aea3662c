"""Writers: one module for each provider that sessions can be put back into. See `providers.writing`."""
