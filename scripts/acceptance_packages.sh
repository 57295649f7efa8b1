#!/usr/bin/env bash
# The packages of the system that `make acceptance` needs: Go and the Go team's package that verifies our proofs, which are
# installed; and Prometheus, of which the program alone is unpacked under .cache, since its package starts a service.
set -euo pipefail
cd "$(dirname "$0")/.."

SUMDB=/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog
PACKAGES=(golang-go golang-golang-x-mod-dev)
PROMETHEUS=.cache/prometheus

refuse() {
	echo "make acceptance needs ${PACKAGES[*]} and prometheus (Debian's names): $1" >&2
	exit 1
}

has_go() { command -v go >/dev/null && [[ -d $SUMDB ]]; }
has_prometheus() { command -v prometheus >/dev/null || [[ -x $PROMETHEUS/usr/bin/prometheus ]]; }

if has_go && has_prometheus; then
	exit 0
fi
command -v apt-get >/dev/null || refuse "there is no apt-get here; install them, and golang.org/x/mod as $SUMDB"
AS_ROOT=()
if [[ $(id -u) -ne 0 ]]; then
	command -v sudo >/dev/null || refuse "run it as root once, or install them; there is no sudo here"
	AS_ROOT=(sudo --non-interactive)
fi
"${AS_ROOT[@]}" apt-get update --quiet=2 || refuse "apt-get update failed"
if ! has_go; then
	"${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends \
		"${PACKAGES[@]}" || refuse "apt-get install failed"
fi
has_go || refuse "they were installed, and $SUMDB is not there"
if ! has_prometheus; then
	mkdir -p "$PROMETHEUS"
	(cd "$PROMETHEUS" && apt-get download --quiet=2 prometheus && dpkg-deb --extract prometheus_*.deb . && rm prometheus_*.deb) ||
		refuse "prometheus could not be unpacked under $PROMETHEUS"
fi
has_prometheus || refuse "it was unpacked, and $PROMETHEUS/usr/bin/prometheus does not run"
