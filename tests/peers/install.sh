#!/bin/bash
# install.sh [NAME...]: gets the programs that the tests agree with, all of them or the named ones.
#
# `packages` stands for the Debian packages (root only); every other name is a program built with Go,
# once, into $SEALGATE_PEERS (default ~/.cache/sealgate-peers/bin). What is there in the right version
# is left alone, so a second run takes a second. A build that fails is reported with its log, does not
# stop the others, and makes the exit code 1. From nothing, on two cores, it takes about 50 minutes.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
bin=${SEALGATE_PEERS:-$HOME/.cache/sealgate-peers/bin}
packages=(docker.io docker-registry runc skopeo jq hyperfine iproute2 libseccomp-dev pkg-config busybox-static
  time openssl)
programs=(crane registry-refs cosign-2 cosign-3 etcd kube-apiserver kubectl
  containerd containerd-shim-runc-v2 runc dockerd
  timestamp-server fulcio rekor-server rekor-tiles rekor-tiles-2.2 tesseract trillian-mem
  policy-tester policy-controller cue-oracle rego-oracle container-policy)

main() {
  mkdir -p "$bin" || exit 1
  [ $# -gt 0 ] || set -- packages "${programs[@]}"
  local name failed=0
  for name in "$@"; do install_one "$name" || failed=1; done
  exit $failed
}

# One at a time for each name, so that two runs side by side build nothing twice.
install_one() {
  local name=$1 log=$bin/$1.log
  describe "$name" || { echo "$name: unknown; known are packages ${programs[*]}" >&2; return 1; }
  (
    flock 9
    installed "$name" && exit 0
    SECONDS=0
    if "$how" "$name" >"$log" 2>&1 </dev/null; then
      rm -f "$log"
      echo "$name: installed in $SECONDS s"
    else
      echo "$name: failed, the end of $log:" >&2
      tail -n 20 "$log" >&2
      exit 1
    fi
  ) 9>"$bin/.$name.lock"
}

# Sets how (the function that installs it), module and version (what the binary must carry), package.
describe() {
  how=from_module folder=
  local policies=github.com/sigstore/policy-controller
  case $1 in
    packages) how=debian_packages ;;
    crane) module=github.com/google/go-containerregistry version=v0.22.1 package=$module/cmd/crane ;;
    registry-refs) how=from_folder folder=registry-refs package=. module=github.com/google/go-containerregistry version=v0.22.1 ;;
    cosign-2) module=github.com/sigstore/cosign/v2 version=v2.6.5 package=$module/cmd/cosign ;;
    cosign-3) module=github.com/sigstore/cosign/v3 version=v3.1.3 package=$module/cmd/cosign ;;
    etcd) how=from_folder folder=etcd package=. module=go.etcd.io/etcd/server/v3 version=v3.6.16 ;;
    kube-apiserver) how=from_folder folder=apiserver package=. module=k8s.io/kubernetes version=v1.37.2 ;;
    kubectl) how=from_folder folder=kubectl package=k8s.io/kubernetes/cmd/kubectl module=k8s.io/kubernetes version=v1.37.2 ;;
    containerd | containerd-shim-runc-v2) module=github.com/containerd/containerd/v2 version=v2.4.2 package=$module/cmd/$1 ;;
    runc) module=github.com/opencontainers/runc version=v1.5.2 package=$module ;;
    dockerd) module=github.com/moby/moby/v2 version=v2.0.0-beta.24 package=$module/cmd/dockerd ;;
    timestamp-server) module=github.com/sigstore/timestamp-authority/v2 version=v2.1.3 package=$module/cmd/timestamp-server ;;
    fulcio) module=github.com/sigstore/fulcio version=v1.8.8 package=$module ;;
    rekor-server) module=github.com/sigstore/rekor version=v1.5.4 package=$module/cmd/rekor-server ;;
    rekor-tiles) module=github.com/sigstore/rekor-tiles/v2 version=v2.3.0 package=$module/cmd/rekor-server/posix ;;
    # the last one that takes DSSE entries, which logs of its time hold
    rekor-tiles-2.2) module=github.com/sigstore/rekor-tiles/v2 version=v2.2.1 package=$module/cmd/rekor-server/posix ;;
    tesseract) module=github.com/transparency-dev/tesseract version=v0.1.1 package=$module/cmd/tesseract/posix ;;
    trillian-mem) how=from_folder folder=trillian-mem package=. module=github.com/google/trillian version=v1.8.0 ;;
    policy-tester) how=from_folder folder=policy-tester package=$policies/cmd/tester module=$policies version=v0.15.1 ;;
    policy-controller) how=from_folder folder=policy-tester package=$policies/cmd/webhook module=$policies version=v0.15.1 ;;
    # real evaluators; that of Rego in the version that policy-controller has
    cue-oracle) how=from_folder folder=cue-oracle package=. module=cuelang.org/go version=v0.16.1 ;;
    rego-oracle) how=from_folder folder=rego-oracle package=. module=github.com/open-policy-agent/opa version=v1.12.3 ;;
    container-policy) how=from_folder folder=container-policy package=. module=github.com/containers/image/v5 version=v5.36.2 ;;
    *) return 1 ;;
  esac
}

installed() {
  if [ "$1" = packages ]; then
    missing_packages
    [ ${#missing[@]} = 0 ]
  else
    [ -x "$bin/$1" ] && go version -m "$bin/$1" | grep -qP "\t\Q$module\E\t\Q$version\E(\t|$)" && ! source_is_newer "$1"
  fi
}

# These are programs of our own; the other folders hold a few lines that never change without the version.
source_is_newer() {
  case $1 in
    registry-refs | trillian-mem | cue-oracle | rego-oracle | container-policy) [ -n "$(find "$here/go/$1" -newer "$bin/$1" -type f)" ] ;;
    *) return 1 ;;
  esac
}

missing_packages() {
  missing=()
  local name
  for name in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
}

debian_packages() {
  [ "$(id -u)" = 0 ] || { echo "missing: ${missing[*]}; run this as root"; return 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq &&
    apt-get -o DPkg::Lock::Timeout=500 install -y -qq --no-install-recommends "${missing[@]}"
}

# GOBIN is a folder of its own, so that the file appears under our name only when it is complete.
from_module() {
  local out
  out=$(mktemp -d "$bin/.build.XXXXXX") || return 1
  go_flags "$1"
  GOBIN=$out CGO_ENABLED=$cgo go install -trimpath -tags "$tags" -ldflags "$ldflags" "$package@$version" &&
    mv "$out"/* "$bin/$1"
  local result=$?
  rm -rf "$out"
  return $result
}

from_folder() {
  local out
  out=$(mktemp -d "$bin/.build.XXXXXX") || return 1
  go_flags "$1"
  (cd "$here/go/$folder" && CGO_ENABLED=0 go build -trimpath -tags "$tags" -ldflags '-s -w' -o "$out/program" "$package") &&
    mv "$out/program" "$bin/$1"
  local result=$?
  rm -rf "$out"
  return $result
}

go_flags() {
  cgo=0 tags='' ldflags='-s -w'
  case $1 in
    runc) cgo=1 tags=seccomp ;;
    # otherwise it needs a C library, for signatures that are not asked about
    container-policy) tags=containers_image_openpgp ;;
    dockerd)
      # Without them the daemon calls itself "library-import"; with NRI's wasm it needs one more C library.
      local about=$module/dockerversion
      tags='netgo osusergo static_build nri_no_wasm'
      ldflags="-s -w -X $about.Version=29.9.0-dev -X $about.GitCommit=$version"
      ;;
  esac
}

main "$@"
