"""One archive in a browser, on this machine: `chasm web`."""
