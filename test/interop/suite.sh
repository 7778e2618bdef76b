# What the runs of other clients' own test suites have in common; sourced, not run. Needs bash.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
# The Node that the workspace brings along, whatever the machine has.
export PATH="$root/node_modules/.bin:$PATH"
work="$(mktemp -d)"
pids=()

finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT

# skip <why>: ends the run as one skipped test.
skip() {
  echo "$1"
  echo '0 passed, 0 failed, 1 skipped'
  exit 0
}

# copy_checkout <repository, working copy or bare> <tag>: into $work/checkout, so that the original stays as it is.
copy_checkout() {
  mkdir "$work/checkout"
  if git -C "$1" rev-parse --quiet --verify "$2^{commit}" >/dev/null 2>&1; then
    git -C "$1" archive "$2" | tar x -C "$work/checkout"
  elif [ -f "$1/package.json" ]; then
    echo "$1 has no tag $2: taking it as it is"
    tar c -C "$1" --exclude node_modules --exclude .git . | tar x -C "$work/checkout"
  else
    skip "$1 is no checkout"
  fi
}

# install <pattern of dev dependencies that running the tests needs>: in $work/checkout, without install scripts.
install() {
  cd "$work/checkout"
  node -e '
    const { readFileSync, writeFileSync } = require("node:fs")
    const manifest = JSON.parse(readFileSync("package.json", "utf8"))
    const wanted = new RegExp(process.argv[1])
    const entries = Object.entries(manifest.devDependencies).filter(([name]) => wanted.test(name))
    writeFileSync("package.json", JSON.stringify({ ...manifest, devDependencies: Object.fromEntries(entries) }))
  ' "$1"
  if ! npm install --no-audit --no-fund --ignore-scripts --legacy-peer-deps >"$work/npm.log" 2>&1; then
    tail -n 5 "$work/npm.log"
    skip 'its dependencies cannot be installed here'
  fi
}

# start_broker <name> <arguments>: a broker in memory; its first port in $port, further nodes have the next ones.
start_broker() {
  local name="$1" attempt
  shift
  for attempt in 1 2 3 4 5 6 7 8; do
    # Below the range from which the system takes ports for others; another one if something listens there.
    port=$((20000 + RANDOM % 10000))
    if try_broker "$name" "$@" --port "$port"; then return; fi
  done
  cat "$work/$name.log"
  echo 'the broker did not start'
  exit 1
}

try_broker() {
  local name="$1" pid
  shift
  (cd "$root" && exec node --conditions=@keyfold/source apps/broker/src/main.ts --memory --json --host localhost "$@") \
    >"$work/$name.out" 2>"$work/$name.log" &
  pid="$!"
  for _ in $(seq 100); do
    if [ -s "$work/$name.out" ]; then
      pids+=("$pid")
      return
    fi
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.1
  done
  kill "$pid"
  return 1
}

# start_registry <name> <broker> <arguments>: a registry on that broker; its address in $registry.
start_registry() {
  local name="$1" broker="$2" attempt pid
  shift 2
  for attempt in 1 2 3 4 5 6 7 8; do
    registry="http://127.0.0.1:$((20000 + RANDOM % 10000))"
    (cd "$root" && exec node --conditions=@keyfold/source apps/registry/src/main.ts --kafka "$broker" \
      --port "${registry##*:}" "$@") >"$work/$name.out" 2>"$work/$name.log" &
    pid="$!"
    for _ in $(seq 100); do
      if [ -s "$work/$name.out" ]; then
        pids+=("$pid")
        return
      fi
      kill -0 "$pid" 2>/dev/null || continue 2
      sleep 0.1
    done
    kill "$pid"
  done
  cat "$work/$name.log"
  echo 'the registry did not start'
  exit 1
}

# scenarios '<scenario> …' <program> <arguments>: a client of another language goes through them, all if none is named.
scenarios() {
  node --no-warnings --conditions=@keyfold/source "$here/clients/main.ts" "$@"
}

# python_venv <packages>: in $work/venv.
python_venv() {
  command -v python3 >/dev/null || skip 'there is no python3'
  python3 -m venv "$work/venv" >/dev/null 2>&1 || skip 'python3 has no venv'
  "$work/venv/bin/pip" install --quiet "$@" >"$work/pip.log" 2>&1 || skip "$* cannot be installed"
}
