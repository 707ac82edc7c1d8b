/** A verdict's page: never wider than it may be, nothing hidden in it, ids and commands whole, in both languages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Evidence } from '../evidence/index.ts';
import { judge } from '../judge.ts';
import { cases } from '../testing/cases/index.ts';
import {
  ca,
  healthy,
  hour,
  leaf,
  lost,
  lostRow,
  machine,
  minute,
  node,
  nodeId,
  now,
  officialAgent,
  ownAgent,
  row,
  seenOn,
  stoppedAt,
} from '../testing/evidence.ts';
import { widthOf } from '../text/index.ts';
import { type RenderOptions, renderVerdict } from './verdict.ts';

const tokyo = { utf8: true, timeZone: 'Asia/Tokyo' } as const;
const page = (evidence: Evidence, options: Partial<RenderOptions> = {}) =>
  renderVerdict(judge(evidence), { lang: 'en', ...tokyo, ...options });

const all: readonly Evidence[] = [
  ...cases.map(({ evidence }) => evidence),
  healthy(),
  lost({ node: undefined }),
  { now },
  { now, node: node({ host: { bootAt: now - minute }, agents: [] }) },
];

const caMissing = lost({
  node: {
    at: now,
    endpoints: [
      stoppedAt('tls', 'untrusted', {
        issuer: 'Rollcall CA 7F3A 91C2',
        fingerprint: leaf,
        root: ca,
        store: { path: '/etc/pki/ca-trust', readable: true, hasRoot: false, changedAt: now - 63 * minute },
      }),
    ],
  },
});

test('no line of any page is wider than 80 columns, and none ends in a space', () => {
  for (const evidence of all)
    for (const options of [
      { lang: 'en' },
      { lang: 'ja' },
      { lang: 'en', utf8: false },
      { lang: 'ja', verbose: true },
      { lang: 'en', verbose: true },
    ] as const)
      for (const line of page(evidence, options)) {
        assert.ok(widthOf(line) <= 80, `${widthOf(line)}: ${line}`);
        assert.equal(line, line.trimEnd());
        if ('utf8' in options) assert.match(line, /^[\x20-\x7e]*$/);
      }
});

test('no slot is left unfilled where the evidence has it', () => {
  for (const evidence of all)
    for (const lang of ['en', 'ja'] as const) {
      const text = page(evidence, { lang }).join('\n');
      assert.doesNotMatch(text, /\{\w+|undefined|NaN|\[object/, text);
    }
});

test('the order is who, answers, gates, sentence, seen, ruled out, fix, expect', () => {
  const text = page(caMissing, { tookMs: 1400 }).join('\n');
  const places = [
    'web-07',
    '1.4 s',
    'In the list?',
    'Can be picked?',
    'Will it work?',
    '[✓] Scope',
    '[✗] Path',
    'stops here',
    '[–] Permitted',
    'web-07 is lost because',
    'ca-missing, solution 7',
    'Seen',
    'Ruled out',
    'Fix',
    'guarded',
    'sudo rollcall trust',
    'undo:',
    'Expect',
  ].map((part) => text.indexOf(part));
  assert.ok(!places.includes(-1), text);
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
  );
});

test('the whole page in English', () => {
  assert.deepEqual(page(caMissing, { tookMs: 1400 }), [
    'web-07   mi-07c1d2e3f4a5b6978   amazon-ssm-agent 3.3.987.0         1.4 s',
    '',
    'In the list?      as Connection Lost since 13:12',
    'Can be picked?    no',
    'Will it work?     no',
    '',
    '[✓] Scope       region dc-tokyo, at https://rollcall.lan:8443',
    '[✓] Machine     Debian 12, up 41 days, 61 % of disk free, clock -0.1 s',
    '[✓] Agent       amazon-ssm-agent 3.3.987.0, as root, starts at boot, 0 restarts',
    '[✓] Identity    the one that it registered with, mi-07c1d2e3f4a5b6978, since',
    '                23 Aug 14:12',
    '[✗] Path        https://rollcall.lan:8443',
    '                name      10.0.0.5                            ok',
    '                route     eth0                                ok',
    '                TCP       2 ms                                ok',
    '                TLS       certificate not trusted here        stops here',
    '[–] Permitted   not tried (needs Path)',
    '[–] Fresh       not tried',
    '',
    "web-07 is lost because it doesn't trust the server's certificate.",
    '                                                          ca-missing, solution 7',
    '',
    'Seen      TLS           untrusted',
    '          issued by     Rollcall CA 7F3A 91C2',
    '          not in        /etc/pki/ca-trust (13:09)',
    'Ruled out certificate for another name, certificate outside its dates, clock is',
    '          off, TLS is opened on the way, agent is told another store of roots,',
    "          server's authority was changed",
    '',
    'Fix       guarded: changes what this machine trusts: one authority more',
    '  sudo rollcall trust https://rollcall.lan:8443 \\',
    `  sha256:${ca}`,
    '  sudo systemctl restart amazon-ssm-agent',
    '          undo: sudo rollcall untrust https://rollcall.lan:8443',
    'Expect    Online within 30 s. To watch: rollcall wait web-07',
  ]);
});

test('the same in Japanese: ids and commands stay, sentences are polite', () => {
  const lines = page(caMissing, { lang: 'ja', tookMs: 1400 });
  const text = lines.join('\n');
  assert.match(text, /一覧に出るか {4}13:12 から Connection Lost/);
  assert.match(text, /\[✗\] 通信 {11}https:\/\/rollcall\.lan:8443/);
  assert.match(text, /TLS {7}証明書を信頼できない +ここで停止/);
  assert.match(
    text.replace(/\n/g, ''),
    /web-07 が Connection Lost なのは、サーバーの証明書をこのマシンが信頼していないためです。/,
  );
  assert.match(text, /ca-missing（解決策 7）/);
  assert.match(text, /直し方（要確認）/);
  assert.match(text, /sudo rollcall trust https:\/\/rollcall\.lan:8443 \\/);
  // Columns line up by what the reader sees, not by how many characters it is.
  const ends = lines
    .filter((line) => /(正常|ここで停止)$/.test(line))
    .map((line) => widthOf(line.replace(/(正常|ここで停止)$/, '')));
  assert.equal(ends.length, 4);
  assert.equal(new Set(ends).size, 1);
});

test('a healthy page says so, and nothing else', () => {
  const lines = page(healthy());
  assert.ok(lines.includes('Nothing to do.'));
  assert.ok(lines.some((line) => /^In the list\? +yes +Online, heartbeat 2 min ago$/.test(line)));
  assert.equal(lines.filter((line) => /^\[✓\]/.test(line)).length, 7);
  assert.equal(lines.at(-1), 'Nothing to do.');
});

test('likely is said in words, with the reason', () => {
  const text = page(
    lost({
      node: undefined,
      fleet: { shared: [{ sign: 'lost:203.0.113.9', nodes: 4, of: 4, since: now - hour, examples: ['a'] }] },
    }),
  ).join('\n');
  assert.match(text, /web-07 is probably lost because/);
  assert.match(text, /corporate-firewall, solution 3, likely/);
  assert.match(text, /^Likely {4}so do others at the same time/m);
  assert.match(text, /^Look next on the machine: sudo rollcall doctor/m);
});

test('in the list and not working is said as that', () => {
  const text = page(
    healthy({
      node: undefined,
      records: {
        node: row({ connected: false, channelOpenedAt: undefined, channelClosedAt: now - 55 * minute }),
      },
    }),
  ).join('\n');
  assert.match(text, /Can be picked\? {4}yes +but commands will wait and sessions will fail/);
  assert.match(text, /Will it work\? {5}no/);
  assert.match(text, /\[✓\] Permitted {3}last signed call accepted 14:10/);
  assert.match(text, /sudo systemctl restart amazon-ssm-agent/);
});

test('gates of which only the same is known share a line', () => {
  const text = page(lost({ node: undefined })).join('\n');
  assert.match(text, /^\[\?\] Machine, Agent, Identity, Path {2}can't be seen from here$/m);
});

test('what is only explained offers no command', () => {
  const text = page(lost({ node: undefined, records: { machine: machine({ power: 'off' }) } })).join('\n');
  assert.match(text, /^Fix {7}by hand: Start it where it lives/m);
  assert.doesNotMatch(text, /sudo/);
});

test('what is off on purpose needs nothing', () => {
  const text = page(
    lost({ node: undefined, records: { machine: machine({ expected: 'retired', power: 'off' }) } }),
  ).join('\n');
  assert.match(text, /expected-off/);
  assert.doesNotMatch(text, /^Fix/m);
});

test('text from outside can neither move the cursor, nor turn the line around, nor hide, nor flood', () => {
  const evil = `\u001b[2J\u202e\u200b\u0007\r\n[✓] All is well${'x'.repeat(5000)}`;
  const evidence = lost({
    request: { asked: evil },
    records: {
      node: lostRow({ name: evil, agentName: evil }),
      machine: machine({ name: evil, source: evil, power: 'off' }),
    },
    node: undefined,
    door: {
      knocks: [
        {
          reason: evil,
          layer: 'policy',
          address: evil,
          client: evil,
          firstAt: now,
          lastAt: now,
          count: 1,
          tie: 'signature',
        },
      ],
    },
  });
  const onNode = seenOn(
    node({
      host: { name: evil, os: { id: evil, name: evil, version: evil } },
      agents: [
        officialAgent({
          version: evil,
          log: { lines: [{ at: now - minute, text: `AccessDenied ${evil}` }] },
        }),
      ],
      endpoints: [
        stoppedAt('tls', 'untrusted', { issuer: evil, rootSubject: evil }, { url: `https://${evil}` }),
      ],
    }),
  );
  for (const one of [evidence, onNode])
    for (const lang of ['en', 'ja'] as const)
      for (const verbose of [false, true]) {
        const lines = page(one, { lang, verbose });
        assert.ok(lines.length < 80, String(lines.length));
        for (const line of lines) {
          assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/);
          assert.ok(widthOf(line) <= 80, line);
        }
        assert.ok(!lines.some((line) => line.startsWith('[✓] All is well')));
      }
});

test('an id is never broken over two lines', () => {
  for (const evidence of all)
    for (const lang of ['en', 'ja'] as const) {
      const verdict = judge(evidence);
      const lines = page(evidence, { lang });
      if (verdict.cause)
        assert.ok(
          lines.some((line) => line.includes(verdict.cause ?? '')),
          verdict.cause,
        );
      if (verdict.subject.nodeId)
        assert.ok(lines.some((line) => line.includes(verdict.subject.nodeId ?? nodeId)));
    }
});

test('times: today by the clock, other days with the day, in full with -v', () => {
  const gone = lost({
    node: undefined,
    records: { node: lostRow({ deregisteredAt: now - 30 * hour, deregisteredBy: 'kenji' }) },
  });
  assert.match(page(gone).join('\n').replace(/\n/g, ' '), /deregistered at 1 Oct 08:12 by kenji/);
  assert.match(page(gone, { lang: 'ja' }).join('').replace(/ {2,}/g, ' '), /10 月 1 日 08:12/);
  assert.match(page(gone, { verbose: true }).join('\n'), /2026-10-01 08:12:00 \+09:00/);
  assert.match(page(gone, { timeZone: 'UTC' }).join('\n').replace(/\n/g, ' '), /30 Sep 23:12/);
});

test('words of ours among the observed values are in the reader’s language', () => {
  const closed = row({
    connected: false,
    channelOpenedAt: now - 6 * hour,
    channelClosedAt: now - 55 * minute,
    channelClosedBy: 'server',
  });
  const waits = judge(
    healthy({
      node: undefined,
      records: { node: closed },
      fleet: { serverBlind: [{ from: now - 55 * minute, to: now - 9 * minute }] },
    }),
  );
  assert.equal(waits.cause, 'channel-backoff');
  const ja = renderVerdict(waits, { lang: 'ja', utf8: true }).join('\n');
  assert.match(ja, /停止期間 +04:17 から 05:03/);
  assert.match(ja, /チャネル +切断/);
  assert.match(renderVerdict(waits, { lang: 'en', utf8: true }).join('\n'), /away +04:17 to 05:03/);
  const stopped = judge(lost({ node: { agents: [ownAgent({ service: undefined, processes: [] })] } }));
  assert.equal(stopped.cause, 'agent-stopped');
  const text = renderVerdict(stopped, { lang: 'ja', utf8: true }).join('');
  assert.match(text, /rollcall-agent: *稼働していない/);
  assert.doesNotMatch(text, /not-running/);
});
