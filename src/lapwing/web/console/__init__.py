"""The console: pages for members. Server-rendered, usable without JavaScript.

Content is covered by default: a page shows the grey, blurred derivative that the server sends, and
the clear one only after a press, which the ledger records.
"""

from __future__ import annotations

from typing import Any

from lapwing.web.console.account import ACCOUNT
from lapwing.web.console.confirmations import CONFIRMATIONS
from lapwing.web.console.lists import LISTS
from lapwing.web.console.pages import PAGES
from lapwing.web.console.people import PEOPLE
from lapwing.web.console.pictures import PICTURES
from lapwing.web.console.quarantine import QUARANTINE
from lapwing.web.console.reports import REPORTS
from lapwing.web.console.static import static_files
from lapwing.web.console.steps import STEPS
from lapwing.web.ways import WAYS


def console_pages() -> list[Any]:
    """Every route of the console, for `create_app(house, pages=console_pages())`."""
    return [
        *PAGES,
        *STEPS,
        *LISTS,
        *QUARANTINE,
        *PICTURES,
        *REPORTS,
        *CONFIRMATIONS,
        *ACCOUNT,
        *PEOPLE,
        *WAYS,
        static_files(),
    ]
