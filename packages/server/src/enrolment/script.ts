/**
 * The enrolment script: what `curl … /enroll | sudo sh` runs on a machine that has nothing of ours yet. It is
 * POSIX sh, the same bytes for everyone, holds no secret, and looks before it downloads: a machine that the
 * agent can't run on is told so, and what to use instead.
 */

/** What the script is made for. */
export interface ScriptFacts {
  /** Where nodes reach this server, without a trailing slash. */
  readonly serverUrl: string;
  /** The root to trust, PEM; empty when the certificate is one that machines trust anyway. */
  readonly caCertificate: string;
  /** `linux-x64` and the like: what this server can hand out. */
  readonly platforms: readonly string[];
}

// Single-quoted in sh: no character of a URL may end the quotes.
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Writes the script. */
export function enrolmentScript(facts: ScriptFacts): string {
  return `#!/bin/sh
# Enrols this machine with a Rollcall server. Read it before you run it: it is short.
#   --activation-id ID --code-file FILE   required; further options go to 'rollcall enroll'
#   --prefix DIR                          where the program goes (default /opt/rollcall)
set -eu
server=${quoted(facts.serverUrl)}
platforms=${quoted(facts.platforms.join(' '))}
ca=${quoted(facts.caCertificate.trim())}
prefix=/opt/rollcall

main() {
  wanted=
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix) [ $# -ge 2 ] || fail "--prefix needs a folder."; prefix=$2; shift 2 ;;
      *) wanted="$wanted $(quote "$1")"; shift ;;
    esac
  done
  case \${LC_ALL:-\${LC_CTYPE:-\${LANG:-}}} in *UTF-8*|*utf8*) yes='[✓]' no='[✗]' ;; *) yes='[ok]' no='[X]' ;; esac

  [ "$(id -u)" = 0 ] || fail "This needs root: it installs a program and a service. Run it under sudo."
  look
  work=$(mktemp -d) || fail "No temporary folder can be made."
  trap 'rm -rf "$work"' EXIT INT TERM
  fetch "$server/enroll/$platform.tar.gz" "$work/rollcall.tar.gz"
  mkdir -p "$prefix.new"
  tar -xzf "$work/rollcall.tar.gz" -C "$prefix.new" || fail "The download can't be unpacked into $prefix.new."
  rm -rf "$prefix.old"
  [ ! -e "$prefix" ] || mv "$prefix" "$prefix.old"
  mv "$prefix.new" "$prefix"
  rm -rf "$prefix.old"
  ln -sf "$prefix/rollcall" /usr/local/bin/rollcall 2>/dev/null || true
  set -- --server "$server"
  if [ -n "$ca" ]; then
    printf '%s\\n' "$ca" > "$work/ca.crt"
    set -- "$@" --ca-file "$work/ca.crt"
  fi
  eval "set -- \\"\\$@\\" $wanted"
  # Not exec: the trap above still has to clear the temporary folder.
  "$prefix/rollcall" enroll "$@"
}

# Can the agent run here at all? Said before anything is downloaded.
look() {
  official="The official amazon-ssm-agent can join this server instead: see docs/official-agent.md."
  [ "$(uname -s)" = Linux ] || fail "The agent runs on Linux; this is $(uname -s). $official"
  case $(uname -m) in
    x86_64|amd64) platform=linux-x64 ;;
    aarch64|arm64) platform=linux-arm64 ;;
    *) fail "The agent runs on x64 and arm64; this is $(uname -m). $official" ;;
  esac
  case " $platforms " in
    *" $platform "*) ;;
    *) fail "This server hands out the agent for: $platforms; this machine is $platform. $official" ;;
  esac
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //') || libc=
  [ -n "$libc" ] || fail "No glibc here (musl, as on Alpine?): the agent needs glibc 2.28. $official"
  major=\${libc%%.*} minor=\${libc#*.}; minor=\${minor%%.*}
  [ "$major" -gt 2 ] || [ "$minor" -ge 28 ] || fail "glibc is $libc; the agent needs 2.28. $official"
  parent=$(dirname "$prefix")
  mkdir -p "$parent" || fail "$parent can't be made."
  free=$(df -Pk "$parent" | awk 'NR == 2 { print $4 }')
  [ "\${free:-0}" -ge 400000 ] || fail "$parent has $((\${free:-0} / 1024)) MB free; 400 MB are needed."
  command -v curl >/dev/null || command -v wget >/dev/null || fail "Neither curl nor wget is here."
  name=$(. /etc/os-release 2>/dev/null && printf '%s' "\${PRETTY_NAME:-Linux}") || name=Linux
  printf '%s %s, %s, glibc %s: supported\\n' "$yes" "$name" "$platform" "$libc"
}

# Downloads over a connection that is verified: by the server's own root, or by the system's.
fetch() {
  if [ -n "$ca" ]; then printf '%s\\n' "$ca" > "$work/root.crt"; fi
  if command -v curl >/dev/null; then
    set -- -fsS -o "$2" "$1"
    [ -z "$ca" ] || set -- --cacert "$work/root.crt" "$@"
    env -u CURL_CA_BUNDLE -u SSL_CERT_FILE -u SSL_CERT_DIR curl "$@" || fail "The download from $server failed."
  else
    set -- -q -O "$2" "$1"
    [ -z "$ca" ] || set -- --ca-certificate="$work/root.crt" "$@"
    wget "$@" || fail "The download from $server failed."
  fi
}

quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\\\\\''/g")"; }

fail() {
  printf '%s %s\\n' "\${no:-[X]}" "$1" >&2
  exit 1
}

# Called last, so that a download cut short runs nothing.
main "$@"
`;
}
