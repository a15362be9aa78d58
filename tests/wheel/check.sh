#!/usr/bin/env bash
# Uses the installed wheel as a user would, far away from the checkout: everything it needs is in it.
set -euo pipefail
bin=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$bin/certgate" --version
"$bin/certgate" schema > schema.json
printf 'a passphrase of some length\n' > passphrase
chmod 600 passphrase
"$bin/certgate" up --listen 127.0.0.1:0 --passphrase-file passphrase > out 2> err &
gate=$!
trap 'kill "$gate" 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
  grep -q '^Stop with' out && break
  kill -0 "$gate" || { cat err; exit 1; }
  sleep 0.1
done
curl_line=$(grep '^curl ' out)
status=$(eval "$curl_line --silent --output page.html --write-out '%{http_code}'")
refused=$(eval "${curl_line%% --cert *} ${curl_line##* } --silent --output refused.html --write-out '%{http_code}'")
kill -TERM "$gate"
wait "$gate"
if [ "$status" != 200 ] || [ "$refused" != 403 ]; then
  echo "the wheel does not work: $status with a certificate, $refused without"
  cat out err
  exit 1
fi
grep -q Traceback err && { cat err; exit 1; }
echo "wheel: 200 with the certificate, 403 without"
