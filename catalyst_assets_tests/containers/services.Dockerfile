# What compose.yaml takes from public images, from Debian's packages: PostgreSQL, Redis, Caddy, and moto's server for the bucket.
ARG BASE
FROM ${BASE}
ARG PIP_OPTIONS=""
RUN apt-get -qq update \
    && env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends postgresql redis-server caddy wget \
    && rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15 \
    && python3 -m venv /opt/moto \
    && /opt/moto/bin/pip install --no-cache-dir ${PIP_OPTIONS} "moto[s3,server]" \
    && install --directory --owner postgres /var/lib/postgresql/data && install --directory --owner redis /data
COPY postgres.sh /usr/local/bin/
