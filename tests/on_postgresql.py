"""Run the suite on PostgreSQL and Redis, both started here on free loopback ports and ended with the suite.

.venv/bin/python -m tests.on_postgresql [pytest arguments]
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers import SHORT_LIVED, start_postgresql, start_redis, stop


def main(arguments):
    with tempfile.TemporaryDirectory(prefix="suite-") as folder:
        Path(folder).chmod(0o755)
        programs, environ = [], {}
        try:
            environ["DATABASE_URL"] = start_postgresql(Path(folder), programs, settings=SHORT_LIVED)
            environ["REDIS_URL"] = start_redis(Path(folder), programs)
            environ["SECRET_KEY"] = "only for this run of the suite"
            return subprocess.run(
                [sys.executable, "-m", "pytest", *arguments], env={**os.environ, **environ}, check=False
            ).returncode
        finally:
            stop(programs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
