"""The data beside the checkout, file by file: who reads each one, laid where, or why nobody does."""

from __future__ import annotations

STORES: dict[str, tuple[str, str]] = {
    "agent-sessions-mac/antigravity/antigravity/*.jsonl": (
        "antigravity",
        ".gemini/antigravity-cli/brain/{stem}/.system_generated/logs/transcript_full.jsonl",
    ),
    "agent-sessions-mac/claude/claude/*.jsonl": ("claude-code", ".claude/projects/-p/{name}"),
    "agent-sessions-mac/claude/claude/subagent/**/*": ("claude-code", ".claude/projects/-q/{below:subagent}"),
    "agent-sessions-mac/codex/**/*.jsonl": (
        "codex",
        ".codex/sessions/2026/01/01/rollout-2026-01-01T00-00-00-{number:08x}-0000-4000-8000-000000000000.jsonl",
    ),
    "agent-sessions-mac/copilot/copilot/*.jsonl": ("copilot-cli", ".copilot/session-state/{name}"),
    "agent-sessions-mac/copilot/copilot/subdir_v1/*/*": ("copilot-cli", ".copilot/session-state/{below:subdir_v1}"),
    "agent-sessions-mac/cursor/[Cc]ursor/*.jsonl": ("cursor", ".cursor/projects/p/agent-transcripts/{stem}/{name}"),
    "agent-sessions-mac/cursor/Cursor/test-store.db": ("cursor", ".cursor/chats/0/{stem}/store.db"),
    "agent-sessions-mac/cursor/cursor/subagent/**/*.jsonl": (
        "cursor",
        ".cursor/projects/p/agent-transcripts/{stem}/{name}",
    ),
    "agent-sessions-mac/droid-factory/droid/session_*.jsonl": ("factory-droid", ".factory/sessions/-p/{name}"),
    "agent-sessions-mac/gemini/gemini/[!s]*": ("gemini-cli", ".gemini/tmp/p/chats/session-2026-01-01T00-00-{name}"),
    "agent-sessions-mac/gemini/gemini/small.json": (
        "gemini-cli",
        ".gemini/tmp/p/chats/session-2026-01-01T00-00-{name}",
    ),
    "agent-sessions-mac/grok/grok/*.json*": ("grok-cli", ".grok/sessions/p/one/{name}"),
    "agent-sessions-mac/grok/grok/subagent/*": ("grok-cli", ".grok/sessions/p/two/{name}"),
    "agent-sessions-mac/hermes/hermes/*": ("hermes", ".hermes/sessions/session_{name}"),
    "agent-sessions-mac/kimi/kimi/small.jsonl": (
        "kimi-code",
        ".kimi-code/sessions/wd/session_a/agents/main/wire.jsonl",
    ),
    "agent-sessions-mac/kimi/kimi/state.json": ("kimi-code", ".kimi-code/sessions/wd/session_a/state.json"),
    "agent-sessions-mac/kimi/kimi/subagent_agent-0.jsonl": (
        "kimi-code",
        ".kimi-code/sessions/wd/session_a/agents/agent-0/wire.jsonl",
    ),
    "agent-sessions-mac/kimi/kimi/assistant_tools.jsonl": (
        "kimi-code",
        ".kimi-code/sessions/wd/session_b/agents/main/wire.jsonl",
    ),
    "agent-sessions-mac/kimi/kimi/assistant_tools.state.json": (
        "kimi-code",
        ".kimi-code/sessions/wd/session_b/state.json",
    ),
    "agent-sessions-mac/openclaw/openclaw/*.jsonl": ("openclaw", ".openclaw/agents/main/sessions/{name}"),
    "agent-sessions-mac/opencode/opencode/storage_*/**/*.json": (
        "opencode",
        ".local/share/opencode/storage/{inside}",
    ),
    "agent-sessions-mac/pi/pi/*.jsonl": ("pi", ".pi/agent/sessions/--p--/{name}"),
    "agent-sessions-mac/qwen/qwen/*.jsonl": ("qwen-code", ".qwen/projects/-p/chats/{name}"),
    "cloud_local/gpt4all/*.chat": ("gpt4all", ".local/share/nomic.ai/GPT4All/{chat}"),
    "cloud_local/synthetic/jan_messages.jsonl": ("jan", ".local/share/Jan/data/threads/T/messages.jsonl"),
    "cloud_local/synthetic/lmstudio_1767.conversation.json": ("lm-studio", ".lmstudio/conversations/{name}"),
    "cloud_local/synthetic/sillytavern_chat.jsonl": (
        "sillytavern",
        "SillyTavern/data/default-user/chats/Bot/{name}",
    ),
    "editors/cline/sdk-session/session*.json": ("cline", ".cline/data/sessions/session/{name}"),
    "editors/cline/sdk-session/success.messages.json": ("cline", ".cline/data/sessions/success/{name}"),
    "editors/cursor/cursor-history/fixtures/store-root/projects/**/*.jsonl": ("cursor", ".cursor/{below:store-root}"),
    "editors/cursor/cursor-history/fixtures/transcripts/*.jsonl": (
        "cursor",
        ".cursor/projects/p/agent-transcripts/{stem}/{name}",
    ),
    "editors/cursor/cursor-history/compatibility/fixtures/v016/*.vscdb": (
        "cursor",
        ".config/Cursor/User/globalStorage/state.vscdb",
    ),
    "editors/vscode/code-server-1.139.1-written/0*.jsonl": (
        "vscode",
        ".config/Code/User/workspaceStorage/w/chatSessions/{name}",
    ),
    "successive/**/*.jsonl": ("claude-code", ".claude/projects/-{folder}/{stem}-0000-4000-8000-000000000000.jsonl"),
}
"""Files of clients, by where they lie below ``fixtures``: the reader, and the place in a home."""

EXPORTS: dict[str, str] = {
    "cloud_local/chatgpt/polylogue-native-conversation-v1.json": "chatgpt",
    "cloud_local/chatgpt/polylogue-chatgpt-export.json": "chatgpt",
    "cloud_local/chatgpt/polylogue-representative-0*.json": "chatgpt",
    "cloud_local/claude_ai/*.json": "claude-ai",
    "cloud_local/deepseek/*.json": "deepseek",
    "cloud_local/gemini_aistudio/*.json": "gemini",
    "cloud_local/grok/*.json": "grok",
    "cloud_local/synthetic/aistudio_prompt.json": "gemini",
    "cloud_local/synthetic/chatgpt_conversations.json": "chatgpt",
    "cloud_local/synthetic/claude_conversations.json": "claude-ai",
    "cloud_local/synthetic/deepseek_conversations.json": "deepseek",
    "cloud_local/synthetic/lechat_chat-c1.json": "le-chat",
    "cloud_local/synthetic/librechat_export.json": "librechat",
    "cloud_local/synthetic/llamacpp_export.json": "llama-cpp",
    "cloud_local/synthetic/openwebui_export.json": "open-webui-export",
    "cloud_local/synthetic/prod-grok-backend.json": "grok",
    "cloud_local/synthetic/takeout_MyActivity.json": "gemini",
    "cloud_local/synthetic/textgen_20260821-18-48-22.json": "text-generation-webui-export",
}
"""Exports of services, in the same way."""

UNREAD: dict[str, str] = {
    "**/MANIFEST.md": "says where the files are from",
    "agent-sessions-mac/antigravity/antigravity/small.md": "a plan the agent wrote: nobody says anything in it",
    "agent-sessions-mac/cursor/Transcripts/*": "pieces of text to try a view with; no client writes them",
    "agent-sessions-mac/droid-factory/droid/stream_json_*": "what a run prints, which the client does not keep",
    "agent-sessions-mac/gemini/gemini/schema_drift.json": "made for a test; no version of the client wrote it",
    "agent-sessions-mac/mixed/*": "made for a test; no client writes it",
    "agent-sessions-mac/opencode/opencode/*/migration": "the number of the store's version",
    "cloud_local/_schemas/*": "descriptions of formats",
    "cloud_local/chatgpt/polylogue-native-browser-capture-v1.json": "another tool's envelope around a page's state",
    "editors/cline/sdk-session/*.compaction.json": "sums of what the session's own file holds in full",
    "editors/cursor/cursor-history/compatibility/fixtures/v01?/*.json": "another tool's own form of sessions",
    "editors/cursor/cursor-history/fixtures/store-root/chats/**/meta.json": "beside a store.db that is not there",
    "editors/vscode/code-server-1.139.1-written/itemtable_keys_dump.json": "another tool's dump of an editor's state",
    "editors/vscode/code-server-1.139.1-written/0*.json": "how the log beside it began: the log holds all of it",
    "editors/vscode/*.png": "a picture of a screen",
}
"""Why nobody reads the others."""

QUIET: dict[str, str] = {
    "agent-sessions-mac/codex/codex_05[0-3]*.jsonl": "nobody says anything in it",
    "editors/cursor/cursor-history/fixtures/transcripts/e*.jsonl": "empty, or errors alone",
    "agent-sessions-mac/cursor/Cursor/test-store.db": "has no messages in it",
}
"""Files that are looked at and give no session, and why."""

LEFT_OUT: dict[str, tuple[str, ...]] = {"grok": ("projects", "tasks", "media_posts")}
"""Keys of exports that no conversation gives back: lists beside the conversations, all of them empty."""

EXAMPLES: dict[tuple[str, str], tuple[str, str]] = {
    ("editors.md", "1.10"): ("vscode", ".config/Code/User/workspaceStorage/w/chatSessions/one.jsonl"),
    ("editors.md", "4."): ("continue", ".continue/sessions/0f1e.json"),
    ("editors.md", "5.4"): (
        "kilo-code",
        ".config/Code/User/globalStorage/kilocode.kilo-code/tasks/1760000000000/ui_messages.json",
    ),
    ("editors.md", "6.1"): (
        "zed",
        ".local/share/zed/threads/threads.db: CREATE TABLE threads (id TEXT, summary TEXT, updated_at TEXT,"
        " data_type TEXT, data BLOB); INSERT INTO threads VALUES ('t1', 'T', '2026-01-01T00:00:00Z', 'json', {0})",
    ),
    ("cli_agents.md", "1."): ("claude-code", ".claude/projects/-p/0a000000-0000-4000-8000-000000000000.jsonl"),
    ("cli_agents.md", "2."): (
        "codex",
        ".codex/sessions/2026/01/01/rollout-2026-01-01T00-00-00-01a10000-0000-7000-8000-000000000000.jsonl",
    ),
    ("cli_agents.md", "3."): ("gemini-cli", ".gemini/tmp/p/chats/session-2026-01-01T00-00-s1.jsonl"),
    ("cli_agents.md", "4."): ("qwen-code", ".qwen/projects/-p/chats/0a000000-0000-4000-8000-000000000000.jsonl"),
    ("cli_agents.md", "5b."): (
        "opencode",
        ".local/share/opencode/opencode.db: CREATE TABLE session (id TEXT, directory TEXT, time_created INTEGER);"
        " INSERT INTO session VALUES ('ses_1', '/p', 1767225600000);"
        " CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, data TEXT);"
        " INSERT INTO message VALUES ('msg_1', 'ses_1', 1767225600000, {0});"
        " CREATE TABLE part (id TEXT, message_id TEXT, session_id TEXT, time_created INTEGER, data TEXT);"
        " INSERT INTO part VALUES ('prt_1', 'msg_1', 'ses_1', 1767225600000, {1})",
    ),
    ("cli_agents.md", "6."): (
        "crush",
        "p/.crush/crush.db: CREATE TABLE sessions (id TEXT, title TEXT, created_at INTEGER);"
        " INSERT INTO sessions VALUES ('s1', 'T', 1767225600);"
        " CREATE TABLE messages (id TEXT, session_id TEXT, role TEXT, parts TEXT, created_at INTEGER);"
        " INSERT INTO messages VALUES ('m1', 's1', 'user', {0}, 1767225600)",
    ),
    ("cli_agents.md", "7."): ("continue", ".continue/sessions/s.json"),
    ("cli_agents.md", "8."): ("cline", ".cline/data/sessions/1767225600000_ab/1767225600000_ab.messages.json"),
    ("cli_agents.md", "9."): ("pi", ".pi/agent/sessions/--p--/2026-01-01T00-00-00-000Z_01a.jsonl"),
    ("cli_agents.md", "11."): ("copilot-cli", ".copilot/session-state/s/events.jsonl"),
    ("cli_agents.md", "12."): ("kimi-code", ".kimi-code/sessions/wd/session_a/agents/main/wire.jsonl"),
    ("cli_agents.md", "13."): ("factory-droid", ".factory/sessions/-p/s.jsonl"),
    ("cli_agents.md", "15."): ("aider", "p/.aider.chat.history.md"),
    ("cli_agents.md", "16."): ("goose", ".local/share/goose/sessions/20260101_000000.jsonl"),
    ("cli_agents.md", "17."): ("amp", ".local/share/amp/threads/T-1.json"),
    ("cli_agents.md", "19."): ("kiro-cli", ".kiro/sessions/cli/0a000000-0000-4000-8000-000000000000.jsonl"),
    ("local_and_cloud.md", "1.3"): ("lm-studio", ".lmstudio/conversations/1734567890123.conversation.json"),
    ("local_and_cloud.md", "1.6"): ("jan", ".local/share/Jan/data/threads/T/messages.jsonl"),
    ("local_and_cloud.md", "1.7"): ("llama-cpp", "export"),
    ("local_and_cloud.md", "1.9"): ("text-generation-webui-export", "export"),
    ("local_and_cloud.md", "1.10"): ("open-webui-export", "export"),
    ("local_and_cloud.md", "2.1"): ("chatgpt", "export"),
    ("local_and_cloud.md", "2.2"): ("claude-ai", "export"),
    ("local_and_cloud.md", "b)"): ("gemini", "export"),
    ("local_and_cloud.md", "Tiny/deepseek"): ("deepseek", "export"),
    ("local_and_cloud.md", "Tiny/grok"): ("grok", "export"),
    ("local_and_cloud.md", "Tiny/lechat"): ("le-chat", "export"),
    ("local_and_cloud.md", "Tiny/takeout"): ("gemini", "export"),
    ("local_and_cloud.md", "Tiny/sillytavern_lines"): (
        "sillytavern",
        "SillyTavern/data/default-user/chats/Bot/Bot - 1.jsonl",
    ),
    ("local_and_cloud.md", "Tiny/librechat"): ("librechat", "export"),
}
"""The examples of formats, by file and section: the reader, and their place in a home (or the rows they are in)."""

NO_EXAMPLES: dict[tuple[str, str], str] = {
    ("editors.md", "0."): "where editors keep things, and how they name workspaces",
    ("editors.md", "1.2"): "how a log is replayed",
    ("editors.md", "1.7"): "the editor's list of its chats, which holds none of them",
    ("editors.md", "8."): "how to start an editor",
    ("local_and_cloud.md", "1.2"): "tables without rows",
    ("local_and_cloud.md", "1.4"): "the layout of a binary file",
}
"""What else stands between fences there, and what it is."""
