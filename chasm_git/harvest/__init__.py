"""Provider to archive: plan what changed, then read, join and commit it."""
