"""Several machines with one archive: remotes, merging of histories, and what waits for a decision."""
