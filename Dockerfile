# The gateway: what requirements/runtime.txt pins, no build tools, no root. Compiled at both levels: workers run with -O, and may not
# write here.
FROM python:3.13-slim AS build
WORKDIR /srv/outgate
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m venv /srv/venv \
 && /srv/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY addons addons
RUN /srv/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /srv/venv/bin/python -m outgate.model_server.prepare \
 && /srv/venv/bin/python -m compileall -q -o 0 -o 1 /srv/venv

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /srv/home outgate \
 && install -d -o outgate -g outgate -m 0700 /srv/outgate/state /srv/outgate/certs
WORKDIR /srv/outgate
COPY --from=build /srv/venv /srv/venv
COPY addons addons
COPY policies policies
ENV PATH=/srv/venv/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
VOLUME ["/srv/outgate/state", "/srv/outgate/certs"]
EXPOSE 8080 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:9464/readyz', timeout=2)"]
ENTRYPOINT ["outgate"]
CMD ["run", "--policy", "policies/default.yaml", "--listen", "0.0.0.0:8080", "--admin", "0.0.0.0:9464", "--state", "state", "--certs", "certs"]
