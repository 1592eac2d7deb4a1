"""The door to the demo model server."""

import asyncio
import signal
from argparse import ArgumentParser
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from llm.catalog import Catalog, CatalogError, load_catalog
from llm.demo_arrivals import ArrivalLog, BadLatency, parse_latency
from llm.demo_bank import BankError
from llm.demo_faults import NAMES, BadFault
from llm.demo_plan import plan_of_options
from llm.demo_server import HOST, PORT, serving
from llm.prices import Price

EXAMPLE = "manage.py demo_model --latency 0.2-2 --fault 429:0.3 --fault cut:0.01 --seed 7"


class Command(BaseCommand):
    help = f"Serve the scripted demo model; GET /stats counts what it was asked. Example: {EXAMPLE}"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0 takes a free one")
        parser.add_argument("--host", default=HOST, help=f"default {HOST}: this machine only")
        parser.add_argument(
            "--latency", default="0", metavar="SECONDS", help="wait before each answer: 0.2, or 0.2-2 for a drawn time"
        )
        parser.add_argument(
            "--fault",
            action="append",
            default=[],
            metavar="NAME[=NUMBER][:RATE]",
            help=f"fail that way, always or at that rate (429=2:0.3); again for another: {', '.join(NAMES)}",
        )
        parser.add_argument("--seed", type=int, default=0, help="which requests fail and how long each waits")
        parser.add_argument("--log", metavar="FILE", help="append a JSON line for each request that comes and ends")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asyncio.run(self._serve(options))
        except (CatalogError, BankError, BadFault, BadLatency) as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            what = error.filename or f"{options['host']}:{options['port']}"
            raise CommandError(f"cannot serve on {what}: {error.strerror}", returncode=2) from error

    async def _serve(self, options: dict[str, Any]) -> None:
        with ExitStack() as opened:
            wishes: dict[str, Any] = {
                "prices": _prices(load_catalog(settings.MODELS_FILE)),
                "latency": parse_latency(options["latency"], options["seed"]),
                "plan": plan_of_options(options["fault"], options["seed"]),
                "log": opened.enter_context(ArrivalLog(Path(options["log"]))) if options["log"] else None,
            }
            async with serving(options["host"], options["port"], **wishes) as address:
                stop = _stop_signal()
                self.stdout.write(f"scripted demo model at {address}")
                self.stdout.flush()
                await stop.wait()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _prices(catalog: Catalog) -> dict[str, Price]:
    """What models.toml says that the demo models cost."""
    return {
        model.name: Price(Decimal(str(model.input_usd_per_million)), Decimal(str(model.output_usd_per_million)))
        for model in catalog.models.values()
        if model.endpoint.scripted and model.input_usd_per_million is not None
    }
