"""What the simulated systems hand out: pages of their REST addresses, files of their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.integration.demo.running_province import Province


async def read_pages(
    address: str, size: int = 100, transport: httpx.AsyncBaseTransport | None = None, **query: str
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    async with httpx.AsyncClient(transport=transport) as client:
        page: int | None = 1
        while page is not None:
            answer = await client.get(address, params={"trang": page, "so_dong": size, **query})
            assert answer.status_code == 200
            body = answer.json()
            rows += body["du_lieu"]
            page = body["trang_sau"]
    return rows


def handed_files(province: Province, source: str) -> list[Path]:
    return sorted(path for path in Path(province.at.folders[source]).iterdir() if path.name[0] != ".")
