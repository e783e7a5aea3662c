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
    example: str = ""
    """What may follow its name, for `--help` of the command."""
    commands: dict[str, Entry] | None = None


COMMANDS: dict[str, Entry] = {
    "harvest": Entry(
        "From the providers on this machine into the archive.",
        commands={
            "run": Entry("One commit with everything new.", "harvest_run", "--provider codex,claude-code --dry-run"),
            "import": Entry("Exports that services mailed to you.", "harvest_import", "~/Downloads/chatgpt-export.zip"),
            "scan": Entry("What is on this machine, new and changed.", "harvest_scan", "--provider vscode"),
            "watch": Entry("Keep harvesting while sessions are written.", "harvest_watch", "--quiet-time 30 --sync"),
            "status": Entry("The same as `git status`.", "git_status", "--all"),
            "list": Entry("The same as `list sessions`.", "list_sessions", "--since 2w"),
            "search": Entry("The same as `find session`.", "find_session", '"login redirect"'),
            "sync": Entry("The same as `sync`.", "sync", "--pull --push"),
        },
    ),
    "service": Entry(
        "Harvests that run by themselves.",
        commands={
            "install": Entry("By systemd, launchd or cron, for your user.", "service_install", "--kind systemd --sync"),
            "remove": Entry("Take it away again.", "service_remove", "--kind cron"),
            "status": Entry("What is installed, and whether it runs.", "service_status", "--json"),
        },
    ),
    "provider": Entry(
        "The tools that sessions come from, and go back to.",
        commands={
            "list": Entry("All of them, and what is on this machine.", "provider_list", "--found"),
        },
    ),
    "git": Entry(
        "The archive's history: snapshots, differences, restore, care.",
        commands={
            "init": Entry("Make an archive.", "git_init", "~/chats --hooks"),
            "add": Entry("Harvest and commit just these sessions.", "git_add", '5f0c1f5e -m "The login redirect"'),
            "status": Entry("Providers, worktree and remotes against the archive.", "git_status", "--all"),
            "log": Entry("What each commit did to which session.", "git_log", "5f0c1f5e -n 5"),
            "show": Entry("One session, also as it was.", "git_show", "5f0c1f5e@HEAD~3"),
            "diff": Entry("How sessions differ between two states.", "git_diff", "before-lunch HEAD --stat"),
            "blame": Entry("The last commit that touched each message.", "git_blame", "5f0c1f5e"),
            "snapshot": Entry(
                "Give the archive as it is a name.", "git_snapshot", 'before-lunch -m "As it was this morning"'
            ),
            "snapshots": Entry("The states that have a name.", "git_snapshots", "--json"),
            "restore": Entry("Put one session back as it was.", "git_restore", "5f0c1f5e@before-lunch --dry-run"),
            "rewind": Entry("Put the whole archive back as it was.", "git_rewind", "before-lunch --dry-run"),
            "verify": Entry("Check that everything holds.", "git_verify", "--full"),
            "remote": Entry(
                "Where other copies of the archive are.",
                commands={
                    "add": Entry("Give a remote a name.", "git_remote_add", "origin git@example.org:ana/chats.git"),
                    "list": Entry("The remotes of the archive.", "git_remote_list"),
                    "remove": Entry("Forget a remote.", "git_remote_remove", "origin"),
                },
            ),
            "push": Entry("Give a remote what it lacks.", "git_push", "origin --dry-run"),
            "pull": Entry("Take what a remote has, and merge it.", "git_pull", "origin --strategy most-recent"),
            "bundle": Entry("The whole archive as one file.", "git_bundle", "~/chats.bundle"),
            "gc": Entry("Make the repository small.", "git_gc", "--dry-run"),
            "install": Entry("Drivers, attributes and hooks in this clone.", "git_install", "--hooks"),
        },
    ),
    "sync": Entry(
        "This archive and a remote come to the same state.",
        "sync",
        "origin --strategy local-wins",
        commands={
            "status": Entry("How every session stands to the remote.", "sync_status", "--all"),
        },
    ),
    "fetch": Entry(
        "Put sessions back into the tools they came from.",
        commands={
            "path": Entry("The sessions of a folder.", "fetch_path", "~/shop --dry-run"),
            "workspace": Entry("The sessions of a workspace.", "fetch_workspace", "'sh*' --provider codex"),
            "session": Entry("Single sessions, by id.", "fetch_session", "5f0c1f5e --to ~/code/webshop"),
        },
    ),
    "register": Entry(
        "Have tools list the sessions they have.",
        commands={
            "all": Entry("All sessions of a folder.", "register_all", "--path ~/shop"),
            "session": Entry("Single sessions, by id.", "register_session", "2f6b1c3e"),
        },
    ),
    "resume": Entry("Go on with a session, in any tool.", "resume", "5f0c1f5e --in codex"),
    "detect": Entry(
        "What belongs to a folder, also after it was moved.",
        commands={
            "workspace": Entry(
                "The sessions of a folder, wherever it was.", "detect_workspace", "~/code/webshop --recover"
            ),
            "providers": Entry("The tools with sessions of a folder.", "detect_providers", "~/shop"),
            "session": Entry("Where a session lives: files, archive, machines.", "detect_session", "5f0c1f5e"),
            "all": Entry("All there is to know of a folder's sessions.", "detect_all", "~/shop --verbose"),
            "orphaned": Entry("Sessions here that no tool shows.", "detect_orphaned", "--recover --dry-run"),
        },
    ),
    "recover": Entry(
        "Damaged, orphaned and shrunken sessions back.",
        commands={
            "scan": Entry("Everything that can be recovered.", "recover_scan", "/media/backup/home"),
            "extract": Entry(
                "Sessions out of any file, folder or disk.", "recover_extract", "/media/disk --to ~/rescued"
            ),
            "orphans": Entry("The same as `detect orphaned`.", "detect_orphaned"),
            "repair": Entry(
                "What is left of a damaged file, in a new one.", "recover_repair", "torn.jsonl --to whole.jsonl"
            ),
            "convert": Entry(
                "A session file as JSON, JSON lines or Markdown.", "recover_convert", "chat.jsonl --to md"
            ),
            "status": Entry("What could be recovered, at a glance.", "recover_status", "--json"),
            "shrunk": Entry("What tools lost of their sessions, put back.", "recover_shrunk", "--all --dry-run"),
        },
    ),
    "conflicts": Entry("What waits for a person's decision.", "conflicts", "--json"),
    "resolve": Entry(
        "End conflicts: ours, theirs, both, or what you make of them.", "resolve", "5f0c1f5e --key title --pick 2"
    ),
    "list": Entry(
        "What is in the archive.",
        commands={
            "sessions": Entry("Sessions, the latest first.", "list_sessions", "--provider codex --since 2w"),
            "workspaces": Entry("Folders that sessions were held in.", "list_workspaces", "--json"),
            "agents": Entry("Sessions of sub-agents, with whose they are.", "list_agents", "--project-path ~/shop"),
        },
    ),
    "find": Entry(
        "Search in everything that was said.",
        commands={
            "session": Entry(
                "Sessions by what was said in them, the best first.",
                "find_session",
                '"login redirect" -draft role:user since:2w',
            ),
            "workspace": Entry("Folders by a part of their path.", "find_workspace", "shop"),
        },
    ),
    "show": Entry(
        "Read what is in the archive.",
        commands={
            "session": Entry("One session as a conversation.", "show_session", "5f0c1f5e@HEAD~3 --full"),
            "workspace": Entry("A folder's sessions, and what was done in them.", "show_workspace", "shop -n 5"),
            "path": Entry("The sessions of a folder.", "show_path", "~/shop"),
            "timeline": Entry("What was going on, day by day.", "show_timeline", "~/shop --days 7"),
        },
    ),
    "web": Entry("The archive in a browser: search, read, versions.", "web", "--port 8000 --no-browser"),
    "stats": Entry(
        "Sessions, messages, tokens, tool calls and files, counted.", "stats", "--by tool --since 2026-01-01"
    ),
    "tag": Entry("Give sessions tags, take some away.", "tag", "5f0c1f5e +login -draft"),
    "title": Entry("Give a session a title of your own.", "title", "5f0c1f5e Login redirects once"),
    "note": Entry("Write down what you think of a session.", "note", '5f0c1f5e "The cause was the trailing slash."'),
    "move": Entry(
        "Sessions whose folder is somewhere else now.",
        commands={
            "workspace": Entry("All sessions of a folder, to another one.", "move_workspace", "~/shop ~/code/webshop"),
            "path": Entry("The same as `move workspace`.", "move_workspace", "~/shop ~/code/webshop"),
            "sessions": Entry("Some sessions, to another folder.", "move_sessions", "5f0c1f5e 019ba1d0 ~/code/webshop"),
        },
    ),
    "merge": Entry(
        "One new session from several; they stay as they are.",
        commands={
            "sessions": Entry("Of some sessions.", "merge_sessions", '5f0c1f5e 019ba1d0 --title "The login"'),
            "workspace": Entry("Of all of a workspace.", "merge_workspace", "shop"),
            "path": Entry("Of all that were held in a folder.", "merge_path", "~/shop --dry-run"),
            "all": Entry("Of all there are.", "merge_all", "--title Everything --dry-run"),
        },
    ),
    "export": Entry(
        "Write sessions out of the archive.",
        commands={
            "session": Entry("Sessions by id, or by a search.", "export_session", "5f0c1f5e -o login.html"),
            "workspace": Entry("The sessions of a workspace.", "export_workspace", "~/pages shop --format html"),
            "path": Entry("The sessions of a folder.", "export_path", "~/shop.jsonl ~/shop --style chat"),
            "batch": Entry(
                "The sessions of several folders.", "export_batch", "~/pages ~/shop ~/blog --at before-lunch"
            ),
        },
    ),
    "secrets": Entry(
        "Credentials in sessions: found, masked, allowed.",
        commands={
            "scan": Entry("Which credentials there are, and where.", "secrets_scan", "--rev HEAD~5..HEAD"),
            "mask": Entry("Take them out of the latest version.", "secrets_mask", "5f0c1f5e --dry-run"),
            "allow": Entry("Let some stay, and leave this machine.", "secrets_allow", "1a2b3c4d"),
        },
    ),
    "import": Entry(
        "Bring what was exported in again.",
        commands={
            "path": Entry("The sessions of a file or a folder.", "import_path", "~/pages/login.md ~/shop"),
        },
    ),
    "forget": Entry("Delete a session; says what it will do first.", "forget", "5f0c1f5e --from-history --dry-run"),
    "completions": Entry("Have your shell complete commands and ids.", "completions", "bash"),
    "cache": Entry(
        "The search cache; it can be deleted at any time.",
        commands={
            "rebuild": Entry("Make it anew.", "cache_rebuild"),
            "status": Entry("Where it is and how it stands.", "cache_status", "--json"),
        },
    ),
    "hook": Entry("What git's hooks start (`git install --hooks`).", "hook", "pre-commit"),
    "demo": Entry("Everything above in a fresh folder, on bundled sessions.", "demo", "--keep ~/chasm-demo"),
    "doctor": Entry("Check that everything chasm needs is there and works.", "doctor", "--json"),
}
