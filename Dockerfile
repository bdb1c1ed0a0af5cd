# The centre for production: pages built once, then a small Python image without Node.
# Kafka is a service of its own (docker-compose.yml) or a cluster (IOC_KAFKA).

FROM node:24-slim AS pages
WORKDIR /src/ui
COPY ui/package.json ui/package-lock.json ui/.npmrc ./
RUN npm ci
COPY ui ./
COPY ioc/messages /src/ioc/messages
RUN npm run build

FROM python:3.11-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY ioc ./ioc
COPY streams ./streams
COPY connectors ./connectors
COPY --from=pages /src/ioc/api/static ./ioc/api/static
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
COPY requirements/run.txt /tmp/run.txt
RUN pip install --no-cache-dir --no-deps --require-hashes -r /tmp/run.txt
COPY --from=wheel /wheels /tmp/wheels
RUN pip install --no-cache-dir --no-deps --no-index /tmp/wheels/*.whl && rm -r /tmp/wheels /tmp/run.txt
COPY deploy/connected.py /opt/ioc/connected.py
RUN useradd --system --create-home ioc && install -d -o ioc -g ioc /var/lib/ioc
USER ioc
ENV IOC_DATA_DIR=/var/lib/ioc IOC_HTTP_HOST=0.0.0.0 PYTHONUNBUFFERED=1
VOLUME /var/lib/ioc
EXPOSE 8080 9494
ENTRYPOINT ["ioc"]
CMD ["serve"]
