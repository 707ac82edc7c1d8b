#!/bin/sh
# Collects what tells why this machine is not in the list of managed nodes, and prints it as one block of text to
# paste. It only reads and connects: nothing is installed, written or changed, and no secret is printed. Root sees
# more; it works without. At most 20 seconds.
#
#   sh collect.sh                          what is here, and the way to where its agents lead
#   sh collect.sh --server https://HOST    the way to this server as well
#   sh collect.sh --aws REGION             the way to AWS's endpoints in a region
#   sh collect.sh --show                   only says what it would read and run
#
# Judge the block anywhere:  rollcall doctor --read -     or on the server:  rollcall why NODE --evidence FILE

LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin:/snap/bin
IFS=' 	
'
server= aws= show= root=${COLLECT_ROOT-} own=/var/lib/rollcall-agent

usage() {
  printf '%s\n' 'usage: sh collect.sh [--server https://HOST[:PORT]] [--aws REGION] [--agent-root FOLDER] [--show]' >&2
  exit 64
}
while [ $# -gt 0 ]; do
  case $1 in
    --server) [ $# -ge 2 ] || usage; server=$2; shift ;;
    --aws) [ $# -ge 2 ] || usage; aws=$2; shift ;;
    --agent-root) [ $# -ge 2 ] || usage; own=$2; shift ;;
    --show) show=1 ;;
    *) usage ;;
  esac
  shift
done
case $server in ''|https://*) ;; *) usage ;; esac
case $server$aws in *[!A-Za-z0-9:/.@_-]*) usage ;; esac

has() { command -v "$1" >/dev/null 2>&1; }
began=$(date +%s)
# Seconds left of the time for everything.
left() { echo $((17 - $(date +%s) + began)); }

# bounded SECONDS COMMAND...: runs it, and ends it when it takes longer, whether or not there is a `timeout` here.
timing=none
if [ -z "${COLLECT_NO_TIMEOUT-}" ] && has timeout; then
  if timeout -s KILL 1 true >/dev/null 2>&1; then
    timing=new
  elif timeout -t 1 -s KILL true >/dev/null 2>&1; then
    timing=old
  fi
fi
bounded() {
  limit=$1
  shift
  if [ -n "$show" ]; then
    printf 'run   %s\n' "$*" >&3
    return 1
  fi
  remain=$(left)
  [ "$remain" -gt 0 ] || return 124
  [ "$limit" -le "$remain" ] || limit=$remain
  if [ $timing = old ]; then
    timeout -t "$limit" -s KILL "$@"
  elif [ $timing = new ]; then
    timeout -s KILL "$limit" "$@"
  else
    # A job in the background has no input of its own.
    { "$@" <&4 4<&- & } 4<&0
    job=$!
    { sleep "$limit"; kill -9 $job; } >/dev/null 2>&1 </dev/null &
    guard=$!
    wait $job
    result=$?
    kill $guard >/dev/null 2>&1
    return $result
  fi
}

# say SECTION KEY VALUE: one line of the block.
say() { [ -n "$show" ] || printf '%s %s=%s\n' "$1" "$2" "$3"; }
# each SECTION KEY: one line of the block for each line that comes in, at most 40.
each() {
  count=0
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    count=$((count + 1))
    [ $count -le 40 ] || continue
    say "$1" "$2" "$line"
  done
}
# slurp FILE [BYTES]: its beginning.
slurp() {
  if [ -n "$show" ]; then
    printf 'read  %s\n' "$root$1" >&3
    return 1
  fi
  [ -r "$root$1" ] || return 1
  bounded 2 head -c "${2:-4096}" "$root$1" 2>/dev/null
}
# On one line, for what has its own syntax.
flat() { tr -s ' \t\r\n' ' ' | cut -c1-6000; }
# member NAME: the text or number that a flat JSON text on standard input has under that name.
member() { sed -n "s/.*\"$1\"[ ]*:[ ]*\"\\([^\"]*\\)\".*/\\1/p" | head -n 1; }
number() { sed -n "s/.*\"$1\"[ ]*:[ ]*\\(-\\{0,1\\}[0-9.]*\\).*/\\1/p" | head -n 1; }
# What is inside the braces of a section of a flat JSON text.
inside() { sed -n "s/.*\"$1\"[ ]*:[ ]*{\\([^}]*\\)}.*/\\1/p" | head -n 1; }
changed() {
  say "$1" "$2" "$(bounded 2 stat -c %Y "$root$3" 2>/dev/null)"
}
# there FILE: whether it is there; when it can't be looked at, that is said.
there() { [ -n "$show" ] || [ -e "$root$1" ]; }

# --- The machine ---
machine() {
  say host name "$(slurp /proc/sys/kernel/hostname || hostname 2>/dev/null)"
  for file in /etc/os-release /usr/lib/os-release; do
    slurp $file | sed -n 's/^\(ID\|NAME\|VERSION_ID\)=["'\'']\{0,1\}\([^"'\'']*\).*/\1 \2/p' | while read -r key value; do
      say host "os.$key" "$value"
    done
    [ -z "$show" ] && [ -r "$root$file" ] && break
  done
  say host kernel "$(slurp /proc/sys/kernel/osrelease || uname -r)"
  say host system "$(uname -s)"
  say host arch "$(uname -m)"
  say host zone "$(date +%z)"
  say host boot "$(slurp /proc/stat 2000000 | sed -n 's/^btime //p')"
  say host bootid "$(slurp /proc/sys/kernel/random/boot_id)"
  say host machineid "$(slurp /etc/machine-id)"
  say host vendor "$(slurp /sys/class/dmi/id/sys_vendor)"
  say host uuid "$(slurp /sys/class/dmi/id/product_uuid)"
  say host fips "$(slurp /proc/sys/crypto/fips_enabled)"
  say host first "$(slurp /proc/1/comm)"
  there /run/systemd/system && say host init systemd
  { there /run/openrc || there /sbin/openrc-run; } && say host init openrc
  there /sbin/upstart && say host init upstart
  for file in /.dockerenv /run/.containerenv /run/systemd/container; do
    there $file && say host container 1
  done
  slurp /proc/1/cgroup 4000 | grep -E 'docker|containerd|kubepods|libpod|lxc' >/dev/null 2>&1 && say host container 1
  for file in "$root"/lib/ld-musl-* "$root"/usr/lib/ld-musl-*; do
    [ -e "$file" ] && say host libc musl
  done
  say host libc "$(bounded 2 getconf GNU_LIBC_VERSION 2>/dev/null)"
  bounded 2 ls -l "$root/etc/localtime" 2>/dev/null | sed -n 's/.*zoneinfo\///p' | each host timezone
  slurp /etc/timezone 200 | each host timezone
  for card in "$root"/sys/class/net/*; do
    [ -e "$card/address" ] || continue
    name=${card##*/}
    [ "$name" = lo ] || slurp "/sys/class/net/$name/address" 40 | each host mac
    say net "card.$name" "$(slurp "/sys/class/net/$name/operstate" 20) $(slurp "/sys/class/net/$name/mtu" 20)"
  done
  {
    bounded 2 ip -o addr show 2>/dev/null || bounded 2 ifconfig -a 2>/dev/null
  } | sed -n 's/.*inet6\{0,1\} \(addr:\)\{0,1\} \{0,1\}\([0-9a-f.:]*\).*/\2/p' | grep -v '^127\.\|^::1$' | each host address
}

# --- Its room ---
room() {
  for folder in / /var /tmp "$own" /var/lib/amazon/ssm /var/log/amazon/ssm; do
    [ -n "$show" ] || [ -d "$root$folder" ] || continue
    say disk "bytes.$folder" "$(bounded 2 df -Pk "$root$folder" 2>/dev/null | sed -n '2,$p' | flat)"
    say disk "inodes.$folder" "$(bounded 2 df -Pi "$root$folder" 2>/dev/null | sed -n '2,$p' | flat)"
  done
  slurp /proc/mounts 60000 | cut -d' ' -f2,4 | grep -E '^(/|/var|/tmp|/var/lib|/var/lib/amazon[^ ]*|/var/log|/var/lib/rollcall-agent|/usr) ' | each disk mount
  slurp /proc/meminfo 8000 | sed -n 's/^\(MemTotal\|MemAvailable\|MemFree\): *\([0-9]*\) kB/\1 \2/p' | each room memory
  for kind in cpu memory io; do
    slurp /proc/pressure/$kind 400 | each room "pressure.$kind"
  done
  say room load "$(slurp /proc/loadavg 100)"
  say room cores "$(slurp /proc/cpuinfo 400000 | grep -c '^processor')"
  say room files "$(slurp /proc/sys/fs/file-nr 100 | flat)"
  say room inotify "$(slurp /proc/sys/fs/inotify/max_user_instances 20 | flat)$(slurp /proc/sys/fs/inotify/max_user_watches 20 | flat)"
  bounded 2 dmesg 2>/dev/null | grep -E 'Kill(ed)? process|oom-kill:|avc: +denied|apparmor="DENIED"' | grep -E 'ssm|rollcall' | tail -n 8 | each kernel line
  say room selinux "$(slurp /sys/fs/selinux/enforce 4)"
  say room apparmor "$(slurp /sys/module/apparmor/parameters/enabled 4)"
}

# --- The network ---
network() {
  slurp /etc/resolv.conf 4000 | grep -E '^[[:space:]]*(nameserver|search|domain)' | each net resolv
  slurp /etc/nsswitch.conf 8000 | grep '^hosts:' | each net nsswitch
  slurp /proc/net/route 20000 | sed -n '2,$p' | flat | cut -c1-2000 | each net route
  bounded 2 ip -6 route show default 2>/dev/null | head -n 2 | each net route6
  if [ "$uid" = 0 ]; then
    {
      bounded 2 iptables-save -t filter 2>/dev/null || bounded 2 nft list ruleset 2>/dev/null
    } | grep -E '^:OUTPUT|-A OUTPUT|hook output|DROP|REJECT|drop|reject' | head -n 20 | each net firewall
  else
    say unseen firewall 'permission denied'
  fi
  bounded 2 chronyc -n tracking 2>/dev/null | grep 'Leap status' | each clock chrony
  there /run/systemd/system && say clock synchronized "$(bounded 2 timedatectl show --property=NTPSynchronized --value 2>/dev/null)"
}

# --- Agents: packages, services, processes ---
service() {
  if there /run/systemd/system; then
    bounded 3 systemctl show "$1.service" -p LoadState -p ActiveState -p SubState -p UnitFileState -p NRestarts \
      -p ExecMainCode -p ExecMainStatus -p User 2>/dev/null | while IFS= read -r line; do
      say service "$1.${line%%=*}" "${line#*=}"
    done
  fi
  if there "/etc/init.d/$1"; then
    say service "$1.openrc" "$(bounded 3 rc-service "$1" status 2>&1 | flat | cut -c1-100)"
    for level in "$root"/etc/runlevels/*/"$1"; do
      [ -e "$level" ] || [ -L "$level" ] || continue
      say service "$1.boot" 1
    done
  fi
  if there "/etc/init/$1.conf"; then
    say service "$1.upstart" "$(bounded 3 initctl status "$1" 2>&1 | flat | cut -c1-100)"
    slurp "/etc/init/$1.override" 400 | grep -q '^manual' || say service "$1.boot" 1
  fi
  for unit in "$root/lib/systemd/system/$1.service" "$root/usr/lib/systemd/system/$1.service" \
    "$root/etc/systemd/system/$1.service" "$root/etc/systemd/system/$1.service.d/"*.conf; do
    [ -r "$unit" ] || continue
    slurp "${unit#"$root"}" 8000 | grep -i '^[[:space:]]*Environment=.*\(proxy\|SSL_CERT\|CA_BUNDLE\)' | each unit "$1"
  done
}

packages() {
  if slurp /var/lib/dpkg/status 60000000 | awk '/^Package: /{p=($2=="amazon-ssm-agent")} p&&/^(Status|Version): /{print}' | each package deb; then :; fi
  { there /var/lib/rpm || there /usr/lib/sysimage/rpm; } && bounded 4 rpm -q --qf '%{VERSION}-%{RELEASE}\n' amazon-ssm-agent 2>/dev/null | grep '^[0-9]' | each package rpm
  if [ -L "$root/snap/amazon-ssm-agent/current" ] || [ -n "$show" ]; then
    say package snap "$(slurp /snap/amazon-ssm-agent/current/meta/snap.yaml 4000 | sed -n "s/^version: *['\"]\{0,1\}\([0-9.]*\).*/\1/p")"
    bounded 3 snap list amazon-ssm-agent 2>/dev/null | sed -n '2p' | flat | each package snaplist
  fi
  there /usr/bin/amazon-ssm-agent && say package binary /usr/bin/amazon-ssm-agent
  service amazon-ssm-agent
  [ -L "$root/snap/amazon-ssm-agent/current" ] && service snap.amazon-ssm-agent.amazon-ssm-agent
  service rollcall-agent
}

processes() {
  if [ -n "$show" ]; then
    printf 'read  %s\n' "$root/proc/*/{stat,cmdline,status,cgroup,limits,environ} of agents; of environ only proxies and trust" >&3
    return
  fi
  total=0
  for folder in "$root"/proc/[0-9]*; do
    total=$((total + 1))
    IFS= read -r stat 2>/dev/null <"$folder/stat" || continue
    short=${stat#*(}
    short=${short%)*}
    case $short in
      amazon-ssm-agen*|ssm-agent-worke*|ssm-document-wo*|ssm-session-*) ;;
      node*|rollcall*|MainThread*)
        tr '\0' ' ' <"$folder/cmdline" 2>/dev/null | grep -e "--root $own \|--root $own\$" | grep -v ' doctor \| why ' >/dev/null || continue ;;
      chronyd) say clock service chrony; continue ;;
      systemd-timesyn) say clock service timesyncd; continue ;;
      ntpd) say clock service ntpd; continue ;;
      *) continue ;;
    esac
    pid=${folder##*/}
    # shellcheck disable=SC2086
    set -- ${stat##*)}
    say proc "$pid.stat" "$short $1 $2 ${20}"
    say proc "$pid.exe" "$(bounded 1 readlink "$folder/exe" 2>/dev/null)"
    say proc "$pid.uid" "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "$folder/status" 2>/dev/null)"
    grep -E 'docker|containerd|kubepods|libpod|lxc' "$folder/cgroup" >/dev/null 2>&1 && say proc "$pid.container" 1
    say proc "$pid.limit" "$(sed -n 's/^Max open files *\([0-9]*\).*/\1/p' "$folder/limits" 2>/dev/null)"
    if [ -r "$folder/environ" ]; then
      say proc "$pid.files" "$(ls "$folder/fd" 2>/dev/null | grep -c .)"
      say proc "$pid.environ" 1
      tr '\0' '\n' <"$folder/environ" 2>/dev/null | grep -iE '^((https?|no|all)_proxy|SSL_CERT_FILE|SSL_CERT_DIR|AWS_CA_BUNDLE|HOME)=' | each proc "$pid.env"
    else
      say unseen 'processes of others' 'permission denied'
    fi
  done
  say room processes "$total $(slurp /proc/sys/kernel/pid_max 20)"
}

# --- The official agent's own files ---
official() {
  data=/var/lib/amazon/ssm
  settings=/etc/amazon/ssm/amazon-ssm-agent.json
  if there $settings; then
    say official settings "$(slurp $settings 20000 | flat)"
    changed official settings.changed $settings
  elif there $settings.template; then
    say official template "$(slurp $settings.template 20000 | flat)"
  fi
  if there $data; then
    say official data 1
    say official registration "$(slurp $data/registration 1000 | flat)"
    say official running "$(slurp $data/runtimeconfig/identity_config.json 4000 | flat)"
    if [ -n "$show" ] || [ -r "$root$data/Vault/Manifest" ]; then
      say official vault "$(slurp $data/Vault/Manifest 4000 | flat)"
      # Of the key only whether it is there: its text never gets into the block.
      key=$(slurp $data/Vault/Store/RegistrationKey 20000 | flat)
      there $data/Vault/Store/RegistrationKey && say official key.there 1
      say official key.id "$(printf '%s' "$key" | member instanceID)"
      say official key.region "$(printf '%s' "$key" | member region)"
      say official key.created "$(printf '%s' "$key" | member privateKeyCreatedDate)"
      [ -n "$(printf '%s' "$key" | member privateKey)" ] && say official key.whole 1
      key=
      print=$(slurp $data/Vault/Store/InstanceFingerprint 8000 | flat)
      say official print.machine "$(printf '%s' "$print" | member machine-id)"
      say official print.host "$(printf '%s' "$print" | member hostname-info)"
      say official print.address "$(printf '%s' "$print" | member ipaddress-info)"
      say official print.threshold "$(printf '%s' "$print" | number similarityThreshold)"
      print=
      ec2=$(slurp $data/Vault/Store/EC2RegistrationKey 20000 | flat)
      say official ec2.id "$(printf '%s' "$ec2" | member instanceID)"
      say official ec2.region "$(printf '%s' "$ec2" | member region)"
      ec2=
    elif [ -e "$root$data/Vault" ]; then
      say unseen "$data/Vault" 'permission denied'
    fi
    for folder in "$root$data"/*/document/orchestration; do
      [ -d "$folder" ] && say room orchestration "$(bounded 2 ls -f "$folder" 2>/dev/null | grep -c .)"
    done
  fi
  logs=/var/log/amazon/ssm
  if there $logs; then
    if [ -n "$show" ] || [ -r "$root$logs/amazon-ssm-agent.log" ]; then
      bounded 3 tail -c 200000 "$root$logs/amazon-ssm-agent.log" 2>/dev/null | grep -v DataBackend |
        grep -E '^[0-9-]+ [0-9:.]+ (WARN|ERROR|CRITICAL) |[Ss]leeping for|hibernat|take identity from|Credentials ready|Starting Core Agent|amazon-ssm-agent - v|HealthCheck reporting|Successfully connected' |
        tail -n 30 | cut -c1-500 | each log line
      bounded 2 tail -n 4 "$root$logs/hibernate.log" 2>/dev/null | cut -c1-300 | each hibernate line
    else
      say unseen "$logs" 'permission denied'
    fi
  fi
}

# --- Our agent's own files ---
rollcall() {
  there "$own" || return 0
  say rollcall root "$own"
  say rollcall status "$(slurp "$own/status.json" 8000 | flat)"
  if [ -n "$show" ] || [ -r "$root$own/identity.json" ]; then
    # Of the identity only what is no secret: the key's text never gets into the block.
    identity=$(slurp "$own/identity.json" 200000 | flat)
    there "$own/identity.json" && say rollcall identity.there 1
    for name in nodeId serverUrl region registeredAt; do
      say rollcall "identity.$name" "$(printf '%s' "$identity" | member $name)"
    done
    [ -n "$(printf '%s' "$identity" | member privateKey)" ] && say rollcall identity.whole 1
    identity=
  elif [ -e "$root$own/identity.json" ]; then
    say unseen "$own/identity.json" 'permission denied'
  fi
  config=$(slurp "$own/config.json" 20000 | flat)
  [ -n "$config" ] && say rollcall config 1
  say rollcall proxy "$(printf '%s' "$config" | member proxy)"
  say rollcall noproxy "$(printf '%s' "$config" | sed -n 's/.*"noProxy"[ ]*:[ ]*\[\([^]]*\)\].*/\1/p' | tr -d '" ')"
  say rollcall period "$(printf '%s' "$config" | number periodSeconds)"
  changed rollcall config.changed "$own/config.json"
}

# --- The way to an endpoint ---
# The environment of the running official agent, or else of its unit: what counts for how it goes out.
agent_proxy= agent_no= agent_file=
agent_environment() {
  [ -z "$show" ] || return 0
  for folder in "$root"/proc/[0-9]*; do
    IFS= read -r short 2>/dev/null <"$folder/comm" || continue
    [ "$short" = amazon-ssm-agen ] && [ -r "$folder/environ" ] || continue
    environment=$(tr '\0' '\n' <"$folder/environ" 2>/dev/null)
    break
  done
  if [ -z "$environment" ]; then
    environment=$(cat "$root"/lib/systemd/system/amazon-ssm-agent.service \
      "$root"/etc/systemd/system/amazon-ssm-agent.service \
      "$root"/etc/systemd/system/amazon-ssm-agent.service.d/*.conf 2>/dev/null |
      sed -n 's/^[[:space:]]*Environment=["'\'']\{0,1\}\([^"'\'']*\).*/\1/p')
  fi
  agent_proxy=$(printf '%s\n' "$environment" | sed -n 's/^\(HTTPS_PROXY\|https_proxy\)=//p' | tail -n 1)
  agent_no=$(printf '%s\n' "$environment" | sed -n 's/^\(NO_PROXY\|no_proxy\)=//p' | tail -n 1)
  agent_file=$(printf '%s\n' "$environment" | sed -n 's/^SSL_CERT_FILE=//p' | tail -n 1)
  environment=
}

# The store that a Go program reads.
store_file() {
  if [ -n "$agent_file" ]; then
    echo "$agent_file"
    return
  fi
  for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem \
    /etc/pki/tls/cacert.pem /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/cert.pem; do
    if [ -r "$file" ]; then
      echo "$file"
      return
    fi
  done
}

# certificate: what the handshake shows, in the variables of endpoint().
certificate() {
  { [ -n "$show" ] || has openssl; } || return 0
  set -- -connect "$host:$port"
  case $plain in *[a-zA-Z]*) case $plain in *:*) ;; *) set -- "$@" -servername "$plain" ;; esac ;; esac
  way=${proxy#*://}
  [ -z "$proxy" ] || set -- "$@" -proxy "${way##*@}"
  [ -z "$store" ] || set -- "$@" -CAfile "$store"
  # A handshake without a question would look like somebody who turned away.
  shown=$(printf 'GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: rollcall-collect\r\nAccept: */*\r\nConnection: close\r\n\r\n' "$rest" |
    bounded 6 openssl s_client "$@" -showcerts -ign_eof 2>&1)
  say endpoint "$n.verify" "$(printf '%s\n' "$shown" | sed -n 's/.*Verify return code: //p' | head -n 1)"
  say endpoint "$n.protocol" "$(printf '%s\n' "$shown" | sed -n 's/.*Protocol *: //p;s/^New, \(TLSv[0-9.]*\),.*/\1/p' | head -n 1)"
  # The host's own certificate is the first, and who vouches for it the last.
  printf '%s\n' "$shown" | sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p;/END CERTIFICATE/q' |
    bounded 2 openssl x509 -noout -subject -issuer -startdate -enddate -fingerprint -sha256 2>/dev/null | each endpoint "$n.leaf"
  printf '%s\n' "$shown" | sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p;/END CERTIFICATE/q' |
    bounded 2 openssl x509 -noout -text 2>/dev/null | grep -A1 'Subject Alternative Name' | tail -n 1 | cut -c1-600 | each endpoint "$n.names"
  printf '%s\n' "$shown" | awk '/BEGIN CERTIFICATE/{c=""} {c=c $0 "\n"} /END CERTIFICATE/{l=c} END{printf "%s",l}' |
    bounded 2 openssl x509 -noout -subject -issuer -fingerprint -sha256 2>/dev/null | each endpoint "$n.last"
}

# endpoint NUMBER WHO SERVICE URL PROXY NO_PROXY STORE
endpoint() {
  n=$1 who=$2 kind=$3 url=$4 proxy=$5 no=$6 store=$7
  rest=${url#https://}
  rest=${rest%%/*}
  host=${rest%:*}
  port=${rest##*:}
  [ "$port" != "$rest" ] || port=443
  case $host in \[*) plain=${host#\[}; plain=${plain%\]} ;; *) plain=$host ;; esac
  say endpoint "$n.url" "https://$rest"
  say endpoint "$n.agent" "$who"
  say endpoint "$n.service" "$kind"
  # From here on every program goes out as the agent does. A password in a proxy's address stays out of argv.
  unset HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
  https_proxy=$proxy no_proxy=$no
  export https_proxy no_proxy
  hop=$plain
  if [ -n "$proxy" ]; then
    hop=${proxy#*://}
    hop=${hop##*@}
    hop=${hop%%/*}
    hop=${hop%:*}
    say endpoint "$n.proxy" "$proxy"
  fi
  addresses=
  if [ -n "$show" ] || has getent; then
    addresses=$(bounded 4 getent ahosts "$hop" 2>/dev/null | cut -d' ' -f1 | sort -u | flat)
    say endpoint "$n.getent" "${addresses:-none}"
  fi
  if [ -n "$show" ] || has nslookup; then
    say endpoint "$n.nslookup" "$(bounded 4 nslookup "$hop" 2>&1 | flat | cut -c1-600)"
  fi
  for address in $addresses; do
    say endpoint "$n.route" "$(bounded 2 ip route get "$address" 2>&1 | head -n 1)"
    break
  done
  [ "$plain" = localhost ] || grep -i "[[:space:]]$plain\\([[:space:]]\\|\$\\)" "$root/etc/hosts" 2>/dev/null | grep -v '^#' | each endpoint "$n.hosts"
  certificate &
  if [ -n "$show" ] || has curl; then
    set -- -sS -v --http1.1 --connect-timeout 4 --max-time 7 -A rollcall-collect
    [ -z "$store" ] || set -- "$@" --cacert "$store"
    if has openssl; then
      # openssl says whether the certificate is trusted; were curl to refuse it, the server would note a refusal.
      set -- "$@" -k
      say endpoint "$n.insecure" 1
    fi
    form='\n~ %{http_code} %{http_connect} %{time_namelookup} %{time_connect} %{time_appconnect} %{time_total} %{remote_ip} %{ssl_verify_result}\n'
    asked=$(date +%s)
    answer=$(bounded 8 curl "$@" -i -w "$form" "$url/" 2>&1)
    code=$?
    say endpoint "$n.curl" "$code"
    say endpoint "$n.times" "$(printf '%s\n' "$answer" | sed -n 's/^~ //p' | tail -n 1)"
    printf '%s\n' "$answer" | grep -E 'failed: |^curl: |refused|unreachable|timed out|alert' | cut -c1-200 | head -n 6 | each endpoint "$n.trouble"
    if [ $code = 60 ] || [ $code = 77 ] || [ $code = 51 ] || [ $code = 35 ]; then
      # Once more without looking at the certificate, to see who answers, and its clock.
      asked=$(date +%s)
      set -- "$@" -k
      answer=$(bounded 6 curl "$@" -i -w "$form" "$url/" 2>&1)
      code=$?
      say endpoint "$n.unverified" $code
    fi
    say endpoint "$n.asked" "$asked"
    printf '%s\n' "$answer" | tr -d '\r' | grep -iE '^(HTTP/|Date:|Server:|Location:|x-amzn-requestid:)' | cut -c1-200 | each endpoint "$n.head"
    say endpoint "$n.body" "$(printf '%s\n' "$answer" | tr -d '\r' | grep -v '^[*<>{}] \|^~ \|^curl: ' | sed '1,/^$/d' | flat | cut -c1-200)"
    if [ $code = 0 ]; then
      answer=$(bounded 5 curl "$@" -i -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
        -H 'Sec-WebSocket-Key: cm9sbGNhbGwgZG9jdG9yIQ==' "$url/v1/control-channel/" 2>/dev/null | tr -d '\r')
      say endpoint "$n.upgrade" "$(printf '%s\n' "$answer" | flat | cut -c1-400)"
    fi
  elif has wget; then
    asked=$(date +%s)
    answer=$(bounded 8 wget -S -O - -T 6 "$url/" 2>&1)
    say endpoint "$n.wget" $?
    say endpoint "$n.asked" "$asked"
    printf '%s\n' "$answer" | tr -d '\r' | sed 's/^ *//' | grep -iE '^(HTTP/|Date:|Server:|Location:|x-amzn-requestid:)' | cut -c1-200 | each endpoint "$n.head"
    printf '%s\n' "$answer" | grep -iE "refused|unreachable|timed out|resolve|bad address|certificate|failed|error" | cut -c1-200 | head -n 4 | each endpoint "$n.trouble"
    printf '%s' "$answer" | grep -q '<UnknownOperationException' && say endpoint "$n.body" '<UnknownOperationException/>'
  elif has nc; then
    bounded 5 nc -w 4 "$plain" "$port" </dev/null >/dev/null 2>&1
    say endpoint "$n.nc" $?
  fi
  wait
  if [ -n "$store" ]; then
    say endpoint "$n.store" "$store"
    say endpoint "$n.store.changed" "$(bounded 2 stat -c %Y "$store" 2>/dev/null)"
  fi
}

endpoints() {
  agent_environment
  store=$(store_file)
  number=0
  if [ -n "$show" ]; then
    endpoint 1 rollcall ssm "${server:-https://SERVER}" '' '' CA-STORE
    return
  fi
  mine=$(printf '%s' "$(slurp "$own/status.json" 8000 | flat)" | member serverUrl)
  [ -n "$mine" ] || mine=$(slurp "$own/identity.json" 200000 | flat | member serverUrl)
  case $mine in
    https://*)
      number=1
      config=$(slurp "$own/config.json" 20000 | flat)
      endpoint 1 rollcall ssm "$mine" "$(printf '%s' "$config" | member proxy)" \
        "$(printf '%s' "$config" | sed -n 's/.*"noProxy"[ ]*:[ ]*\[\([^]]*\)\].*/\1/p' | tr -d '" ')" '' & ;;
  esac
  there=
  settings=$(slurp /etc/amazon/ssm/amazon-ssm-agent.json 20000 | flat)
  [ -e "$root/usr/bin/amazon-ssm-agent" ] || [ -L "$root/snap/amazon-ssm-agent/current" ] || [ -n "$settings" ] && there=1
  region=$(slurp /var/lib/amazon/ssm/registration 1000 | flat | member Region)
  [ -n "$region" ] || region=$(printf '%s' "$settings" | inside Agent | member Region)
  region=${region:-$aws}
  domain=$(printf '%s' "$settings" | inside Agent | member ServiceDomain)
  if [ -z "$domain" ]; then
    case $region in
      cn-*) domain=amazonaws.com.cn ;;
      us-iso-*) domain=c2s.ic.gov ;;
      us-isob-*) domain=sc2s.sgov.gov ;;
      us-isof-*) domain=csp.hci.ic.gov ;;
      eu-isoe-*) domain=cloud.adc-e.uk ;;
      eusc-de-*) domain=amazonaws.eu ;;
      *) domain=amazonaws.com ;;
    esac
  fi
  case $region in *[!A-Za-z0-9-]*) region= ;; esac
  if [ -n "$there$aws" ]; then
    before=
    for pair in ssm=Ssm ssmmessages=Mgs ec2messages=Mds; do
      kind=${pair%=*}
      url=$(printf '%s' "$settings" | inside "${pair#*=}" | member Endpoint)
      case $url in
        '') [ -n "$region" ] && url=https://$kind.$region.$domain ;;
        *://*) url=https://${url#*://} ;;
        *) url=https://$url ;;
      esac
      case $url in ''|*[!A-Za-z0-9:/.\[\]_-]*) continue ;; esac
      # Three services at one address are tried once.
      case " $before " in *" $url "*) say endpoint also "$kind $url"; continue ;; esac
      before="$before $url"
      number=$((number + 1))
      endpoint $number official "$kind" "$url" "$agent_proxy" "$agent_no" "$store" &
    done
  fi
  if [ -n "$server" ] && [ "$server" != "$mine" ]; then
    number=$((number + 1))
    agent_file=
    endpoint $number none ssm "$server" "${https_proxy:-${HTTPS_PROXY:-}}" "${no_proxy:-${NO_PROXY:-}}" "$(store_file)" &
  fi
  wait
}

# --- Metadata ---
metadata() {
  { there /usr/bin/amazon-ssm-agent || there /snap/amazon-ssm-agent || [ -n "$aws" ]; } || return 0
  [ -n "$show" ] || has curl || return 0
  at=http://169.254.169.254/latest
  token=$(bounded 3 curl -s -m 2 --noproxy '*' -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 60' -w '\n%{http_code}' $at/api/token 2>/dev/null)
  say metadata token "$? $(printf '%s\n' "$token" | tail -n 1)"
  token=$(printf '%s\n' "$token" | head -n 1 | cut -c1-200)
  case $token in *[!A-Za-z0-9+/=_-]*) token= ;; esac
  say metadata id "$(bounded 3 curl -s -m 2 --noproxy '*' -H "x-aws-ec2-metadata-token: $token" -w ' %{http_code}' $at/meta-data/instance-id 2>/dev/null | flat | cut -c1-120)"
  say metadata region "$(bounded 3 curl -s -m 2 --noproxy '*' -H "x-aws-ec2-metadata-token: $token" $at/dynamic/instance-identity/document 2>/dev/null | flat | member region)"
  # The name of the role; its credentials are never asked for.
  say metadata role "$(bounded 3 curl -s -m 2 --noproxy '*' -H "x-aws-ec2-metadata-token: $token" -w ' %{http_code}' $at/meta-data/iam/security-credentials/ 2>/dev/null | flat | cut -c1-160)"
}

# --- What a person's shell has for a proxy ---
shell() {
  [ -n "$show" ] && return 0
  env | grep -iE '^(https?|no)_proxy=' | each shell env
  for file in /etc/environment /etc/profile; do
    slurp $file 20000 | grep -iE '^[[:space:]]*(export )?(https?|no)_proxy=' | each shell "file.$file"
  done
  for file in "$root"/etc/profile.d/*.sh; do
    [ -r "$file" ] && grep -iE '^[[:space:]]*(export )?(https?|no)_proxy=' "$file" 2>/dev/null | each shell "file.${file#"$root"}"
  done
}

gather() {
  say meta format 1
  say meta at "$began"
  say meta root "$([ "$uid" = 0 ] && echo 1)"
  tools=
  for tool in curl wget openssl nc getent nslookup ip ss timeout systemctl; do
    has $tool && tools="$tools $tool"
  done
  say meta tools "$tools"
  endpoints &
  metadata &
  machine
  packages
  processes
  official
  rollcall
  room
  network
  shell
  wait
  say meta took "$(($(date +%s) - began))"
}

# What nobody else may learn is taken out here, once more, whatever it came in.
hide() {
  tr -c '\n -~' '?' | sed \
    -e 's#\(://\)[^/@ ]*@#\1[hidden]@#g' \
    -e 's#\("[A-Za-z_]*\([Tt]oken\|[Ss]ecret\|[Pp]assword\|[Pp]rivate[Kk]ey\|[Cc]ode\|[Ff]ingerprint\|[Ss]ignature\)[A-Za-z_]*" *: *"\)[^"]*#\1[hidden]#g' \
    -e 's#\([Pp]assword\|[Ss]ecret\|[Tt]oken\|[Ss]ignature\|[Cc]redential\|[Cc]ode\|[Kk]ey\)=[^ ]*#\1=[hidden]#g' \
    -e 's#\( -\{1,2\}\(code\|password\|token\|key\)[ =]\)[^ ]*#\1[hidden]#g' \
    -e 's#\([Bb]earer\|[Bb]asic\) [A-Za-z0-9+/=._-]\{8,\}#\1 [hidden]#g' \
    -e 's#\(A[KS]IA\)[A-Z0-9]\{12,\}#\1[hidden]#g' \
    -e 's#[A-Za-z0-9+/]\{65,\}=\{0,2\}#[hidden]#g'
}

# `section key=value` with no other space in it, so that wrapped lines can be joined again: `_` is a space, `\_` an
# underscore, `\\` a backslash.
encode() {
  sed -e 's/\\/\\\\/g' -e 's/_/\\_/g' -e 's/ /_/g' -e 's/_/ /' -e 's/^/:/'
}

uid=$(id -u 2>/dev/null)
if [ -n "$show" ]; then
  exec 3>&1
  echo '# What would be read and run (a path with * stands for several; SERVER for where the agents lead):'
  gather 3>&1 >/dev/null 2>/dev/null </dev/null
  exit 0
fi
exec 3>/dev/null
# The script itself may come in as standard input: nothing that it runs may read on there.
block=$(gather 2>/dev/null </dev/null | grep -v '^[a-z]* [^=]*=$' | hide | encode)
sum=$(printf '%s\n' "$block" | cksum 2>/dev/null | cut -d' ' -f1,2 | tr ' ' '-')
count=$(printf '%s\n' "$block" | grep -c .)
printf '%s\n' '-----BEGIN ROLLCALL EVIDENCE-----'
printf '%s\n' "$block"
printf ':end %s\n' "lines=$count"
printf ':end %s\n' "sum=${sum:-none}"
printf '%s\n' '-----END ROLLCALL EVIDENCE-----'
