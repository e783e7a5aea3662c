"""Lost sessions back: what belongs to a folder that moved, what is orphaned, damaged, left over or shrunken."""
