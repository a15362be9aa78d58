# certgate as a container: a gate in front of an app. How to use it: docs/sidecar.md.
#
#   docker build -t certgate .
#   docker build -t certgate --build-arg BASE=registry.example.com/python:3.13-slim .
#
# BASE becomes the image: anything with a python3 of 3.11 or newer and glibc. BUILD_BASE needs pip
# as well, and the same python3 at the same path, because its virtual environment is copied. To
# build the same image next year, give BASE with its digest (python@sha256:…); the Python packages
# are pinned by deploy/requirements.txt.
ARG BASE=python:3.13-slim-trixie
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python3 -m venv --without-pip /opt/certgate
# Wheels only: no compiler is needed, and the wheel of cryptography brings the OpenSSL that this
# project is tested with (docs/design-notes.md); one that is built here would take the base's.
COPY deploy/requirements.txt ./
RUN python3 -m pip --python /opt/certgate/bin/python3 install --only-binary :all: --requirement requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY proxy ./proxy
RUN python3 -m pip wheel --no-deps --wheel-dir /wheel .
RUN python3 -m pip --python /opt/certgate/bin/python3 install --no-deps /wheel/certgate-*.whl
# Fails when requirements.txt lacks something, or holds a version that certgate does not take.
RUN python3 -m pip --python /opt/certgate/bin/python3 check

FROM ${BASE}
LABEL org.opencontainers.image.title="certgate" \
      org.opencontainers.image.description="An authenticating reverse proxy: TLS client certificates in front of any app" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/certgate /opt/certgate
# The code is root's and is compiled already, so that it runs with --read-only, too.
ENV PATH=/opt/certgate/bin:${PATH} PYTHONDONTWRITEBYTECODE=1
# Configuration comes from a file that CERTGATE_CONFIG names, or from CERTGATE_UPSTREAM,
# _CERTIFICATE, _PRIVATE_KEY, _CLIENT_CA and _CRL. CERTGATE_CONFIG is not preset: a file decides
# alone, and one that was forgotten must be an error, not another configuration than was meant.
WORKDIR /etc/certgate
# A number, not a name: Kubernetes' runAsNonRoot can check it, and no /etc/passwd has to know it.
# This user must be able to read the private key.
USER 10001:10001
EXPOSE 8443
# certgate finishes open requests on SIGTERM (timeouts.shutdown, 30 s): give `docker stop` longer.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s --retries=3 CMD ["certgate", "healthcheck"]
ENTRYPOINT ["certgate"]
CMD ["serve"]
