"""What people and programs see: thin, each over the one Python facade `chasm_git.api`."""
