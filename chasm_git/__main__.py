"""``python -m chasm_git`` is ``chasm``."""

from chasm_git.outputs.cli.main import run

if __name__ == "__main__":
    run()
