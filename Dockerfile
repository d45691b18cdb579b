# The image: the program and what it needs to run, and nothing to build with.
#
#   docker build --tag atlascan:0.1.0 .
#   docker run --rm --env-file credentials.env --volume "$PWD:/scan" --user "$(id -u):$(id -g)" atlascan:0.1.0 scan -f html=report.html

FROM python:3.13.14-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/atlascan
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY scanner scanner
COPY policies policies
COPY reports reports
COPY cassettes/demo cassettes/demo
RUN /opt/atlascan/bin/pip install --quiet --constraint constraints.txt . \
    && /opt/atlascan/bin/pip uninstall --quiet --yes pip

FROM python:3.13.14-slim-trixie
LABEL org.opencontainers.image.title="atlascan" \
      org.opencontainers.image.description="Policy-as-code compliance scanner for Atlassian Cloud" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/atlascan /opt/atlascan
RUN pip uninstall --quiet --yes --root-user-action ignore pip \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin atlascan \
    && install --directory --owner atlascan /scan
# No keyring is in a container; looking for one costs time.
ENV PATH="/opt/atlascan/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring
USER 10001:10001
WORKDIR /scan
VOLUME /scan
ENTRYPOINT ["atlascan"]
CMD ["--help"]
