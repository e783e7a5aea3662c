"""Git as it lies on the disk: objects, trees, refs, index, worktree, locks; and the user's git as a program."""
