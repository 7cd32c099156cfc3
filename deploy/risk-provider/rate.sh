#!/bin/sh
# A risk provider in a page: rates a payload `clear`, or `hit` where it pays an address of a list.
#
#   rate.sh --psbt FILE|--solana-message FILE NETWORK PUBLIC_KEY OUT
#
# It writes OUT, for `quorate sign --verdict OUT`. What it needs to know is in its environment:
#
#   QUORATE_CLUSTER   the cluster's id
#   PROVIDER          the provider's name in the policy bundle
#   PROVIDER_KEY      the file of its key, as `quorate verdict keygen` makes it
#   DENIED            a file with one address a line; lines that begin with # are ignored
#   QUORATE           the program, where it is not in the PATH
set -eu

if [ $# -ne 5 ]; then
    echo "usage: rate.sh --psbt FILE|--solana-message FILE NETWORK PUBLIC_KEY OUT" >&2
    exit 2
fi
flag=$1 payload=$2 network=$3 public_key=$4 out=$5
: "${QUORATE_CLUSTER:?}" "${PROVIDER:?}" "${PROVIDER_KEY:?}" "${DENIED:?}"
quorate=${QUORATE:-quorate}

# What is rated and what is signed are the same bytes, whoever writes to the file meanwhile.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$payload" "$work/payload"
set -- "$flag" "$work/payload" --network "$network" --public-key "$public_key"

"$quorate" verdict decode "$@" -o json > "$work/decoded"
grep -o '"destination":"[^"]*"' "$work/decoded" | cut -d '"' -f 4 > "$work/paid"
# Without a list, nothing is clear.
grep -v '^#' "$DENIED" | grep . > "$work/denied" || [ -r "$DENIED" ]

level=clear
if grep -Fxq -f "$work/denied" "$work/paid"; then
    level=hit
fi
"$quorate" verdict sign "$@" --cluster "$QUORATE_CLUSTER" --provider "$PROVIDER" \
    --key "$PROVIDER_KEY" --level "$level" --out "$out"
