# The service alone: no Java, no Spark, no MLflow, no Feast, no pandas.
# Build from the repository's root:
#   docker build -f infra/images/service.Dockerfile --build-arg CODE_VERSION="$(git rev-parse HEAD)" -t lakehouse-service:0.1.0 .
FROM python:3.11.13-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY infra/images/service.txt infra/images/service.txt
# uv takes the versions that pyproject.toml pins, and no others
RUN uv venv /opt/lakehouse && \
    uv pip install --no-cache --python /opt/lakehouse/bin/python -r infra/images/service.txt
COPY lakehouse lakehouse
COPY feature_repo feature_repo
COPY jobs jobs
COPY serving serving
RUN uv pip install --no-cache --no-deps --python /opt/lakehouse/bin/python .

FROM python:3.11.13-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin lakehouse && \
    install --directory --owner=lakehouse --group=lakehouse /lake
COPY --from=build /opt/lakehouse /opt/lakehouse
ARG CODE_VERSION
RUN test -n "$CODE_VERSION"
# In a container the loopback address is the container's own: who may reach the service is up to
# the ports that are published and to network policies.
ENV PATH=/opt/lakehouse/bin:$PATH \
    LAKEHOUSE_CODE_VERSION=$CODE_VERSION \
    LAKEHOUSE_HOME=/lake \
    LAKEHOUSE_HOST=0.0.0.0 \
    LAKEHOUSE_PORT=8000 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
# not the lake: python -m looks for modules in the folder it is started in
WORKDIR /opt/lakehouse
VOLUME /lake
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["python", "-m", "serving.server"]
