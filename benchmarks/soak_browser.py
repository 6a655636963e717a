"""How long a real browser takes to show a contact sheet, to search in it, and what it needs for that.

Chromium without a window, through Playwright, from the disk as a marketer opens it.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

_TIMEOUT_MS = 300_000


def look_at(sheet: Path) -> dict[str, Any]:
    """Open the page and use it. Without a browser here the facts say so."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {"missing": "Playwright is not installed"}
    if chromium is None:
        return {"missing": "no Chromium is installed"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        complaints: list[str] = []
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        began = time.monotonic()
        tab.goto(sheet.as_uri(), timeout=_TIMEOUT_MS, wait_until="domcontentloaded")
        tab.wait_for_selector(".tile img", timeout=_TIMEOUT_MS)
        opened = time.monotonic() - began
        shown = tab.locator("#found").inner_text()
        posters = tab.evaluate("[...document.querySelectorAll('.tile img')].filter(one => one.naturalWidth).length")
        began = time.monotonic()
        tab.fill("input[name=text]", "sku-000042")
        tab.wait_for_function("document.getElementById('found').textContent.includes(' of ')", timeout=_TIMEOUT_MS)
        searched = time.monotonic() - began
        heap = tab.evaluate("performance.memory ? performance.memory.usedJSHeapSize / 2**20 : 0")
        facts = {
            "bytes": sheet.stat().st_size,
            "opened_seconds": opened,
            "searched_seconds": searched,
            "script_mib": heap,
            "said": shown,
            "found": tab.locator("#found").inner_text(),
            "posters_loaded": posters,
            "complaints": complaints,
        }
        browser.close()
    return facts
