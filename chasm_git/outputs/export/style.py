"""The one style sheet of exported pages: readable offline, in the dark, on a phone and on paper."""

from __future__ import annotations

import base64
import hashlib

CSS = """
:root{color-scheme:light dark;--back:#fff;--text:#1c1e21;--dim:#5c6370;--line:#d9dce1;--soft:#f5f6f8;--link:#0b5fb4;
--user:#0b6e4f;--assistant:#0b5fb4;--warn:#a8321c;--add:#0a6b2d;--add-back:#e6f6ea;--del:#a8321c;--del-back:#fdecea}
@media (prefers-color-scheme:dark){:root{--back:#16181c;--text:#e4e6ea;--dim:#9aa2ad;--line:#34383f;--soft:#1f2227;
--link:#7ab7f5;--user:#5fd0a5;--assistant:#7ab7f5;--warn:#f28b76;--add:#7ee0a0;--add-back:#15301f;--del:#f5a79a;
--del-back:#3a1d1a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:52rem;padding:1.5rem 1rem 4rem;background:var(--back);color:var(--text);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .75rem}
a{color:var(--link)}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem;margin:0 0 1.5rem;font-size:.875rem;
color:var(--dim)}
dl.facts dt{font-weight:600}
dl.facts dd{margin:0;white-space:pre-wrap}
article{border-top:1px solid var(--line);padding:.9rem 0 .4rem}
article>header{display:flex;flex-wrap:wrap;gap:.15rem .75rem;align-items:baseline;font-size:.8125rem;color:var(--dim)}
article>header b{font-size:.9375rem;color:var(--text)}
article.user>header b{color:var(--user)}
article.assistant>header b{color:var(--assistant)}
article>header a{margin-inline-start:auto;text-decoration:none;color:var(--dim)}
article.aside{margin-inline-start:1rem;padding-inline-start:.9rem;border-inline-start:3px solid var(--line);
border-top-style:dashed}
article:target{background:var(--soft)}
.flag{border:1px solid var(--line);border-radius:.7em;padding:0 .5em}
.text>:first-child{margin-top:.4rem}
.text>:last-child{margin-bottom:.4rem}
.text h1,.text h2,.text h3,.text h4,.text h5,.text h6{font-size:1.05rem;margin:1rem 0 .4rem}
.text blockquote{margin:.5rem 0;padding-inline-start:.9rem;border-inline-start:3px solid var(--line);color:var(--dim)}
.text table,table.sessions{border-collapse:collapse;font-size:.9375rem}
.text table{display:block;overflow-x:auto}
th,td{border:1px solid var(--line);padding:.25rem .6rem;text-align:start;vertical-align:top}
td.right,th.right{text-align:end}
td.center,th.center{text-align:center}
table.sessions{width:100%}
table.sessions th,table.sessions td{border-width:0 0 1px}
table.sessions td.when{white-space:nowrap;color:var(--dim)}
pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.8125rem}
code{background:var(--soft);border-radius:3px;padding:.1em .3em}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.6rem .75rem;margin:.5rem 0;
overflow-x:auto;line-height:1.45;white-space:pre;overflow-wrap:normal;tab-size:4}
pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}
pre code{background:none;padding:0;font-size:inherit}
details{margin:.4rem 0;border:1px solid var(--line);border-radius:6px;padding:0 .75rem}
details[open]{padding-bottom:.4rem}
summary{cursor:pointer;padding:.3rem 0;font-size:.875rem;color:var(--dim)}
summary code{background:none;color:var(--text)}
.label{font-size:.75rem;color:var(--dim);margin:.4rem 0 0}
.error,.error>summary{color:var(--warn)}
.add{color:var(--add);background:var(--add-back)}
.del{color:var(--del);background:var(--del-back)}
.add,.del,.same{display:block;min-height:1.45em}
img{max-width:100%;height:auto;border:1px solid var(--line);border-radius:6px;margin:.4rem 0}
ul.carried{font-size:.875rem;padding-inline-start:1.2rem;margin:.4rem 0}
footer{border-top:1px solid var(--line);margin-top:2rem;padding-top:.6rem;font-size:.8125rem;color:var(--dim)}
@media print{body{max-width:none;font-size:11pt;padding:0}article{break-inside:auto}
article>header{break-after:avoid}pre{white-space:pre-wrap;overflow-wrap:anywhere}
details::details-content{content-visibility:visible;block-size:auto}article>header a{display:none}}
"""

POLICY = (
    "default-src 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()}'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
"""What a browser may do with a page: apply this style sheet, show the images that stand in it, and nothing else."""
