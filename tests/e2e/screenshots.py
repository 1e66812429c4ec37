"""Takes the screenshots of the documentation: `python -m tests.e2e.screenshots` writes them into docs/images."""

import sys
from pathlib import Path

from playwright.sync_api import ViewportSize, expect

from monite_auth.emulator import AMELIA_ID, OSKAR_ID
from tests.e2e.stage import ANNA, ROOT, VIKTOR, Demo, chromium, log_in, log_out

WINDOW = ViewportSize(width=1280, height=860)


def take(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with Demo() as demo, chromium() as browser:
        anna, viktor, monite = (
            browser.new_page(viewport=WINDOW, color_scheme="light", reduced_motion="reduce") for _ in range(3)
        )
        monite.goto(demo.monite)
        for entity_user_id in (AMELIA_ID, OSKAR_ID):  # as users of other apps
            demo.mint(entity_user_id)
            monite.get_by_role("button", name="+5 min").click()
        log_in(anna, demo, ANNA)
        log_in(viktor, demo, VIKTOR)
        log_out(anna)
        monite.get_by_role("button", name="+5 min").click()
        log_in(anna, demo, ANNA)
        anna.wait_for_load_state("networkidle")
        anna.screenshot(path=folder / "app.png", full_page=True)

        expect(monite.get_by_text("minted for")).to_have_count(5)
        expect(monite.get_by_role("row").filter(has_text="revoked")).to_have_count(1)
        monite.screenshot(path=folder / "emulator.png", full_page=True)


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
