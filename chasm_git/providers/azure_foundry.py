"""Azure AI Foundry: messages of agents' threads as its API lists them, ``{"data": [{"object": "thread.message"}]}``.

Nothing else of Azure OpenAI is kept by the service, so there is nothing else to import.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.grouped import Grouped
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session.model import Part
from chasm_git.session.times import iso


class AzureFoundry(Grouped):
    """Threads of agents in Azure AI Foundry."""

    name = "azure-foundry"
    title = "Azure AI Foundry"
    note = "messages of agents' threads, as the API lists them, saved as JSON (chasm harvest import)"
    list_key = "data"
    group_key = "thread_id"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        if not {"thread_id", "role"} <= shape.all or b"thread.message" not in sample:
            return 0.0
        is_listed = shape.is_list or self.list_key in shape.top  # as rows alone Jan keeps the same, of its own threads
        return 0.95 if is_listed or shape.all & {"assistant_id", "run_id"} else 0.5

    def time_of(self, record: dict[str, Any]) -> str | None:
        """See `Grouped.time_of`."""
        return iso(record.get("created_at"))

    def fields_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """See `Grouped.fields_of`."""
        parts: list[Part] = []
        for item in as_list(record.get("content")):
            block = as_dict(item)
            said = text(as_dict(block.get("text")).get("value")) or text(block.get("text"))
            image = as_dict(block.get("image_file")).get("file_id") or as_dict(block.get("image_url")).get("url")
            if said is not None:
                parts.append({"type": "text", "text": said})
            elif (uri := text(image)) is not None:
                parts.append({"type": "image", "uri": uri})
        role = record.get("role")
        if role not in ("user", "assistant") or not parts:
            return {"role": "event"}
        status = "partial" if record.get("status") in ("in_progress", "incomplete") else None
        return {"role": role, "content": plain(parts), "status": status}
