# syntax=docker/dockerfile:1
# Arcanary in a small image: one static binary, and git, which `publish`, `fetch-pack` and `diff` call.
FROM rust:1.95-alpine@sha256:606fd313a0f49743ee2a7bd49a0914bab7deedb12791f3a846a34a4711db7ed2 AS build
WORKDIR /src
# Alpine's Rust links statically without being asked. Cargo wants every file that Cargo.toml names, tests and benchmarks too.
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY grammar grammar
COPY src src
COPY targets targets
COPY templates templates
COPY tests/mutation.rs tests/mutation.rs
COPY tests/faults tests/faults
RUN cargo build --locked --profile dist --bin arcanary

FROM alpine:3.23@sha256:5b10f432ef3da1b8d4c7eb6c487f2f5a8f096bc91145e68878dd4a5019afde11
# Alpine keeps only the newest git of a branch, so a pinned version is soon not found.
# hadolint ignore=DL3018
RUN apk add --no-cache git
COPY --from=build /src/target/dist/arcanary /usr/local/bin/arcanary
COPY LICENSE /usr/share/doc/arcanary/LICENSE
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/arcanary"]
CMD ["--help"]
