"""A real browser without a window, and a server on loopback that writes down what a page asks for."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.programs import lacking

# What it sees is written into the document, which --dump-dom prints: of each frame its title, its text as it is
# rendered, how far it goes beyond its width, and how large its rows and plots came out.
_LOOK = """<!DOCTYPE html><html><head><meta charset="utf-8"><link rel="icon" href="data:,"></head><body>
<iframe src="/page" style="width: 400px; height: 800px"></iframe>
<iframe src="/page" style="width: 1200px; height: 800px"></iframe>
<script>
addEventListener("load", () => {
  const sizes = (page, what) => [...page.querySelectorAll(what)].map((one) => {
    const box = one.getBoundingClientRect();
    return [Math.round(box.width), Math.round(box.height)];
  });
  const seen = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument, root = page.documentElement;
    return {title: page.title, text: page.body.innerText, beyond: root.scrollWidth - root.clientWidth,
            rows: sizes(page, "tbody tr"), plots: sizes(page, "svg"), marked: frame.contentWindow.marked === true};
  });
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(seen);
});
</script></body></html>"""


class _Pages(ThreadingHTTPServer):
    """Serves these pages, and keeps the path of every request."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Pages

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((page or "").encode())

    def log_message(self, *_: object) -> None:
        pass


def looked_at(page: str, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """What Chromium sees of the page, 400 and 1200 pixels wide, and what was asked for beside it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        lacking("Chromium", "chromium")
    server = _Pages({"/look": _LOOK, "/page": page})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = subprocess.run(
            [
                program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", f"--user-data-dir={folder / 'profile'}", "--window-size=1300,1700",
                "--virtual-time-budget=3000", "--dump-dom", f"http://127.0.0.1:{server.server_port}/look",
            ],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    told = re.search(r"<pre>(.*?)</pre>", done.stdout, re.DOTALL)
    assert told, (done.returncode, done.stdout[-1000:], done.stderr[-2000:])
    return json.loads(html.unescape(told[1])), [path for path in server.asked if path not in ("/look", "/page")]
