"""Credentials in an archive: finding them, masking them, keeping them from leaving."""
