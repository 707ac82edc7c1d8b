# Collects what tells why this Windows machine is not in the list of managed nodes, and prints it as one block of
# text to paste. It only reads and connects: nothing is installed, written or changed, and no secret is printed.
# An administrator sees more; it works without. Windows PowerShell 5.1 and later.
#
#   powershell -ExecutionPolicy Bypass -File collect.ps1 [-Server https://HOST] [-Aws REGION] [-Show]
#
# Judge the block anywhere:  rollcall doctor --read -     or on the server:  rollcall why NODE --evidence FILE
param([string]$Server = '', [string]$Aws = '', [switch]$Show)

$ErrorActionPreference = 'SilentlyContinue'
function Seconds { [int64](((Get-Date).ToUniversalTime() - [datetime]'1970-01-01').TotalSeconds) }
$began = Seconds
$facts = New-Object System.Collections.Generic.List[string]

if ($Server -ne '' -and $Server -notmatch '^https://[A-Za-z0-9.:_\[\]-]+$') { Write-Error 'usage: -Server https://HOST[:PORT]'; exit 64 }
if ($Aws -notmatch '^[A-Za-z0-9-]*$') { Write-Error 'usage: -Aws REGION'; exit 64 }

if ($Show) {
  @(
    'read  Win32_OperatingSystem, Win32_ComputerSystemProduct, Win32_LogicalDisk, Win32_Service AmazonSSMAgent, Win32_Process of agents'
    'read  HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State, HKLM:\SYSTEM\CurrentControlSet\Services\AmazonSSMAgent (Environment: proxies only)'
    'read  C:\ProgramData\Amazon\SSM: registration, runtimeconfig\identity_config.json, Logs\amazon-ssm-agent.log, Logs\hibernate.log (chosen lines)'
    'read  C:\Program Files\Amazon\SSM\amazon-ssm-agent.json'
    'run   netsh winhttp show proxy; w32tm /query /status'
    'connect  to the endpoints that the agent''s settings lead to, and to -Server: name, TCP, TLS, GET /'
  )
  exit 0
}

# One line of the block. What nobody else may learn is taken out here.
function Say([string]$section, [string]$key, $value) {
  $text = [string]$value
  if ([string]::IsNullOrWhiteSpace($text)) { return }
  $text = $text -replace '[^\x20-\x7e]', ' '
  if ($text.Length -gt 6000) { $text = $text.Substring(0, 6000) }
  $text = $text -replace '(://)[^/@ ]*@', '$1[hidden]@'
  $text = $text -replace '("[A-Za-z_]*([Tt]oken|[Ss]ecret|[Pp]assword|[Pp]rivate[Kk]ey|[Cc]ode|[Ff]ingerprint|[Ss]ignature)[A-Za-z_]*" *: *")[^"]*', '$1[hidden]'
  $text = $text -replace '(A[KS]IA)[A-Z0-9]{12,}', '$1[hidden]'
  $text = $text -replace '[A-Za-z0-9+/]{65,}=*', '[hidden]'
  $text = $text.Trim()
  $text = $text.Replace('\', '\\').Replace('_', '\_').Replace(' ', '_')
  $name = $key.Replace('\', '\\').Replace('_', '\_').Replace(' ', '_').Replace('=', '-')
  $facts.Add(':' + $section + ' ' + $name + '=' + $text)
}

function Flat([string]$path) {
  if (-not (Test-Path -LiteralPath $path)) { return '' }
  $text = (Get-Content -LiteralPath $path -TotalCount 400) -join ' '
  return ($text -replace '\s+', ' ')
}

$admin = ([Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()).IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
Say meta format 1
Say meta at $began
if ($admin) { Say meta root 1 }
Say meta tools 'powershell'

# --- The machine ---
$os = Get-CimInstance Win32_OperatingSystem
Say host system 'Windows'
Say host name $env:COMPUTERNAME
Say host os.ID 'windows'
Say host os.NAME $os.Caption
Say host os.VERSION_ID $os.Version
Say host kernel $os.Version
Say host arch $env:PROCESSOR_ARCHITECTURE
Say host init 'windows'
Say host zone ((Get-Date -Format 'zzz') -replace ':', '')
Say host timezone ([TimeZoneInfo]::Local.Id)
if ($os.LastBootUpTime) { Say host boot ([int64](($os.LastBootUpTime.ToUniversalTime() - [datetime]'1970-01-01').TotalSeconds)) }
$product = Get-CimInstance Win32_ComputerSystemProduct
Say host uuid $product.UUID
Say host vendor $product.Vendor
$state = (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State').ImageState
Say host imagestate $state
foreach ($address in Get-NetIPAddress) { if ($address.IPAddress -notmatch '^(127\.|::1$)') { Say host address ($address.IPAddress -replace '%.*', '') } }
foreach ($card in Get-NetAdapter) { Say host mac ($card.MacAddress -replace '-', ':').ToLower() }
foreach ($server in (Get-DnsClientServerAddress).ServerAddresses | Select-Object -Unique) { Say net resolv "nameserver $server" }

# --- Its room ---
foreach ($disk in Get-CimInstance Win32_LogicalDisk -Filter 'DriveType=3') {
  $total = [int64]($disk.Size / 1024)
  $free = [int64]($disk.FreeSpace / 1024)
  $mount = $disk.DeviceID + '\'
  Say disk ('bytes.' + $mount) ("$mount $total $($total - $free) $free 0% $mount")
}
Say room memory "MemTotal $($os.TotalVisibleMemorySize)"
Say room memory "MemAvailable $($os.FreePhysicalMemory)"

# --- The agent ---
$service = Get-CimInstance Win32_Service -Filter "Name='AmazonSSMAgent'"
if ($service) {
  Say service AmazonSSMAgent.windows $service.State
  Say service AmazonSSMAgent.start $service.StartMode
  Say service AmazonSSMAgent.User $service.StartName
}
$binary = 'C:\Program Files\Amazon\SSM\amazon-ssm-agent.exe'
if (Test-Path -LiteralPath $binary) {
  Say package binary $binary
  Say package windows (Get-Item -LiteralPath $binary).VersionInfo.ProductVersion
}
foreach ($process in Get-CimInstance Win32_Process -Filter "Name='amazon-ssm-agent.exe' OR Name='ssm-agent-worker.exe'") {
  $ticks = 0
  if ($process.CreationDate -and $os.LastBootUpTime) { $ticks = [int64](($process.CreationDate - $os.LastBootUpTime).TotalSeconds * 100) }
  Say proc "$($process.ProcessId).stat" "$($process.Name -replace '\.exe$', '') S $($process.ParentProcessId) $ticks"
}
# The service's own environment is where its proxy is set.
foreach ($line in (Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Services\AmazonSSMAgent').Environment) {
  if ($line -match '^(https?|no)_proxy=') { Say unit AmazonSSMAgent ('Environment=' + $line); Say unit amazon-ssm-agent ('Environment=' + $line) }
}
foreach ($line in (netsh winhttp show proxy)) { if ($line -match 'Proxy Server') { Say shell winhttp $line } }
foreach ($name in 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY') {
  $value = [Environment]::GetEnvironmentVariable($name)
  if ($value) { Say shell env ($name + '=' + $value) }
}
$data = 'C:\ProgramData\Amazon\SSM'
$settings = Flat 'C:\Program Files\Amazon\SSM\amazon-ssm-agent.json'
Say official settings $settings
Say official registration (Flat "$data\registration")
Say official running (Flat "$data\runtimeconfig\identity_config.json")
$log = "$data\Logs\amazon-ssm-agent.log"
if (Test-Path -LiteralPath $log) {
  Get-Content -LiteralPath $log -Tail 2000 |
    Where-Object { $_ -notmatch 'DataBackend' -and $_ -match '^[0-9-]+ [0-9:.]+ (WARN|ERROR|CRITICAL) |Sleeping for|hibernat|take identity from|Credentials ready|Starting Core Agent|amazon-ssm-agent - v|HealthCheck reporting|Successfully connected' } |
    Select-Object -Last 30 | ForEach-Object { Say log line $_.Substring(0, [Math]::Min(500, $_.Length)) }
}
if (Test-Path -LiteralPath "$data\Logs\hibernate.log") {
  Get-Content -LiteralPath "$data\Logs\hibernate.log" -Tail 4 | ForEach-Object { Say hibernate line $_ }
}
foreach ($line in (w32tm /query /status)) { if ($line -match '^Leap Indicator: 3') { Say clock synchronized no } }

# --- The way to an endpoint ---
function Endpoint([int]$number, [string]$who, [string]$kind, [string]$url) {
  $target = [Uri]$url
  $port = $target.Port
  Say endpoint "$number.url" $url
  Say endpoint "$number.agent" $who
  Say endpoint "$number.service" $kind
  $addresses = @()
  try { $addresses = [Net.Dns]::GetHostAddresses($target.DnsSafeHost) | ForEach-Object { $_.ToString() } } catch { Say endpoint "$number.trouble" ('could not resolve: ' + $_.Exception.Message) }
  if ($addresses.Count -eq 0) { Say endpoint "$number.getent" 'none'; return }
  Say endpoint "$number.getent" ($addresses -join ' ')
  $client = New-Object Net.Sockets.TcpClient
  $timer = [Diagnostics.Stopwatch]::StartNew()
  $pending = $client.BeginConnect($target.DnsSafeHost, $port, $null, $null)
  if (-not $pending.AsyncWaitHandle.WaitOne(4000)) { Say endpoint "$number.nc" 124; $client.Close(); return }
  try { $client.EndConnect($pending) } catch { Say endpoint "$number.nc" 1; Say endpoint "$number.trouble" $_.Exception.Message; return }
  Say endpoint "$number.nc" 0
  $check = [Net.Security.RemoteCertificateValidationCallback] {
    param($sender, $certificate, $chain, $problems)
    $script:errors = [string]$problems
    $script:last = $null
    if ($chain) { foreach ($element in $chain.ChainElements) { $script:last = $element.Certificate } }
    return $true
  }
  $script:errors = 'None'
  $stream = New-Object Net.Security.SslStream($client.GetStream(), $false, $check)
  $stream.ReadTimeout = 4000
  $stream.WriteTimeout = 4000
  try { $stream.AuthenticateAsClient($target.DnsSafeHost, $null, [Security.Authentication.SslProtocols]::Tls12, $false) } catch { Say endpoint "$number.trouble" $_.Exception.Message; $client.Close(); return }
  $leaf = New-Object Security.Cryptography.X509Certificates.X509Certificate2($stream.RemoteCertificate)
  Say endpoint "$number.leaf" ('subject=' + $leaf.Subject)
  Say endpoint "$number.leaf" ('issuer=' + $leaf.Issuer)
  Say endpoint "$number.leaf" ('notBefore=' + $leaf.NotBefore.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ'))
  Say endpoint "$number.leaf" ('notAfter=' + $leaf.NotAfter.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ'))
  $sha = [Security.Cryptography.SHA256]::Create()
  Say endpoint "$number.leaf" ('fingerprint=' + ([BitConverter]::ToString($sha.ComputeHash($leaf.RawData)) -replace '-', ':'))
  if ($script:last) {
    Say endpoint "$number.last" ('subject=' + $script:last.Subject)
    Say endpoint "$number.last" ('issuer=' + $script:last.Issuer)
    Say endpoint "$number.last" ('fingerprint=' + ([BitConverter]::ToString($sha.ComputeHash($script:last.RawData)) -replace '-', ':'))
  }
  Say endpoint "$number.protocol" $stream.SslProtocol
  Say endpoint "$number.store" 'Cert:\LocalMachine\Root'
  # The words of OpenSSL for what Windows found.
  if ($script:errors -eq 'None') { Say endpoint "$number.verify" '0 (ok)' }
  elseif ($leaf.NotAfter -lt (Get-Date)) { Say endpoint "$number.verify" '10 (certificate has expired)' }
  elseif ($leaf.NotBefore -gt (Get-Date)) { Say endpoint "$number.verify" '9 (certificate is not yet valid)' }
  elseif ($script:errors -match 'NameMismatch') { Say endpoint "$number.verify" '62 (hostname mismatch)' }
  else { Say endpoint "$number.verify" '20 (unable to get local issuer certificate)' }
  $asked = Seconds
  $question = [Text.Encoding]::ASCII.GetBytes("GET / HTTP/1.1`r`nHost: $($target.Authority)`r`nUser-Agent: rollcall-collect`r`nAccept: */*`r`nConnection: close`r`n`r`n")
  try {
    $stream.Write($question, 0, $question.Length)
    $buffer = New-Object byte[] 4096
    $text = ''
    do {
      $read = $stream.Read($buffer, 0, $buffer.Length)
      if ($read -gt 0) { $text += [Text.Encoding]::ASCII.GetString($buffer, 0, $read) }
    } while ($read -gt 0 -and $text.Length -lt 8192)
    Say endpoint "$number.asked" $asked
    $parts = $text -split "`r`n`r`n", 2
    foreach ($line in ($parts[0] -split "`r`n")) { if ($line -match '^(HTTP/|Date:|Server:|Location:|x-amzn-requestid:)') { Say endpoint "$number.head" $line } }
    $body = ($parts[1] -replace '\s+', ' ')
    Say endpoint "$number.body" $body.Substring(0, [Math]::Min(200, $body.Length))
  } catch { Say endpoint "$number.trouble" $_.Exception.Message }
  $client.Close()
}

$parsed = $null
if ($settings -ne '') { $parsed = $settings | ConvertFrom-Json }
$region = $Aws
$registration = Flat "$data\registration"
if ($registration -ne '') { $known = ($registration | ConvertFrom-Json).Region; if ($known) { $region = $known } }
$domain = 'amazonaws.com'
if ($region -match '^cn-') { $domain = 'amazonaws.com.cn' }
if ($parsed.Agent.ServiceDomain) { $domain = $parsed.Agent.ServiceDomain }
$number = 0
$before = @()
if ($service -or $settings -ne '' -or $Aws -ne '') {
  foreach ($pair in @(@('ssm', $parsed.Ssm.Endpoint), @('ssmmessages', $parsed.Mgs.Endpoint), @('ec2messages', $parsed.Mds.Endpoint))) {
    $url = $pair[1]
    if (-not $url) { if ($region -eq '') { continue }; $url = "https://$($pair[0]).$region.$domain" }
    if ($url -notmatch '://') { $url = "https://$url" }
    if ($url -notmatch '^https://[A-Za-z0-9.:_\[\]-]+/?$') { continue }
    $url = $url.TrimEnd('/')
    if ($before -contains $url) { Say endpoint also "$($pair[0]) $url"; continue }
    $before += $url
    $number += 1
    Endpoint $number 'official' $pair[0] $url
  }
}
if ($Server -ne '') { $number += 1; Endpoint $number 'none' 'ssm' $Server.TrimEnd('/') }
Say meta took ((Seconds) - $began)

# --- The block. Its lines are counted; there is no cksum here to sum them with. ---
'-----BEGIN ROLLCALL EVIDENCE-----'
$facts
':end lines=' + $facts.Count
':end sum=none'
'-----END ROLLCALL EVIDENCE-----'
