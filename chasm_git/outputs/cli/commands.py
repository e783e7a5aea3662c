"""Every command: its name, the line `--help` shows for it, and where it lives. The one place to add one.

A command is a `click.Command` named ``command`` in a module of its own below this package. The module is imported when
the command is used, so what stands here costs nothing; and it imports what is heavy inside its functions.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One line of a group's help: a command (`module`), a group of them (`commands`), or both."""

    summary: str
    module: str = ""
    commands: dict[str, Entry] | None = None


COMMANDS: dict[str, Entry] = {
    "harvest": Entry(
        "From the providers on this machine into the archive.",
        commands={
            "run": Entry("One commit with everything new.", "harvest_run"),
            "import": Entry("Exports that services mailed to you.", "harvest_import"),
            "scan": Entry("What is on this machine, new and changed.", "harvest_scan"),
            "watch": Entry("Keep harvesting while sessions are written.", "harvest_watch"),
            "status": Entry("The same as `git status`.", "git_status"),
            "list": Entry("The same as `list sessions`.", "list_sessions"),
            "search": Entry("The same as `find session`.", "find_session"),
            "sync": Entry("The same as `sync`.", "sync"),
        },
    ),
    "service": Entry(
        "Harvests that run by themselves.",
        commands={
            "install": Entry("By systemd, launchd or cron, for your user.", "service_install"),
            "remove": Entry("Take it away again.", "service_remove"),
            "status": Entry("What is installed, and whether it runs.", "service_status"),
        },
    ),
    "provider": Entry(
        "The tools that sessions come from, and go back to.",
        commands={
            "list": Entry("All of them, and what is on this machine.", "provider_list"),
        },
    ),
    "git": Entry(
        "The archive's history: snapshots, differences, restore, care.",
        commands={
            "init": Entry("Make an archive.", "git_init"),
            "add": Entry("Harvest and commit just these sessions.", "git_add"),
            "status": Entry("Providers, worktree and remotes against the archive.", "git_status"),
            "log": Entry("What each commit did to which session.", "git_log"),
            "show": Entry("One session, also as it was.", "git_show"),
            "diff": Entry("How sessions differ between two states.", "git_diff"),
            "blame": Entry("The last commit that touched each message.", "git_blame"),
            "snapshot": Entry("Give the archive as it is a name.", "git_snapshot"),
            "snapshots": Entry("The states that have a name.", "git_snapshots"),
            "restore": Entry("Put one session back as it was.", "git_restore"),
            "rewind": Entry("Put the whole archive back as it was.", "git_rewind"),
            "verify": Entry("Check that everything holds.", "git_verify"),
            "remote": Entry(
                "Where other copies of the archive are.",
                commands={
                    "add": Entry("Give a remote a name.", "git_remote_add"),
                    "list": Entry("The remotes of the archive.", "git_remote_list"),
                    "remove": Entry("Forget a remote.", "git_remote_remove"),
                },
            ),
            "push": Entry("Give a remote what it lacks.", "git_push"),
            "pull": Entry("Take what a remote has, and merge it.", "git_pull"),
            "bundle": Entry("The whole archive as one file.", "git_bundle"),
            "gc": Entry("Make the repository small.", "git_gc"),
            "install": Entry("Drivers, attributes and hooks in this clone.", "git_install"),
        },
    ),
    "sync": Entry(
        "This archive and a remote come to the same state.",
        "sync",
        commands={
            "status": Entry("How every session stands to the remote.", "sync_status"),
        },
    ),
    "fetch": Entry(
        "Put sessions back into the tools they came from.",
        commands={
            "path": Entry("The sessions of a folder.", "fetch_path"),
            "workspace": Entry("The sessions of a workspace.", "fetch_workspace"),
            "session": Entry("Single sessions, by id.", "fetch_session"),
        },
    ),
    "register": Entry(
        "Have tools list the sessions they have.",
        commands={
            "all": Entry("All sessions of a folder.", "register_all"),
            "session": Entry("Single sessions, by id.", "register_session"),
        },
    ),
    "resume": Entry("Go on with a session, in any tool.", "resume"),
    "detect": Entry(
        "What belongs to a folder, also after it was moved.",
        commands={
            "workspace": Entry("The sessions of a folder, wherever it was.", "detect_workspace"),
            "providers": Entry("The tools with sessions of a folder.", "detect_providers"),
            "session": Entry("Where a session lives: files, archive, machines.", "detect_session"),
            "all": Entry("All there is to know of a folder's sessions.", "detect_all"),
            "orphaned": Entry("Sessions here that no tool shows.", "detect_orphaned"),
        },
    ),
    "recover": Entry(
        "Damaged, orphaned and shrunken sessions back.",
        commands={
            "scan": Entry("Everything that can be recovered.", "recover_scan"),
            "extract": Entry("Sessions out of any file, folder or disk.", "recover_extract"),
            "orphans": Entry("The same as `detect orphaned`.", "detect_orphaned"),
            "repair": Entry("What is left of a damaged file, in a new one.", "recover_repair"),
            "convert": Entry("A session file as JSON, JSON lines or Markdown.", "recover_convert"),
            "status": Entry("What could be recovered, at a glance.", "recover_status"),
            "shrunk": Entry("What tools lost of their sessions, put back.", "recover_shrunk"),
        },
    ),
    "conflicts": Entry("What waits for a person's decision.", "conflicts"),
    "resolve": Entry("End conflicts: ours, theirs, both, or what you make of them.", "resolve"),
    "list": Entry(
        "What is in the archive.",
        commands={
            "sessions": Entry("Sessions, the latest first.", "list_sessions"),
            "workspaces": Entry("Folders that sessions were held in.", "list_workspaces"),
            "agents": Entry("Sessions of sub-agents, with whose they are.", "list_agents"),
        },
    ),
    "find": Entry(
        "Search in everything that was said.",
        commands={
            "session": Entry("Sessions by what was said in them, the best first.", "find_session"),
            "workspace": Entry("Folders by a part of their path.", "find_workspace"),
        },
    ),
    "show": Entry(
        "Read what is in the archive.",
        commands={
            "session": Entry("One session as a conversation.", "show_session"),
            "workspace": Entry("A folder's sessions, and what was done in them.", "show_workspace"),
            "path": Entry("The sessions of a folder.", "show_path"),
            "timeline": Entry("What was going on, day by day.", "show_timeline"),
        },
    ),
    "web": Entry("The archive in a browser: search, read, versions.", "web"),
    "stats": Entry("Sessions, messages, tokens, tool calls and files, counted.", "stats"),
    "tag": Entry("Give sessions tags, take some away.", "tag"),
    "title": Entry("Give a session a title of your own.", "title"),
    "note": Entry("Write down what you think of a session.", "note"),
    "move": Entry(
        "Sessions whose folder is somewhere else now.",
        commands={
            "workspace": Entry("All sessions of a folder, to another one.", "move_workspace"),
            "path": Entry("The same as `move workspace`.", "move_workspace"),
            "sessions": Entry("Some sessions, to another folder.", "move_sessions"),
        },
    ),
    "merge": Entry(
        "One new session from several; they stay as they are.",
        commands={
            "sessions": Entry("Of some sessions.", "merge_sessions"),
            "workspace": Entry("Of all of a workspace.", "merge_workspace"),
            "path": Entry("Of all that were held in a folder.", "merge_path"),
            "all": Entry("Of all there are.", "merge_all"),
        },
    ),
    "export": Entry(
        "Write sessions out of the archive.",
        commands={
            "session": Entry("Sessions by id, or by a search.", "export_session"),
            "workspace": Entry("The sessions of a workspace.", "export_workspace"),
            "path": Entry("The sessions of a folder.", "export_path"),
            "batch": Entry("The sessions of several folders.", "export_batch"),
        },
    ),
    "secrets": Entry(
        "Credentials in sessions: found, masked, allowed.",
        commands={
            "scan": Entry("Which credentials there are, and where.", "secrets_scan"),
            "mask": Entry("Take them out of the latest version.", "secrets_mask"),
            "allow": Entry("Let some stay, and leave this machine.", "secrets_allow"),
        },
    ),
    "import": Entry(
        "Bring what was exported in again.",
        commands={
            "path": Entry("The sessions of a file or a folder.", "import_path"),
        },
    ),
    "forget": Entry("Delete a session; says what it will do first.", "forget"),
    "completions": Entry("Have your shell complete commands and ids.", "completions"),
    "cache": Entry(
        "The search cache; it can be deleted at any time.",
        commands={
            "rebuild": Entry("Make it anew.", "cache_rebuild"),
            "status": Entry("Where it is and how it stands.", "cache_status"),
        },
    ),
    "hook": Entry("What git's hooks start (`git install --hooks`).", "hook"),
    "demo": Entry("Everything above in a fresh folder, on bundled sessions.", "demo"),
    "doctor": Entry("Check that everything chasm needs is there and works.", "doctor"),
}
