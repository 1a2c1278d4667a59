#!/usr/bin/env bash
# Builds the relays that waymeet is measured beside, outside of this repository:
#
#     test/bench/opponents/build.sh [derper] [iroh-relay] [peerjs] [libraries]     (all without a word)
#
# `libraries` are those of the benchmark `links`. WAYMEET_BENCH_CACHE says where (~/.cache/waymeet-bench). derper wants Go, iroh-relay wants Rust;
# nats-server is a Debian package.
set -euo pipefail

# What a report names as the version is what the program says of itself.
TAILSCALE=v1.102.5
IROH=1.4.1
PEERJS=1.0.2

cache=${WAYMEET_BENCH_CACHE:-$HOME/.cache/waymeet-bench}
mkdir -p "$cache/bin"

build_derper() {
  GOBIN="$cache/bin" go install "tailscale.com/cmd/derper@$TAILSCALE"
}
build_iroh-relay() {
  cargo install iroh-relay --locked --version "$IROH" --features server --root "$cache"
}

build_peerjs() {
  npm install --no-fund --no-audit --save-exact --prefix "$cache/npm" "peer@$PEERJS"
}

# Exactly these: what they need themselves is as npm chooses on the day.
build_libraries() {
  npm install --no-fund --no-audit --save-exact --prefix "$cache/npm" \
    libp2p@3.3.11 @libp2p/circuit-relay-v2@4.2.13 @libp2p/tcp@11.0.28 @libp2p/noise@17.0.3 \
    @libp2p/yamux@8.0.3 @libp2p/identify@4.1.14 @number0/iroh@1.1.0 hyperdht@6.34.0 blind-relay@1.6.1
}

(($#)) || set -- derper iroh-relay peerjs libraries
for each in "$@"; do
  case $each in
    derper | iroh-relay | peerjs | libraries) "build_$each" ;;
    *)
      echo "build.sh knows derper, iroh-relay, peerjs and libraries, not $each" >&2
      exit 2
      ;;
  esac
done
