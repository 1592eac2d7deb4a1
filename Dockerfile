# Two images: `runner` runs code nobody trusts and holds nothing else; `app` is web, workers and beat.

FROM debian:bookworm-slim AS runner

# What `python3 -m sandbox languages` will list, besides python, bash and perl.
ARG LANGUAGES="nodejs g++ default-jdk-headless golang-go ruby php-cli lua5.4 sqlite3 rustc"
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap util-linux python3 ${LANGUAGES} \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 runner \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin runner

WORKDIR /srv/runner
COPY sandbox ./sandbox

# Nothing weaker than bubblewrap, whatever the machine refuses.
ENV SANDBOX=bubblewrap PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8200
CMD ["python3", "-m", "sandbox", "serve", "--host", "0.0.0.0"]


FROM python:3.11-slim-bookworm AS app

RUN useradd --system --create-home --home-dir /var/lib/studio studio

WORKDIR /srv/studio
COPY pyproject.toml README.md ./
ARG EXTRAS=embeddings
ARG PIP_ARGS=
RUN pip install --no-cache-dir ${PIP_ARGS} -e ".[${EXTRAS}]"
COPY . .

# Programs run on the runner; without one, none is run.
ENV SANDBOX=remote PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1
USER studio
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "4", "--threads", "4"]
