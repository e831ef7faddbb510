# One image for every service of the platform. docs/deployment.md explains it.
#   docker build --target cpu --build-arg PIP_OPTIONS="--extra-index-url INDEX" --tag catalyst:cpu .
#   docker build --target cuda --tag catalyst:cuda .
# INDEX is the one of CPU builds that PyTorch's site names; PyPI's own build of it is the one for CUDA.
# BASE is any Debian or Ubuntu with Python 3.11.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS requirements
COPY pyproject.toml /source/
RUN python3 -c "import tomllib; print(*tomllib.load(open('/source/pyproject.toml', 'rb'))['project']['dependencies'], sep='\\n')" \
    > /source/requirements.txt

# What it stands on changes seldom, and is a layer of its own.
FROM ${BASE} AS dependencies
ARG PIP_OPTIONS=""
COPY --from=requirements /source/requirements.txt /source/
COPY constraints.txt /source/
RUN python3 -m venv /pip && python3 -m venv --without-pip /opt/catalyst \
    && /pip/bin/pip --python /opt/catalyst/bin/python install --no-cache-dir ${PIP_OPTIONS} \
    -c /source/constraints.txt -r /source/requirements.txt \
    && cd /opt/catalyst/lib/python3.11/site-packages \
    && find . -name '*.a' -delete \
    && find networkx numpy pandas pyarrow scipy sklearn sympy -type d -name tests -prune -exec rm -rf {} + \
    && rm -rf torch/test torch/include \
    && find torch/bin -type f ! -name torch_shm_manager -delete

FROM dependencies AS package
ARG PIP_OPTIONS=""
COPY pyproject.toml README.md LICENSE dagster.yaml workspace.yaml /source/
COPY sql /source/sql
COPY resources /source/resources
COPY dash_app /source/dash_app
COPY catalyst_assets /source/catalyst_assets
RUN /pip/bin/pip --python /opt/catalyst/bin/python install --no-cache-dir ${PIP_OPTIONS} --no-deps --prefix /own /source

FROM ${BASE} AS cpu
RUN useradd --uid 10001 --create-home --home-dir /home/catalyst --shell /usr/sbin/nologin catalyst \
    && install --directory --owner catalyst --mode 1777 /var/lib/catalyst /run/catalyst /home/catalyst/models
COPY --from=dependencies /opt/catalyst /opt/catalyst
COPY --from=package /own /opt/catalyst
ENV PATH=/opt/catalyst/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CATALYST_HOME=/var/lib/catalyst/home CATALYST_MODEL_CACHE=/home/catalyst/models
USER catalyst
WORKDIR /home/catalyst
ENTRYPOINT ["catalyst"]
CMD ["--help"]

# Built without PIP_OPTIONS: it is the packages that differ. The host's container toolkit brings the driver.
FROM cpu AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
