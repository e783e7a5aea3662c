"""A session in which everything that can be said tries to be more than text."""

from __future__ import annotations

import base64

from chasm_git.session.model import Message, Session

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SHOUT = "document.title='OWNED';window.owned=1;fetch('http://127.0.0.1:9/owned')"
EVIL = [
    f"<script>{SHOUT}</script>",
    f'<img src=x onerror="{SHOUT}">',
    f'<svg onload="{SHOUT}"><script>{SHOUT}</script></svg>',
    f"[click](javascript:{SHOUT.replace('(', '%28').replace(')', '%29')})",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[click](vbscript:msgbox)  <javascript:alert(1)>  [x](JaVaScRiPt:alert(1))",
    "![pixel](http://127.0.0.1:9/pixel.png) ![d](data:image/svg+xml;base64,PHN2Zy8+)",
    f'</pre></details></article></main><body onload="{SHOUT}"><iframe src="http://127.0.0.1:9/frame"></iframe>',
    '<link rel=stylesheet href="http://127.0.0.1:9/style.css"><meta http-equiv=refresh content="0;url=http://127.0.0.1:9">',
    f'<style>@import "http://127.0.0.1:9/s.css";</style><object data="x" onerror="{SHOUT}"></object>',
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J \x9b31m",
    "right to left: \u202egnp.exe \u2066isolated",
    f'" onmouseover="{SHOUT}" autofocus onfocus="{SHOUT}" x="',
    "| a | b |\n|---|:-:|\n| <b onclick=1>x</b> | `</td><script>1</script>` |",
    f'```html\n<script>{SHOUT}</script>\n```\n\n~~~ "><script>{SHOUT}</script>\ncode\n~~~',
    "```diff\n-<script>1</script>\n+<img src=x onerror=1>\n```",
    "<!-- --> --!> ]]> <![CDATA[ <script>1</script>",
    "\ud83d lone \udc00 \x00 \u2028",
]


def session() -> Session:
    """All of it, in every place a session has."""
    messages = []
    for number, evil in enumerate(EVIL):
        above = messages[-1].id if messages else None
        where = {"id": f'm{number}"><script>{SHOUT}</script>', "after": above, "timestamp": None}
        image = {"type": "image", "media_type": "image/svg+xml", "data": base64.b64encode(PNG).decode(), "name": evil}
        edit = {"old_string": "a", "new_string": evil}
        parts = [
            {"type": "thinking", "text": evil},
            {"type": "text", "text": evil},
            {"type": "tool_call", "id": f"c{number}", "name": evil, "arguments": {evil: evil, "old_string": evil}},
            {"type": "tool_call", "id": f"e{number}", "name": "Edit", "arguments": edit},
            {"type": "tool_call", "id": f"p{number}", "name": "patch", "arguments": f"*** Begin Patch\n+{evil}"},
            {"type": "reference", "uri": evil},
            {"type": "edit", "uri": evil, "diff": f"+{evil}"},
            {"type": "file", "name": evil},
            {"type": "error", "text": evil},
            image,
        ]
        roles = ("user", "assistant", "system", evil)
        messages.append(Message(role=roles[number % 4], content=parts, model=evil, status=evil, **where))
        result = {"type": "tool_result", "id": f"c{number}", "content": [{"type": "text", "text": evil}, image]}
        messages.append(Message(f"r{number}", "tool", f"<b>{evil}", [result], after=messages[-1].id))
    svg = base64.b64encode(f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{SHOUT}\"/>".encode()).decode()
    part = {"type": "image", "media_type": "image/svg+xml", "data": svg, "name": "drawing.svg"}
    messages.append(Message("svg", "user", None, [part], after=messages[-1].id))
    return Session(
        "evil",
        "elsewhere",
        title=f"a\n</title><script>{SHOUT}</script>",
        workspace=f"/home/<script>{SHOUT}</script>",
        tags=[f"<script>{SHOUT}</script>"],
        git={"branch": f"<script>{SHOUT}</script>"},
        extra={"notes": EVIL[1]},
        messages=messages,
    )
