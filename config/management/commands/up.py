"""Start the whole site on this machine, and stop it together."""

import signal
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser

from config import serving
from config.processes import Started, first_ended, stop
from config.readiness import answers
from llm.catalog import load_catalog
from llm.entries import CatalogError
from web.commands import BadInput, Outcome, StudioCommand, tables_are_behind
from web.planning import renew_statistics


class Command(StudioCommand):
    help = "Migrate, then start web, workers, beat, and the demo model while a role points at it; Ctrl-C ends all."
    example = "manage.py up --port 8000"
    requires_system_checks = "__all__"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000)

    def carry_out(self, **options: Any) -> Outcome:
        host, port = options["host"], options["port"]
        programs: list[Started] = []
        # Ctrl-C and a polite request to end are noted, never raised: so none can leave a program behind.
        stop_asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop_asked.set())
        try:
            serving.check_port(host, port)
            if tables_are_behind():
                call_command("migrate", verbosity=0, interactive=False)
            renew_statistics(new_too=True)
            serving.empty_broker_folders()
            self._start_model_server(programs)
            serving.start_site(programs, host, port)
            self.stdout.write(f"serving on http://{host}:{port}/ — Ctrl-C stops everything")
            ended = first_ended(programs, stop_asked=stop_asked)
        except (serving.PortTaken, CatalogError) as error:
            raise BadInput(str(error)) from error
        finally:
            stop(programs)
        if ended is None:
            return Outcome(result={"stopped": True}, lines=["stopped"])
        sys.stderr.write(f"{ended.name} ended by itself with status {ended.process.returncode}; stopped the others\n")
        return Outcome(result={"stopped": True, "ended": ended.name}, exit_code=1)

    def _start_model_server(self, programs: list[Started]) -> None:
        endpoint = serving.scripted_endpoint(load_catalog(settings.MODELS_FILE))
        if endpoint is None:
            return
        if answers(endpoint.base_url):
            self.stdout.write(f"the demo model answers on {endpoint.base_url} already")
            return
        serving.start_demo_model(programs, endpoint)
