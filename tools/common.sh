# Sourced by the tools: where things are, what must be installed, how to build.
# Not a command of its own.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
JOBS="${JOBS:-$(nproc)}"

# Compilers, libraries and what the tour and the tests judge with. All Debian 12.
PACKAGES_BUILD=(build-essential cmake ninja-build ccache pkg-config
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libabsl-dev libssl-dev libsqlite3-dev libsoci-dev libboost-dev
  nlohmann-json3-dev libyaml-cpp-dev libcli11-dev libspdlog-dev
  prometheus-cpp-dev libgoogle-perftools-dev libcurl4-openssl-dev)
PACKAGES_TOUR=(openssl curl python3 python3-jwt python3-cryptography)
PACKAGES_TEST=(libgtest-dev libgmock-dev clang-14 clang-tidy-14
  libclang-rt-14-dev python3-grpcio python3-protobuf python3-pip sqlite3
  nginx-light libapache2-mod-auth-openidc haproxy openssl faketime curl jq
  systemd libjwt-dev)
PACKAGES_BENCH=(nginx-light wrk libjwt-dev)

say() { printf '%s\n' "$*" >&2; }

# need PACKAGE...: installs what is missing, and nothing else.
need() {
  local missing=()
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null \
      | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      say "These Debian packages are missing, and there is neither root nor sudo:"
      say "  ${missing[*]}"
      exit 1
    }
    sudo="sudo"
  fi
  say "Installing: ${missing[*]}"
  $sudo apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq \
    --no-install-recommends "${missing[@]}" >/dev/null
}

# configure DIRECTORY CMAKE-ARGUMENTS; shows the log when it fails.
configure() {
  local directory="$1"
  shift
  mkdir -p "$directory"
  cmake -S "$ROOT" -B "$directory" -G Ninja "$@" >"$directory/build.log" 2>&1 || {
    tail -40 "$directory/build.log" >&2
    return 1
  }
}

# build DIRECTORY TARGETS -- CMAKE-ARGUMENTS: configures and builds; shows
# progress on a terminal, the log when it fails.
build() {
  local directory="$1" targets="$2"
  shift 2
  [ "${1:-}" = "--" ] && shift
  local log="$directory/build.log"
  configure "$directory" "$@" || return 1
  local started=$SECONDS
  if [ -t 2 ]; then
    # shellcheck disable=SC2086
    ninja -C "$directory" -j "$JOBS" $targets >&2 || return 1
  else
    # shellcheck disable=SC2086
    ninja -C "$directory" -j "$JOBS" $targets >>"$log" 2>&1 || {
      grep -E 'error|FAILED' -A 5 "$log" | head -60 >&2
      return 1
    }
  fi
  say "built $directory in $((SECONDS - started)) s"
}
