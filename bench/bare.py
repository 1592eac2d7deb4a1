"""The peer of scoring: a bare asyncio loop that asks the same endpoint the same questions and keeps nothing.

python -m bench.bare ADDRESS REQUESTS IN_FLIGHT, where REQUESTS is a file of one request body a line.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp


async def ask_all(address: str, requests: Iterator[bytes], in_flight: int) -> None:
    """Ask everything, so many at a time."""
    headers = {"content-type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

        async def work() -> None:
            for request in requests:
                async with session.post(f"{address}/chat/completions", data=request) as answer:
                    json.loads(await answer.read())

        await asyncio.gather(*(work() for _ in range(in_flight)))


if __name__ == "__main__":
    lines = Path(sys.argv[2]).read_bytes().splitlines()
    asyncio.run(ask_all(sys.argv[1], iter(lines), int(sys.argv[3])))
