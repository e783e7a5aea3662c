"""Microsoft 365 Copilot: the interactions that Microsoft Graph gives an administrator, page by page.

``GET …/interactionHistory/getAllEnterpriseInteractions`` gives ``{"value": [interaction, …]}``; an interaction is a
prompt or an answer, and ``sessionId`` says which conversation it belongs to.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.conversation import text_of_html
from chasm_git.providers.reading.grouped import Grouped
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session.model import Part
from chasm_git.session.times import iso

_ROLES = {"userPrompt": "user", "aiResponse": "assistant"}


class M365Copilot(Grouped):
    """Conversations with Microsoft 365 Copilot."""

    name = "m365-copilot"
    title = "Microsoft 365 Copilot"
    note = "interaction history of Microsoft Graph, saved as JSON (chasm harvest import)"
    list_key = "value"
    group_key = "sessionId"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        return 0.95 if {"sessionId", "interactionType"} <= shape_of(sample).all else 0.0

    def time_of(self, record: dict[str, Any]) -> str | None:
        """See `Grouped.time_of`."""
        return iso(record.get("createdDateTime"))

    def fields_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """See `Grouped.fields_of`."""
        body = as_dict(record.get("body"))
        said = text(body.get("content"))
        parts: list[Part] = []
        if said is not None:
            shown = text_of_html(said) if body.get("contentType") == "html" else said
            parts.append({"type": "text", "text": shown or said})
        for item in as_list(record.get("links")):
            if (uri := text(as_dict(item).get("linkUrl"))) is not None:
                name = text(item.get("displayName"))
                parts.append({"type": "reference", "uri": uri} | ({"name": name} if name is not None else {}))
        names = [text(as_dict(item).get("name")) for item in as_list(record.get("attachments"))]
        parts += [{"type": "file", "name": name} for name in names if name is not None]
        role = _ROLES.get(text(record.get("interactionType")) or "")
        return {"role": role, "content": plain(parts)} if role is not None and parts else {"role": "event"}
