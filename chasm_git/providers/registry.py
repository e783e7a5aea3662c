"""All providers, in the order they are shown; modules are imported when their provider is used.

A third party joins with an entry point in the group ``chasm_git.providers``, name = provider name, value = its class.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from chasm_git.errors import UsageError
from chasm_git.providers.base import Export, Provider
from chasm_git.session.model import Session

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BUILT_IN: dict[str, str] = {
    "claude-code": "chasm_git.providers.claude_code:ClaudeCode",
    "codex": "chasm_git.providers.codex:Codex",
    "copilot-cli": "chasm_git.providers.copilot_cli:CopilotCLI",
    "gemini-cli": "chasm_git.providers.gemini_cli:GeminiCLI",
    "qwen-code": "chasm_git.providers.qwen_code:QwenCode",
    "kimi-code": "chasm_git.providers.kimi_code:KimiCode",
    "factory-droid": "chasm_git.providers.factory_droid:FactoryDroid",
    "pi": "chasm_git.providers.pi:Pi",
    "openclaw": "chasm_git.providers.openclaw:OpenClaw",
    "continue": "chasm_git.providers.continue_dev:ContinueDev",
    "opencode": "chasm_git.providers.opencode:OpenCode",
    "kilo-cli": "chasm_git.providers.opencode:KiloCLI",
    "llm": "chasm_git.providers.llm:LLM",
    "grok-cli": "chasm_git.providers.grok_cli:GrokCLI",
    "hermes": "chasm_git.providers.hermes:Hermes",
    "goose": "chasm_git.providers.goose:Goose",
    "crush": "chasm_git.providers.crush:Crush",
    "aider": "chasm_git.providers.aider:Aider",
    "auggie": "chasm_git.providers.auggie:Auggie",
    "amp": "chasm_git.providers.amp:Amp",
    "amazon-q": "chasm_git.providers.amazon_q:AmazonQ",
    "amazon-q-ide": "chasm_git.providers.amazon_q_ide:AmazonQIDE",
    "kiro-cli": "chasm_git.providers.amazon_q:KiroCLI",
    "vscode": "chasm_git.providers.vscode:VSCode",
    "copilot-chat": "chasm_git.providers.copilot_chat:CopilotChat",
    "copilot-chat-store": "chasm_git.providers.copilot_chat_store:CopilotChatStore",
    "cline": "chasm_git.providers.cline:Cline",
    "roo-code": "chasm_git.providers.roo_code:RooCode",
    "kilo-code": "chasm_git.providers.kilo_code:KiloCode",
    "ollama": "chasm_git.providers.ollama:Ollama",
    "lm-studio": "chasm_git.providers.lm_studio:LMStudio",
    "gpt4all": "chasm_git.providers.gpt4all:GPT4All",
    "jan": "chasm_git.providers.jan:Jan",
    "text-generation-webui": "chasm_git.providers.text_generation_webui:TextGenerationWebUI",
    "anythingllm": "chasm_git.providers.anything_llm:AnythingLLM",
    "sillytavern": "chasm_git.providers.sillytavern:SillyTavern",
    "open-webui": "chasm_git.providers.open_webui:OpenWebUI",
    "cursor": "chasm_git.providers.cursor:Cursor",
    "zed": "chasm_git.providers.zed:Zed",
    "windsurf": "chasm_git.providers.windsurf:Windsurf",
    "trae": "chasm_git.providers.trae:Trae",
    "kiro": "chasm_git.providers.kiro:Kiro",
    "antigravity": "chasm_git.providers.antigravity:Antigravity",
}

EXPORTS: dict[str, str] = {
    "chatgpt": "chasm_git.providers.chatgpt:ChatGPT",
    "claude-ai": "chasm_git.providers.claude_ai:ClaudeAI",
    "gemini": "chasm_git.providers.gemini_export:Gemini",
    "deepseek": "chasm_git.providers.deepseek:DeepSeek",
    "grok": "chasm_git.providers.grok:Grok",
    "le-chat": "chasm_git.providers.le_chat:LeChat",
    "perplexity": "chasm_git.providers.perplexity:Perplexity",
    "m365-copilot": "chasm_git.providers.m365_copilot:M365Copilot",
    "azure-foundry": "chasm_git.providers.azure_foundry:AzureFoundry",
    "llama-cpp": "chasm_git.providers.llama_cpp:LlamaCpp",
    "localai": "chasm_git.providers.local_ai:LocalAI",
    "big-agi": "chasm_git.providers.big_agi:BigAGI",
    "librechat": "chasm_git.providers.libre_chat:LibreChat",
    "chatbox": "chasm_git.providers.chatbox:Chatbox",
    "open-webui-export": "chasm_git.providers.open_webui:OpenWebUIExport",
    "text-generation-webui-export": "chasm_git.providers.text_generation_webui:TextGenerationWebUIExport",
    "universal": "chasm_git.providers.universal_json:UniversalJson",
}
"""Services whose exports people hand in (`base.Export`): a harvest finds nothing of them."""

SNIFFING = (
    "gemini-cli",
    "qwen-code",
    "factory-droid",
    "amp",
    "hermes",
    "cline",
    "roo-code",
    "kilo-code",
    "kiro",
    "lm-studio",
    "jan",
    "zed",
)
"""Clients with files that could be taken for a service's export, or for another client's: asked for what is handed in
(`Provider.sniff`)."""

NOT_STORED: dict[str, tuple[str, str]] = {
    "vllm": ("vLLM", "serves an API and keeps no conversation; the client that talks to it may"),
    "sglang": ("SGLang", "serves an API and keeps no conversation; the client that talks to it may"),
    "tgi": ("Text Generation Inference", "serves an API and keeps no conversation; the client that talks to it may"),
    "copilot-jetbrains": ("GitHub Copilot in JetBrains IDEs", "keeps chats in a binary database of its own (Nitrite)"),
    "jetbrains-ai": ("JetBrains AI Assistant", "keeps chats in the cloud, older ones in files that differ by version"),
    "msty": ("Msty", "keeps chats in a store whose format is not public"),
    "poe": ("Poe", "keeps chats on its servers and has no export of them"),
}
"""Programs people look for here that leave nothing that can be read: their titles, and why."""

GROUP = "chasm_git.providers"


def names() -> list[str]:
    """Names of all registered providers, our own first."""
    return [*BUILT_IN, *sorted({point.name for point in _others()} - set(BUILT_IN))]


def _others() -> Iterable[EntryPoint]:
    """What other packages have registered."""
    from importlib.metadata import entry_points  # ten milliseconds, and few commands ask

    return entry_points(group=GROUP)


def load(name: str) -> Provider:
    """The provider of a name. Raises UsageError for one that is not registered."""
    place = BUILT_IN.get(name) or EXPORTS.get(name)
    if place is not None:
        module, _, attribute = place.partition(":")
        made: Provider = getattr(import_module(module), attribute)()
        return made
    for point in _others():
        if point.name == name:
            found: Provider = point.load()()
            return found
    raise UsageError(f"no provider is called {name!r}; there are: {', '.join([*names(), *EXPORTS])}")


def writer_of(session: Session) -> Provider:
    """The provider that gives a session's own files back: whose records it holds, which a view of it does not."""
    is_view = type(session.native) is dict and session.native.get("form") == "universal"
    return load("universal" if is_view else session.provider)


def load_export(name: str) -> Export:
    """The reader of exports of a name. Raises UsageError for one that is not there."""
    if name in EXPORTS and isinstance(found := load(name), Export):
        return found
    raise UsageError(f"no service whose exports are read is called {name!r}; there are: {', '.join(EXPORTS)}")
