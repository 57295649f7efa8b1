#!/usr/bin/env bash
# The packages of the system that `make acceptance` needs: Go, and the Go team's package that verifies our proofs.
set -euo pipefail

SUMDB=/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog
PACKAGES=(golang-go golang-golang-x-mod-dev)

if command -v go >/dev/null && [[ -d $SUMDB ]]; then
	exit 0
fi

refuse() {
	echo "make acceptance needs ${PACKAGES[*]} (Debian's names) for the Go verifier: $1" >&2
	exit 1
}

command -v apt-get >/dev/null || refuse "there is no apt-get here; install go, and golang.org/x/mod as $SUMDB"
AS_ROOT=()
if [[ $(id -u) -ne 0 ]]; then
	command -v sudo >/dev/null || refuse "run it as root once, or install them; there is no sudo here"
	AS_ROOT=(sudo --non-interactive)
fi
"${AS_ROOT[@]}" apt-get update --quiet=2 || refuse "apt-get update failed"
"${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
	"${PACKAGES[@]}" || refuse "apt-get install failed"
command -v go >/dev/null && [[ -d $SUMDB ]] || refuse "they were installed, and $SUMDB is not there"
