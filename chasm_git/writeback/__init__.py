"""Back into the provider: sessions of the archive are put back into the tools they are continued in."""
