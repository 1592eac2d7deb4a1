"""The demo model server as a process, for tests and measurements."""

import json
import os
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.migrated import ROOT
from tests.servers import free_port
from tests.warm import WarmProcess


class DemoModel:
    """The demo model server as a process; `stats()` is what it says it was asked, `events()` what it logged."""

    def __init__(self, *options: str, port: int | None = None, log: Path | str | None = None) -> None:
        self.port, self.log = port or free_port(), log
        self.options = (*options, "--log", str(log)) if log else options
        self.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        command = ["demo_model", "--port", str(self.port), *self.options]
        # A file and no pipe: nobody reads it while a test goes on, and a full pipe would stop the server.
        with tempfile.NamedTemporaryFile("r") as said:
            self.process = WarmProcess(command, os.environ, os.devnull, said.name)
            deadline = time.monotonic() + 30
            while not self._answers():
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the demo model did not start: {said.read()}")
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)

    def stats(self, *, by_key: bool = False) -> dict[str, Any]:
        """What it was asked; by key also a row for every request body, named by the sha256 of its canonical JSON."""
        address = f"http://127.0.0.1:{self.port}/stats{'?by=key' if by_key else ''}"
        with urllib.request.urlopen(address, timeout=60 if by_key else 5) as answer:
            stats: dict[str, Any] = json.load(answer)
        return stats

    def fail(self, fault: str | None, **wish: float) -> None:
        """Requests fail that way from now on: `next=3` of them, or at a `rate` by `seed`; see llm/demo_plan.py."""
        self._post("/faults", {"fault": fault, **wish})

    def fail_by_rate(self, rates: Mapping[str, float], seed: int = 0) -> None:
        """Several faults at once, each at its rate: {"429": 0.3, "cut": 0.01}."""
        faults = [{"fault": fault, "rate": rate} for fault, rate in rates.items()]
        self._post("/faults", {"faults": faults, "seed": seed})

    def recover(self) -> None:
        """No request fails any more."""
        self.fail(None)

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """The events of the log so far, oldest first; only those of one name when it is given."""
        # Without an end of line the last one is still being written.
        lines = Path(str(self.log)).read_text().rpartition("\n")[0].splitlines()
        events = [json.loads(line) for line in lines]
        return [event for event in events if name in (None, event["event"])]

    def _post(self, path: str, wish: Mapping[str, Any]) -> None:
        body = json.dumps(wish).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, method="POST")
        urllib.request.urlopen(request, timeout=5).close()

    def models_file(self, folder: Path | str, **replacements: str) -> Path:
        """models.toml with this server's port."""
        text = (ROOT / "models.toml").read_text().replace("127.0.0.1:8001", f"127.0.0.1:{self.port}")
        for old, new in replacements.items():
            text = text.replace(old, new)
        path = Path(folder) / "models.toml"
        path.write_text(text)
        return path

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.base_url}/models", timeout=1).close()
        except OSError:
            return False
        return True
