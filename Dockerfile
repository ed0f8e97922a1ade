# syntax=docker/dockerfile:1
# docker build -t rollbook . ; run it with a read-only root, the configuration and the journal from outside:
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8350:8350 \
#     -v /etc/rollbook:/etc/rollbook:ro -v rollbook:/var/lib/rollbook rollbook
# The account in it is 8350, in a group of that number, which must be able to read the configuration and the tokens:
#   chgrp -R 8350 /etc/rollbook

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY rollbook.example.toml ./
COPY assets assets
RUN cargo build --profile dist --locked -p rollbook

FROM debian:bookworm-slim
# The roots of trust come with the image: rebuild it to renew them.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 8350 rollbook \
  && useradd --uid 8350 --gid rollbook --no-create-home --home-dir /var/lib/rollbook --shell /usr/sbin/nologin rollbook \
  && install -d -o rollbook -g rollbook -m 750 /var/lib/rollbook
COPY --from=build /build/target/dist/rollbook /usr/bin/rollbook
USER 8350:8350
WORKDIR /var/lib/rollbook
VOLUME /var/lib/rollbook
ENV ROLLBOOK_CONFIG=/etc/rollbook/rollbook.toml
# A container is reached from outside itself only when it listens on more than its own loopback.
ENV ROLLBOOK_SERVER_LISTEN=0.0.0.0:8350
EXPOSE 8350
# The journal can be read: what fails when the configuration, the disk or the database is gone.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["rollbook", "runs", "--json"]
ENTRYPOINT ["rollbook"]
CMD ["serve"]
