"""The command line: `chasm`, also as `git chasm`. One command is one module; `commands` lists them all."""
