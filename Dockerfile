# Two images: `engine` (the last, and so the default) and `asterisk`, which compose.yaml builds with --target.
# Nobody has run them yet: the machines this was made on have no Docker engine. `make check` lints this file with hadolint
# and compose.yaml against the Compose specification; the Asterisk image's start script was run in a chroot of the same
# packages. hadolint's rule to pin apt versions is off: Debian keeps only the newest version of each package.

# What the fallback speaks, and its music, made once.
FROM debian:sid-slim AS sounds
WORKDIR /build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends espeak-ng sox \
    && rm -rf /var/lib/apt/lists/*
COPY asterisk-conf/ asterisk-conf/
RUN asterisk-conf/sounds.sh /made

# Asterisk 22 as Debian unstable has it, with this project's configuration and dialplan.
FROM debian:sid-slim AS asterisk
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends asterisk asterisk-core-sounds-en-gsm \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /run/asterisk /var/spool/asterisk/recording /var/lib/ivrengine/prompts /var/spool/ivrengine \
    && chown -R asterisk:asterisk /etc/asterisk /run/asterisk /var/lib/asterisk /var/log/asterisk /var/spool/asterisk \
    && chown 10001:10001 /var/lib/ivrengine/prompts \
    && chown 10001:asterisk /var/spool/ivrengine \
    && chmod 2770 /var/spool/ivrengine
COPY --from=sounds /made/ /var/lib/ivrengine/
COPY asterisk-conf/ /opt/ivrengine/asterisk-conf/
COPY dialplan/ /opt/ivrengine/dialplan/
COPY deploy/asterisk-start.sh deploy/asterisk-healthy.sh /opt/ivrengine/deploy/
# Debian's package gives the user a number of its own choice.
# hadolint ignore=DL3066
USER asterisk
EXPOSE 5060/udp 8088/tcp 10000-10199/udp
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/opt/ivrengine/deploy/asterisk-healthy.sh"]
ENTRYPOINT ["/opt/ivrengine/deploy/asterisk-start.sh"]

# The engine's environment, at the versions of constraints.txt.
FROM python:3.13-slim AS environment
WORKDIR /build
COPY pyproject.toml constraints.txt ./
COPY ivrengine/ ivrengine/
ENV PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/ivrengine && /opt/ivrengine/bin/pip install .

FROM python:3.13-slim AS engine
# espeak-ng speaks the prompts that nobody has recorded.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends espeak-ng \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home ivrengine \
    && mkdir -p /var/lib/ivrengine/data /var/lib/ivrengine/prompts \
    && chown -R ivrengine:ivrengine /var/lib/ivrengine
COPY --from=environment /opt/ivrengine /opt/ivrengine
COPY deploy/engine_healthy.py /opt/ivrengine/deploy/
COPY flows/ /etc/ivrengine/flows/
ENV PATH=/opt/ivrengine/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    IVRENGINE_DATA_DIR=/var/lib/ivrengine/data \
    IVRENGINE_FLOWS_DIR=/etc/ivrengine/flows \
    IVRENGINE_LOG__FORMAT=json \
    IVRENGINE_METRICS__LISTEN=127.0.0.1:9464
WORKDIR /var/lib/ivrengine
USER 10001
HEALTHCHECK --interval=15s --timeout=10s --start-period=20s --retries=3 \
    CMD ["python", "/opt/ivrengine/deploy/engine_healthy.py"]
ENTRYPOINT ["ivrengine"]
CMD ["serve"]
