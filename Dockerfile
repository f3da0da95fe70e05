ARG PYTHON=3.13

# Builds the wheels of all members; the build back end is locked like everything else.
FROM python:${PYTHON}-slim AS wheels
WORKDIR /source
COPY requirements/setup.txt requirements/
RUN pip install --no-cache-dir --require-hashes --requirement requirements/setup.txt
COPY modelkit modelkit
COPY trainer trainer
COPY server server
COPY clients/python clients/python
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels \
    ./modelkit ./trainer ./server ./clients/python

FROM python:${PYTHON}-slim AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1
# A volume takes its owner from the folder that it is mounted on.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tickcast \
    && install --directory --owner=tickcast /var/lib/tickcast /var/lib/tickcast/models
WORKDIR /var/lib/tickcast

FROM base AS trainer
# LightGBM's wheel leaves OpenMP to the system.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=bind,source=requirements/trainer.txt,target=/trainer.txt \
    --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-deps --require-hashes --requirement /trainer.txt \
    && pip install --no-cache-dir --no-deps --no-index \
        /wheels/tickcast_modelkit-*.whl /wheels/tickcast_trainer-*.whl \
    && pip check
ENV TICKCAST_TRAIN_MODELS=/var/lib/tickcast/models
USER 10001
ENTRYPOINT ["tickcast-train"]

FROM base AS server
RUN --mount=type=bind,source=requirements/server.txt,target=/server.txt \
    --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-deps --require-hashes --requirement /server.txt \
    && pip install --no-cache-dir --no-deps --no-index \
        /wheels/tickcast-*.whl /wheels/tickcast_modelkit-*.whl /wheels/tickcast_server-*.whl \
    && pip check
ENV TICKCAST_ADDRESS=0.0.0.0:50051 \
    TICKCAST_METRICS_ADDRESS=0.0.0.0:9464 \
    TICKCAST_DATA=/var/lib/tickcast \
    TICKCAST_MODELS=/var/lib/tickcast/models
USER 10001
EXPOSE 50051 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["tickcast-health"]
ENTRYPOINT ["tickcast-server"]
