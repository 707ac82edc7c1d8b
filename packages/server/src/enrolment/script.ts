/**
 * The enrolment script: what `curl … /enroll | sudo sh` runs on a machine that has nothing of ours yet. It is
 * POSIX sh, the same bytes for everyone, holds no secret, and looks before it downloads: a machine that the
 * agent can't run on is told so, and what to use instead.
 */

/** What the script is made for. */
export interface ScriptFacts {
  /** Where nodes reach this server, without a trailing slash. */
  readonly serverUrl: string;
  /** The region that machines get unless told. */
  readonly region: string;
  /** The roots to trust, PEM; empty when the certificate is one that machines trust anyway. */
  readonly caCertificate: string;
  /** `linux-x64` and the like: what this server can hand out. */
  readonly platforms: readonly string[];
  /** The version that it hands out. */
  readonly version: string;
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
umask 022
server=${quoted(facts.serverUrl)}
region=${quoted(facts.region)}
version=${quoted(facts.version)}
platforms=${quoted(facts.platforms.join(' '))}
ca=${quoted(facts.caCertificate.trim())}
prefix=/opt/rollcall
link=/usr/local/bin/rollcall
mark=installed-by-enroll

main() {
  case \${LC_ALL:-\${LC_CTYPE:-\${LANG:-}}} in *[Uu][Tt][Ff]*8*) no='[✗]' ;; *) no='[X]' ;; esac
  wanted=
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix) [ $# -ge 2 ] || fail "--prefix needs a folder."; prefix=$2; shift 2; continue ;;
      # The download takes the same way as the agent will.
      --proxy) [ $# -lt 2 ] || { https_proxy=$2; export https_proxy; } ;;
      --no-proxy) [ $# -lt 2 ] || { no_proxy=$2; export no_proxy; } ;;
    esac
    wanted="$wanted $(quote "$1")"
    shift
  done
  case $prefix in /*) ;; *) prefix=$(pwd)/$prefix ;; esac

  [ "$(id -u)" = 0 ] || fail "This needs root: it installs a program and a service. Run it under sudo."
  look
  work=$(mktemp -d) || fail "No temporary folder can be made."
  trap 'rm -rf "$work" "$prefix.new"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if [ -n "$ca" ]; then printf '%s\\n' "$ca" > "$work/ca.pem"; fi
  if [ "$(cat "$prefix/$mark" 2>/dev/null)" != "$version $platform" ]; then install; fi
  if [ "$prefix" = /opt/rollcall ]; then
    if [ -L "$link" ] || [ ! -e "$link" ]; then
      mkdir -p /usr/local/bin && ln -sf "$prefix/rollcall" "$link" || true
    fi
  fi
  set -- --server "$server" --region "$region"
  [ -z "$ca" ] || set -- "$@" --ca-file "$work/ca.pem"
  # What was asked for comes last, and so wins.
  eval "set -- \\"\\$@\\" $wanted"
  # Not exec: the trap above still has to clear the temporary folder.
  "$prefix/rollcall" enroll "$@"
}

# Downloads the program beside where it goes, and puts it there in one step.
install() {
  if [ -e "$prefix" ] && [ ! -f "$prefix/$mark" ] && ! rmdir "$prefix" 2>/dev/null; then
    fail "$prefix is there already and not from this script. Name another folder: --prefix DIR"
  fi
  [ ! -t 2 ] || printf 'Downloading the agent from %s ...\\n' "$server" >&2
  fetch "$server/enroll/$platform.tar.gz" "$work/rollcall.tar.gz"
  rm -rf "$prefix.new" "$prefix.old"
  mkdir "$prefix.new" || fail "$prefix.new can't be made."
  # Everything becomes root's, whoever it belongs to on the server.
  tar -xzof "$work/rollcall.tar.gz" -C "$prefix.new" || fail "The download can't be unpacked into $prefix.new."
  chmod -R go-w "$prefix.new"
  "$prefix.new/rollcall" --version >/dev/null || fail "The program doesn't run here. $official"
  printf '%s\\n' "$version $platform" > "$prefix.new/$mark"
  [ ! -e "$prefix" ] || mv "$prefix" "$prefix.old"
  mv "$prefix.new" "$prefix"
  rm -rf "$prefix.old"
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
  libc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p')
  [ -n "$libc" ] || libc=$(ldd --version 2>/dev/null | sed -n '1s/^ldd (.*) \\([0-9.]*\\)$/\\1/p')
  [ -n "$libc" ] || fail "No glibc here (musl, as on Alpine?): the agent needs glibc 2.28. $official"
  major=\${libc%%.*} minor=\${libc#*.}
  minor=\${minor%%.*}
  if [ "$major" -lt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -lt 28 ]; }; then
    fail "glibc is $libc; the agent needs 2.28. $official"
  fi
  command -v tar >/dev/null && command -v gzip >/dev/null || fail "tar and gzip are needed, and not both are here."
  command -v curl >/dev/null || command -v wget >/dev/null || fail "Neither curl nor wget is here."
  parent=$(dirname "$prefix")
  mkdir -p "$parent" || fail "$parent can't be made."
  free=$(df -Pk "$parent" | awk 'NR == 2 { print $4 }')
  [ "\${free:-0}" -ge 400000 ] || fail "$parent has $((\${free:-0} / 1024)) MB free; 400 MB are needed."
}

# Downloads over a connection that is verified: by the server's own root, or by the system's.
fetch() {
  if command -v curl >/dev/null; then
    set -- -fsS -o "$2" "$1"
    [ -z "$ca" ] || set -- --cacert "$work/ca.pem" "$@"
    env -u CURL_CA_BUNDLE -u SSL_CERT_FILE -u SSL_CERT_DIR curl "$@" || fail "The download from $server failed."
  else
    set -- -q -O "$2" "$1"
    [ -z "$ca" ] || set -- --ca-certificate="$work/ca.pem" "$@"
    wget "$@" || fail "The download from $server failed."
  fi
}

quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\\\\\''/g")"; }

fail() {
  printf '%s %s\\n' "$no" "$1" >&2
  exit 1
}

# Called last, so that a download cut short runs nothing.
main "$@"
`;
}
