# MLflow's server with PostgreSQL's driver. It knows no users: it stands behind infra/proxy, never bare.
# Build from the repository's root:
#   docker build -f infra/images/mlflow.Dockerfile -t lakehouse-mlflow:0.1.0 .
FROM python:3.11.13-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /source
COPY pyproject.toml ./
COPY infra/images/mlflow.txt infra/images/mlflow.txt
# uv takes the versions that pyproject.toml pins, and no others
RUN uv venv /opt/mlflow && \
    uv pip install --no-cache --python /opt/mlflow/bin/python -r infra/images/mlflow.txt

FROM python:3.11.13-slim-bookworm
RUN useradd --uid 10002 --user-group --create-home --shell /usr/sbin/nologin mlflow && \
    install --directory --owner=mlflow --group=mlflow /artifacts
COPY --from=build /opt/mlflow /opt/mlflow
COPY --chmod=0555 infra/images/mlflow-server /usr/local/bin/mlflow-server
ENV PATH=/opt/mlflow/bin:$PATH \
    DO_NOT_TRACK=true \
    MLFLOW_ARTIFACTS_DESTINATION=/artifacts \
    MLFLOW_BACKEND_STORE_URI=postgresql+psycopg://mlflow@postgres:5432/mlflow \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_HOST=0.0.0.0 \
    MLFLOW_PORT=5000 \
    MLFLOW_SERVER_ALLOWED_HOSTS=mlflow:5000 \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    MLFLOW_WORKERS=2 \
    PYTHONUNBUFFERED=1
USER 10002:10002
WORKDIR /home/mlflow
VOLUME /artifacts
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
CMD ["mlflow-server"]
