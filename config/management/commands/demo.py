"""Go the whole way on the project's own sample data, then serve."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser

from config import demo, serving
from config.processes import Started, stop
from config.readiness import answers, wait_until_it_answers
from llm.catalog import load_catalog
from web.commands import NOT_FINISHED, BadInput, Outcome, StudioCommand, tables_are_behind
from web.counts import counted


class Command(StudioCommand):
    help = "Load the sample data, run the whole pipeline against the demo model, write approved.jsonl, then serve."
    example = "manage.py demo --no-serve"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop before serving")
        parser.add_argument("--reset", action="store_true", help="start over: forget users and data of an earlier demo")
        parser.add_argument("--without-packing", action="store_true", help="leave out the step that needs embeddings")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--export-to", type=Path, default=settings.BASE_DIR / "approved.jsonl", metavar="FILE")

    def carry_out(self, **options: Any) -> Outcome:
        if options["reset"]:
            try:
                demo.start_over()
            except demo.DemoFailed as error:
                raise BadInput(str(error)) from error
        if tables_are_behind():
            call_command("migrate", verbosity=0, interactive=False)
        people = demo.people()
        self.stdout.write("\n".join(["users and their passwords (shown only now and at the end):", *people]))
        try:
            packing = demo.embeddings_installed() and not options["without_packing"]
            self._go_the_way(options["export_to"], packing=packing)
        except demo.DemoFailed as error:
            return Outcome(result={"error": str(error)}, lines=[str(error)], exit_code=NOT_FINISHED)
        waiting = demo.left_for_people()
        self._say_what_is_left(waiting, options["export_to"], packing=packing)
        self.stdout.write("\n".join(["users:", *people]))
        if not options["no_serve"]:
            self._addresses(options["port"])
            call_command("up", port=options["port"])
        return Outcome(result=waiting)

    def _go_the_way(self, export_to: Path, *, packing: bool) -> None:
        model: list[Started] = []
        try:
            for step in demo.steps(export_to=export_to, packing=packing):
                if step.done():
                    self.stdout.write(f"{step.title}: done already")
                    continue
                if not model:
                    self._start_model_server(model)
                self.stdout.write(f"{step.title}:")
                step.carry_out(self.stdout.write)
        finally:
            stop(model)

    def _start_model_server(self, programs: list[Started]) -> None:
        endpoint = serving.scripted_endpoint(load_catalog(settings.MODELS_FILE))
        if endpoint is not None and not answers(endpoint.base_url):
            serving.start_demo_model(programs, endpoint)
            wait_until_it_answers(endpoint.base_url)

    def _say_what_is_left(self, waiting: dict[str, int], export: Path, *, packing: bool) -> None:
        if not packing:
            self.stdout.write("packing was left out (EMBEDDINGS=0, or the extra `embeddings` is not installed)")
        disputes, dialogues = counted(waiting["disputes"], "dispute"), counted(waiting["dialogues"], "dialogue")
        self.stdout.write(f"waiting: {disputes} for an audit, {dialogues} for a review")
        self.stdout.write(f"what is approved stands in {export}; all answers came from the scripted demo model")

    def _addresses(self, port: int) -> None:
        site = f"http://127.0.0.1:{port}"
        for path, what in (
            ("/", "start page"),
            ("/audit/", "audit queue"),
            ("/review/", "review queue"),
            ("/admin/", "admin"),
        ):
            self.stdout.write(f"  {site}{path:<10} {what}")
