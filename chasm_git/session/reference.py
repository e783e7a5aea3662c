"""The reference reader: any YAML 1.2 file, hand-edited say, through ruamel.yaml. Exact and slow.

Refuses what a session never needs and an attacker likes: anchors and aliases (bombs), tags, several documents.
"""

from __future__ import annotations

from typing import Any, NoReturn

from chasm_git.session.model import Json


class ReferenceError(ValueError):
    """Not a YAML file we read: with line and column (1-based) where known."""

    def __init__(self, reason: str, line: int | None, column: int | None) -> None:
        super().__init__(reason)
        self.line = line
        self.column = column


def load(data: bytes) -> Json:
    """The value of a YAML file. Raises ReferenceError."""
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.events import AliasEvent, CollectionStartEvent, ScalarEvent

    def refuse(event: Any, reason: str) -> NoReturn:
        raise ReferenceError(reason, event.start_mark.line + 1, event.start_mark.column + 1)

    class PlainComposer(Composer):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.parser.peek_event()
            if isinstance(event, AliasEvent):
                refuse(event, "aliases (*name) are not read")
            if isinstance(event, (ScalarEvent, CollectionStartEvent)):
                if event.anchor is not None:
                    refuse(event, "anchors (&name) are not read")
                if event.tag is not None:
                    refuse(event, f"tags ({event.tag}) are not read")
            return super().compose_node(parent, index)

    class PlainConstructor(SafeConstructor):
        """Times stay text, as they are everywhere in a session."""

    PlainConstructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = PlainComposer
    yaml.Constructor = PlainConstructor
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ReferenceError(f"not UTF-8: {error.reason}", line, column) from None
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "not YAML"
        raise ReferenceError(reason, mark.line + 1 if mark else None, mark.column + 1 if mark else None) from None
    except (YAMLError, ValueError) as error:
        if isinstance(error, ReferenceError):
            raise
        raise ReferenceError(" ".join(str(error).split()), None, None) from None
    except RecursionError:
        raise ReferenceError("nested too deeply", None, None) from None
