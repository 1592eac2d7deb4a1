"""Every measurement by its name, in the order in which they run."""

from collections.abc import Callable, Iterable

from bench import importing, installing, judging, lists, sandboxing, scoring, serving
from bench.figures import Figure
from bench.sites import Machine

# A measurement may give several figures, each as soon as it is known; it names the database of a figure that has one.
Measurement = Callable[[Machine], Iterable[Figure]]

MEASUREMENTS: dict[str, Measurement] = {
    "import": importing.import_speed,
    "import_memory": importing.import_memory,
    "scoring_rate": scoring.scoring_rate,
    "scoring_cpu": scoring.scoring_cpu,
    "kill_recovery": scoring.kill_recovery,
    "lists": lists.lists,
    "decide": judging.decide,
    "sandbox_start": sandboxing.sandbox_start,
    "sandbox_scaling": sandboxing.sandbox_scaling,
    "page_weight": serving.page_weight,
    "install_size": installing.install_size,
    "start_time": serving.start_time,
}
