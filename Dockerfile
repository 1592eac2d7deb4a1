# One image for web, workers and beat.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/studio studio

WORKDIR /srv/studio
COPY pyproject.toml README.md ./
ARG EXTRAS=embeddings
ARG PIP_ARGS=
RUN pip install --no-cache-dir ${PIP_ARGS} -e ".[${EXTRAS}]"
COPY . .

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1
USER studio
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "4", "--threads", "4"]
