"""Which clients have left no trace on this machine: their readers are neither imported nor asked.

A person uses three tools of forty; a harvest that finds nothing new should not pay for the other readers. What stands
here of each provider only has to be wide enough: a test runs every `discover` on every platform and holds each path it
looks at against this table. A provider that is not in it is always asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from chasm_git.providers.base import Env, Problem
from chasm_git.providers.formats.vscode_places import user_folders

TRACES: dict[str, tuple[str, ...]] = {
    "claude-code": ("$CLAUDE_CONFIG_DIR", "~/.claude"),
    "codex": ("$CODEX_HOME", "$CODEX_SQLITE_HOME", "~/.codex"),
    "copilot-cli": ("$COPILOT_HOME", "~/.copilot"),
    "gemini-cli": ("$GEMINI_CLI_HOME", "~/.gemini"),
    "qwen-code": ("$QWEN_HOME", "$QWEN_RUNTIME_DIR", "~/.qwen"),
    "kimi-code": ("$KIMI_CODE_HOME", "$KIMI_SHARE_DIR", "~/.kimi-code", "~/.kimi"),
    "factory-droid": ("$FACTORY_HOME_OVERRIDE", "~/.factory"),
    "pi": ("$PI_CODING_AGENT_DIR", "~/.pi"),
    "openclaw": ("$OPENCLAW_HOME", "$OPENCLAW_STATE_DIR", "~/.openclaw", "~/.clawdbot", "~/.moltbot"),
    "continue": ("$CONTINUE_GLOBAL_DIR", "~/.continue"),
    "opencode": ("$OPENCODE_DB", "data:opencode"),
    "kilo-cli": ("$KILO_DB", "data:kilo"),
    "llm": ("$LLM_USER_PATH", "config:io.datasette.llm"),
    "grok-cli": ("$GROK_HOME", "~/.grok"),
    "hermes": ("$HERMES_HOME", "~/.hermes"),
    "goose": ("$GOOSE_PATH_ROOT", "~/.goose", "data:goose", "config:Block/goose"),
    "auggie": ("~/.augment",),
    "amp": ("data:amp", "config:Code/User/globalStorage/sourcegraph.amp"),
    "amazon-q": ("data:amazon-q", "config:amazon-q"),
    "amazon-q-ide": ("~/.aws/amazonq",),
    "kiro-cli": ("$KIRO_HOME", "~/.kiro", "data:kiro-cli", "config:kiro-cli"),
    "antigravity": ("~/.gemini",),
    "zed": ("data:zed", "config:Zed", "local:Zed", "~/.config/zed", "~/.var/app/dev.zed.Zed"),
    "vscode": ("editor:",),
    "copilot-chat": ("editor:workspaceStorage",),
    "copilot-chat-store": (
        "$COPILOT_HOME",
        "$CLAUDE_CONFIG_DIR",
        "~/.copilot",
        "editor:globalStorage/github.copilot-chat",
    ),
    "cursor": ("~/.cursor", "editor:"),
    "windsurf": ("~/.codeium", "editor:"),
    "trae": ("editor:",),
    "kiro": ("editor:globalStorage/kiro.kiroagent",),
    "cline": (
        "$CLINE_DIR",
        "$CLINE_DATA_DIR",
        "$CLINE_SESSION_DATA_DIR",
        "~/.cline",
        "editor:globalStorage/saoudrizwan.claude-dev",
        "editor:globalStorage/saoudrizwan.cline-nightly",
    ),
    "roo-code": (
        "editor:globalStorage/rooveterinaryinc.roo-cline",
        "editor:globalStorage/rooveterinaryinc.roo-code-nightly",
    ),
    "kilo-code": ("~/.kilocode", "editor:globalStorage/kilocode.kilo-code"),
    "ollama": ("~/.ollama", "config:Ollama", "local:Ollama"),
    "lm-studio": ("~/.lmstudio-home-pointer", "~/.lmstudio", "~/.cache/lm-studio"),
    "gpt4all": ("config:nomic.ai", "data:nomic.ai", "local:nomic.ai", "~/.config/gpt4all.io"),
    "jan": ("$JAN_DATA_FOLDER", "~/jan", "config:Jan", "config:jan.ai.app", "data:Jan", "data:jan.ai.app"),
    "text-generation-webui": (
        "~/text-generation-webui",
        "~/text-generation-webui-main",
        "~/text-generation-webui-dev",
        "~/textgen",
    ),
    "anythingllm": ("$STORAGE_DIR", "config:anythingllm-desktop"),
    "sillytavern": ("~/SillyTavern", "~/SillyTavern-Launcher"),
    "open-webui": ("$DATA_DIR", "$DATABASE_URL", "~/.open-webui"),
}
"""By provider: ``$NAME`` a variable that moves its store; ``~/…`` below home; ``config:…``, ``data:…`` and ``local:…``
below the platform's folders for that; ``editor:…`` below the ``User`` folder of any editor of the VS Code family."""


class Traces:
    """What there is below one `Env`; looks at each place once."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._editors: list[Path] | None = None

    def has(self, provider: str) -> bool:
        """Whether a provider may have sources here: False only where `discover` would find nothing."""
        traces = TRACES.get(provider)
        if traces is None:
            return True
        for trace in traces:
            if trace[0] == "$":
                if self._env.variables.get(trace[1:]):
                    return True
            elif any(_may_exist(path) for path in self.places(trace)):
                return True
        return False

    def places(self, trace: str) -> Iterator[Path]:
        """The paths a trace stands for, whether they are there or not; none for a variable."""
        env = self._env
        kind, _, below = trace.partition(":")
        if kind == "editor":
            for user in self._user_folders():
                yield user / below
        elif kind == "config":
            yield env.config_home() / below
        elif kind == "data":
            yield env.folder("XDG_DATA_HOME", ".local/share") / below
        elif kind == "local":
            yield env.folder("LOCALAPPDATA", "AppData/Local") / below
        elif trace.startswith("~/"):
            yield env.home / trace[2:]

    def _user_folders(self) -> list[Path]:
        """The editors' folders; one that cannot be listed counts, so that its reader is asked and can say so."""
        if self._editors is None:
            found = (Path(one.path) if isinstance(one, Problem) else one for one in user_folders(self._env))
            self._editors = [path for path in found if _may_exist(path)]
        return self._editors


def _may_exist(path: Path) -> bool:
    """Whether something is there, or we may not know: then its reader says what is wrong."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True
