#!/usr/bin/env bash
# Builds the relays that waymeet is measured beside, outside of this repository:
#
#     test/bench/opponents/build.sh [derper] [iroh-relay] [peerjs]     (all without a word)
#
# WAYMEET_BENCH_CACHE says where (~/.cache/waymeet-bench). derper wants Go, iroh-relay wants Rust;
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

(($#)) || set -- derper iroh-relay peerjs
for each in "$@"; do
  case $each in
    derper | iroh-relay | peerjs) "build_$each" ;;
    *)
      echo "build.sh knows derper, iroh-relay and peerjs, not $each" >&2
      exit 2
      ;;
  esac
done
