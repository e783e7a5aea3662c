"""Harvests onto disks of every small size. Run in a mount namespace of its own: ``small_disk.py DISK HOME``."""

import subprocess
import sys
from pathlib import Path


def main(disk: Path, home: Path) -> None:
    """Exits with 1 and the reason where a full disk costs anything but time."""
    for kilobytes in [*range(120, 480, 12), 100_000]:
        call("mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(disk))
        archive = disk / "archive"
        command = [sys.executable, "-m", "chasm_git", "-C", str(archive), "--home", str(home), "harvest", "run"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(kilobytes, "full" if "No space left" in done.stderr else "done", done.stderr.strip().splitlines()[-1:])
        assert "Traceback" not in done.stderr and "should not have happened" not in done.stderr, done.stderr
        if done.returncode or "No space left" in done.stderr:  # or only the worktree did not fit
            assert done.returncode in (0, 1) and "No space left" in done.stderr, done.stderr
            if (archive / ".git" / "HEAD").exists():
                call("git", "-C", str(archive), "fsck", "--strict", "--no-progress")
            call("mount", "-o", "remount,size=100m", str(disk))
            again = subprocess.run(command, capture_output=True, text=True, check=False)
            assert again.returncode == 0, again.stderr
        call("git", "-C", str(archive), "fsck", "--strict", "--no-progress")
        changed = subprocess.run(["git", "-C", str(archive), "status", "--porcelain"], capture_output=True, check=True)
        assert changed.stdout == b"", changed.stdout
        assert len(list((archive / "sessions").rglob("*.yaml"))) == 2
        call("umount", str(disk))


def call(*command: str) -> None:
    """Run a command that must work."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
