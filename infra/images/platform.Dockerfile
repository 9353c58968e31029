# The platform with both engines and Feast, for jobs and for Spark's master, workers and Connect.
# Build from the repository's root:
#   docker build -f infra/images/platform.Dockerfile --build-arg CODE_VERSION="$(git rev-parse HEAD)" -t lakehouse-platform:0.1.0 .
FROM python:3.11.13-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY lakehouse lakehouse
COPY feature_repo feature_repo
COPY jobs jobs
COPY serving serving
# uv takes the versions that pyproject.toml pins, and no others
RUN uv venv /opt/lakehouse && \
    uv pip install --no-cache --python /opt/lakehouse/bin/python '.[connect,feast,redis,spark]'

FROM python:3.11.13-slim-bookworm
# Debian's archive keeps the newest security release alone: a pinned one stops building one day.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install --yes --no-install-recommends openjdk-17-jre-headless procps && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin lakehouse && \
    install --directory --owner=lakehouse --group=lakehouse /lake /scratch
COPY --from=build /opt/lakehouse /opt/lakehouse
# without a checkout the image says which commit it was built from, or it is not built
ARG CODE_VERSION
RUN test -n "$CODE_VERSION"
ENV PATH=/opt/lakehouse/bin:$PATH \
    LAKEHOUSE_CODE_VERSION=$CODE_VERSION \
    LAKEHOUSE_HOME=/lake \
    LAKEHOUSE_SPARK_JARS=/opt/spark-jars \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1 \
    SPARK_LOCAL_DIRS=/scratch \
    TMPDIR=/scratch
# the jars of Delta Lake, held against their checksums: afterwards Spark needs no network
RUN lakehouse setup spark
USER 10001:10001
WORKDIR /home/lakehouse
VOLUME /lake /scratch
# Jobs end by themselves; compose.yml states the checks of Spark's master and workers.
HEALTHCHECK NONE
CMD ["lakehouse", "doctor"]
