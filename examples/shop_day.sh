#!/usr/bin/env bash
# A day of a shop, from the first visitor to the next morning: somebody new signs up with two
# categories, gets what is popular there, picks favourites, clicks and buys, and each time the list
# follows at once; at night the day's events train the next model, which is published under the running
# server. Every step checks what it says; the script ends with 1 where one does not hold.
#
#   examples/shop_day.sh                       build/release/bin/torii, a synthetic shop
#   TORII=/opt/torii/bin/torii examples/shop_day.sh
#   SIZE='--users=20000 --items=5000 --interactions=400000' examples/shop_day.sh
#
# Needs bash, curl and python3.
set -euo pipefail
torii=${TORII:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/release/bin/torii}
size=${SIZE:---users=400 --items=240 --interactions=9000}
epochs=${EPOCHS:-3}

work=$(mktemp -d "${TMPDIR:-/tmp}/torii-day-XXXXXX")
server=
clean_up() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null && wait "$server" || true; fi
  rm -rf "$work"
}
trap clean_up EXIT
fail() {
  echo "shop_day: $*" >&2
  [[ ! -f $work/serve.log ]] || tail -n 20 "$work/serve.log" >&2
  exit 1
}
say() { printf '%s  %s\n' "$(date +%T)" "$*"; }

# ask METHOD PATH [BODY]: the answer's body; a status other than 2xx ends the script.
ask() {
  local out status
  out=$(curl --silent --show-error --max-time 20 --request "$1" --write-out '\n%{http_code}' \
    ${3:+--header 'Content-Type: application/json' --data "$3"} "http://127.0.0.1:$port$2") || fail "$1 $2: no answer"
  status=${out##*$'\n'}
  [[ $status == 2* ]] || fail "$1 $2: status $status: ${out%$'\n'*}"
  printf '%s' "${out%$'\n'*}"
}
# of EXPRESSION: a Python expression over the JSON document d on stdin; lists come one a line.
of() {
  python3 -c '
import json, sys
d = json.load(sys.stdin)
value = eval(sys.argv[1])
print(*value, sep="\n") if isinstance(value, list) else print(value)' "$1"
}
ids() { of '[item["item_id"] for item in d["items"]]'; }
list_of() { ask GET "/v1/users/nora/recommendations?k=$1"; }
holds() { grep -qxF -- "$2" <<<"$1"; } # LIST ITEM

# ---- A shop opens --------------------------------------------------------------------------------
cd "$work"
say "a synthetic shop, its first model, its first publication"
# shellcheck disable=SC2086  # flags, one per word
"$torii" generate $size --seed=5 --out=shop --quiet
"$torii" train --data=shop --split=loo --set train.epochs="$epochs" --out=first.bundle --quiet
"$torii" publish --bundle=first.bundle --data=shop --store=sqlite:shop.db --set publish.gate=report --quiet
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$torii" serve --store=sqlite:shop.db --port="$port" --open >serve.log 2>&1 &
server=$!
for _ in $(seq 300); do
  if curl --silent --fail --output /dev/null "http://127.0.0.1:$port/health/ready"; then break; fi
  kill -0 "$server" 2>/dev/null || fail "the server ended"
  sleep 0.1
done
version=$(list_of 1 | of 'd["model_version"]')
say "serving version $version on port $port"

# ---- Morning: Nora signs up ----------------------------------------------------------------------
mapfile -t categories < <(ask GET /v1/categories |
  of '[c["value"] for c in d["categories"] if c["key"] == d["categories"][0]["key"]][:2]')
[[ ${#categories[@]} == 2 ]] || fail "the catalogue has no two categories"
column=$(ask GET /v1/categories | of 'd["categories"][0]["key"]')
ask PUT /v1/users/nora "{\"preferences\": [\"${categories[0]}\", \"${categories[1]}\"]}" >/dev/null
answer=$(list_of 12)
[[ $(of 'd["source"]' <<<"$answer") == categories ]] ||
  fail "Nora's first list is $(of 'd["source"]' <<<"$answer"), not what is popular in her categories"
cold=$(ids <<<"$answer")
while read -r item; do
  value=$(ask GET "/v1/items/$item" | of "d['attributes']['$column']")
  [[ $value == "${categories[0]}" || $value == "${categories[1]}" ]] || fail "$item is of $value, which Nora did not choose"
done <<<"$cold"
# They are the most popular ones: popularity, which is the score here, of everything in the categories.
popular=$(ask POST /v1/recommend "{\"k\": 1000, \"filter\": {\"must\": [{\"key\": \"$column\",
  \"match\": {\"any\": [\"${categories[0]}\", \"${categories[1]}\"]}}]}}" |
  of 'sorted((item["score"] for item in d["items"]), reverse=True)[:12]')
[[ $(of '[item["score"] for item in d["items"]]' <<<"$answer") == "$popular" ]] ||
  fail "Nora's first list is not the most popular of her categories"
say "Nora likes ${categories[0]} and ${categories[1]}: $(wc -l <<<"$cold") popular things of these"

# ---- She picks favourites, clicks, buys ----------------------------------------------------------
mapfile -t favourites < <(head -n 3 <<<"$cold")
number=0
event() { # TYPE ITEM
  number=$((number + 1))
  ask POST /v1/events "{\"event_id\": \"day-$number\", \"user_id\": \"nora\", \"item_id\": \"$2\", \"type\": \"$1\"}" >/dev/null
}
for item in "${favourites[@]}"; do event onboarding_select "$item"; done
after_favourites=$(list_of 12 | ids)
[[ $after_favourites != "$cold" ]] || fail "the list did not follow the favourites"
for item in "${favourites[@]}"; do
  ! holds "$after_favourites" "$item" || fail "the favourite $item is recommended again"
done
say "three favourites: the list changed at once"

mapfile -t next < <(head -n 3 <<<"$after_favourites")
event click "${next[0]}"
event cart "${next[1]}"
event purchase "${next[1]}"
bought=${next[1]}
after_purchase=$(list_of 40 | ids)
! holds "$after_purchase" "$bought" || fail "the bought $bought is recommended again"
say "a click, a purchase: $bought is gone from the list at once"

# The same event again changes nothing.
ask POST /v1/events "{\"event_id\": \"day-$number\", \"user_id\": \"nora\", \"item_id\": \"$bought\", \"type\": \"purchase\"}" >/dev/null

# ---- Night ---------------------------------------------------------------------------------------
say "night: the day's events, a new model, its refit on all rows, publication"
"$torii" load --from=sqlite:shop.db --data=shop --out=night --quiet
"$torii" train --data=night --split=loo --set train.epochs="$epochs" --out=fit.bundle --quiet
"$torii" train --data=night --refit=fit.bundle --out=second.bundle --quiet
"$torii" publish --bundle=second.bundle --fit=fit.bundle --data=night --store=sqlite:shop.db \
  --set publish.gate=report --quiet

# ---- Next morning --------------------------------------------------------------------------------
for _ in $(seq 100); do
  answer=$(list_of 40)
  now=$(of 'd["model_version"]' <<<"$answer")
  [[ $now == "$version" ]] || break
  sleep 0.1
done
[[ $now == $((version + 1)) ]] || fail "version $now is served, expected $((version + 1))"
say "version $now is served, without a restart"
! holds "$(ids <<<"$answer")" "$bought" || fail "the bought $bought is back"
[[ $(of 'd["source"]' <<<"$answer") == precomputed ]] ||
  fail "the new model does not know Nora: her list is $(of 'd["source"]' <<<"$answer")"
events=$("$torii" store show --store=sqlite:shop.db --json |
  of '[p["lineage"]["records"]["events"] for t in d["tenants"] for p in t["publications"] if p["version"] == '"$now"'][0]')
[[ $events == "$number" ]] || fail "the new model's lineage has $events events, the day had $number"
say "the new model knows Nora; its lineage has the $events events of the day"
kill "$server"
wait "$server" || fail "the server ended with $?"
server=
say "done"
