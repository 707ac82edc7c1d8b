/*
 * Set-up, run by npm before `start` and `test`: installs the packages and the repository's own Node when the
 * lock file has changed, says what it downloads, and does nothing, offline too, when nothing changed.
 * Plain old JavaScript: it is the one script that runs on whatever Node the machine has.
 */
'use strict';
var major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(
    'Rollcall needs Node 20 or newer to set itself up; this is Node ' + process.versions.node + ' (' + process.execPath + ').'
  );
  process.exit(2);
}

var childProcess = require('child_process');
var crypto = require('crypto');
var fs = require('fs');
var path = require('path');

var root = path.dirname(__dirname);
var wanted = process.argv[2] === 'test' ? 'test' : 'start';
var stampFile = path.join(root, 'node_modules', '.rollcall-setup');
var lockText = fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8');
var lockHash = crypto.createHash('sha256').update(lockText).digest('hex');

/** What the last set-up left: for which lock file, and whether with the packages that only tests need. */
function readStamp() {
  try {
    return JSON.parse(fs.readFileSync(stampFile, 'utf8'));
  } catch (error) {
    return {};
  }
}

/** How many packages this machine will get: those of the lock file that fit its platform. */
function countPackages() {
  var packages = JSON.parse(lockText).packages;
  return Object.keys(packages).filter(function (name) {
    var entry = packages[name];
    return (
      name !== '' &&
      !entry.link &&
      name.indexOf('node_modules/') === 0 &&
      (wanted === 'test' || !(entry.dev || entry.devOptional)) &&
      (!entry.os || entry.os.indexOf(process.platform) >= 0) &&
      (!entry.cpu || entry.cpu.indexOf(process.arch) >= 0)
    );
  }).length;
}

/** The size of a folder in bytes. */
function sizeOf(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).reduce(function (sum, entry) {
    var file = path.join(folder, entry.name);
    if (entry.isDirectory()) return sum + sizeOf(file);
    return entry.isFile() ? sum + fs.statSync(file).size : sum;
  }, 0);
}

var stamp = readStamp();
var current = stamp.lock === lockHash;
if (!(current && (stamp.mode === 'test' || wanted === 'start'))) {
  var started = Date.now();
  process.stderr.write('Preparing, once: ' + countPackages() + ' packages and Node 26, from the npm registry ... ');
  // An upgrade from `start` to `test` only adds packages: `ci` would first delete those of a running server.
  var args = current ? ['install', '--no-save', '--include=dev'] : ['ci'];
  if (wanted === 'start') args.push('--omit=dev');
  args.push('--no-audit', '--no-fund', '--loglevel=error');
  var npm = childProcess.spawnSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    env: Object.assign({}, process.env, { npm_config_loglevel: 'error' }),
  });
  if (npm.error || npm.status !== 0) {
    // npm adds pages of usage to an error; what it says first is what went wrong.
    var said = (npm.stderr || '').split('\n').slice(0, 8).join('\n');
    process.stderr.write('\n' + said + '\n' + (npm.error ? npm.error.message + '\n' : ''));
    console.error(
      'Set-up failed: npm ' + args.join(' ') + ' said the above. It needs the npm registry once; after that Rollcall starts offline.'
    );
    process.exit(2);
  }
  var megabytes = Math.round(sizeOf(path.join(root, 'node_modules')) / 1e6);
  fs.writeFileSync(stampFile, JSON.stringify({ lock: lockHash, mode: wanted }) + '\n');
  process.stderr.write(megabytes + ' MB, ' + Math.round((Date.now() - started) / 1000) + ' s\n');
}
