"""The door to the demo model server."""

import asyncio
import signal
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from llm.catalog import Catalog, CatalogError, load_catalog
from llm.demo_bank import BankError
from llm.demo_server import HOST, PORT, serving
from llm.demo_stats import Price


class Command(BaseCommand):
    help = "Serve the scripted demo model. Example: manage.py demo_model --port 8001"
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0 takes a free one")
        parser.add_argument("--host", default=HOST, help=f"default {HOST}: this machine only")
        parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="wait before each answer")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            prices = _prices(load_catalog(settings.MODELS_FILE))
            asyncio.run(self._serve(options["host"], options["port"], options["latency"], prices))
        except (CatalogError, BankError) as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            raise CommandError(
                f"cannot serve on {options['host']}:{options['port']}: {error.strerror}", returncode=2
            ) from error

    async def _serve(self, host: str, port: int, latency_s: float, prices: dict[str, Price]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with serving(host, port, prices=prices, latency_s=latency_s) as address:
            self.stdout.write(f"scripted demo model at {address}")
            self.stdout.flush()
            await stop.wait()


def _prices(catalog: Catalog) -> dict[str, Price]:
    """What models.toml says that the demo models cost."""
    return {
        model.name: Price(Decimal(str(model.input_usd_per_million)), Decimal(str(model.output_usd_per_million)))
        for model in catalog.models.values()
        if model.endpoint.scripted and model.input_usd_per_million is not None
    }
