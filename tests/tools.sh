#!/usr/bin/env bash
# Installs the Debian packages that the tests need, or says what to type.
set -euo pipefail
packages=$1
missing=()
for tool in $2; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null || missing+=("$tool")
done
[ -e /usr/include/openssl/ssl.h ] || missing+=("openssl/ssl.h")
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing what the tests need: $packages"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086  # a list of words
  apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
  echo "The tests that need these are left out, and say so: ${missing[*]}"
  echo "To have them on Debian or Ubuntu:  sudo apt-get install $packages"
fi
