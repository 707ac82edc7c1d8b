/** The page of 300 machines: each cause once, ids and commands whole, the same in two languages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf, type SelfFacts } from '../doctor/self-rows.ts';
import { screenOf } from '../output/screen.ts';
import { widthOf } from '../output/width.ts';
import { allLines } from './all-page.ts';

const now = Date.UTC(2026, 9, 2, 14, 20);
const seconds = (ago: number) => Math.floor(now / 1000) - ago;
const activation = '5d1c0000-1111-4222-8333-444455556666';
const utf8 = screenOf({ env: { LANG: 'C.UTF-8' }, stdout: { isTTY: false, write: () => undefined } });
const ascii = screenOf({ env: { LANG: 'C' }, stdout: { isTTY: false, write: () => undefined } });

const fleet = {
  At: seconds(0),
  Server: [],
  Sources: [
    { Source: 'proxmox-dc1', Machines: 200, ReadAt: seconds(150) },
    {
      Source: 'netbox',
      Machines: 90,
      ReadAt: seconds(9000),
      Error: 'HTTP 503\u001b[2J',
      FailingSince: seconds(3000),
    },
  ],
  Counts: {
    Expected: 300,
    There: 281,
    Missing: 11,
    Lost: 1,
    Hidden: 0,
    Unclear: 1,
    Off: 11,
    Retired: 3,
    InMaintenance: 0,
    Pending: 2,
  },
  Groups: [
    {
      Cause: 'activation-expired',
      Confidence: 'proven' as const,
      Count: 8,
      Since: seconds(3600),
      Members: members(8, 'web-', 21, 'missing'),
      Verdict: JSON.stringify({
        fix: {
          risk: 'guarded',
          commands: [{ argv: ['rollcall', 'activation', 'renew', activation], where: 'operator' }],
        },
      }),
    },
    {
      Cause: 'ca-missing',
      Confidence: 'likely' as const,
      Count: 1,
      Since: seconds(86400 * 3),
      Members: members(1, 'web-0', 7, 'lost'),
      Verdict: JSON.stringify({
        fix: { risk: 'guarded', commands: [{ argv: ['rollcall', 'trust', 'https://x'], where: 'node' }] },
      }),
    },
    {
      Confidence: 'unknown' as const,
      Count: 40,
      Members: members(3, 'edge\u202e-', 1, 'missing'),
      Verdict: '{}',
    },
  ],
};

const self: SelfFacts = {
  url: 'https://localhost:8443',
  now,
  seen: { at: now, unseen: [], endpoints: [], clock: { sources: [] } },
  answer: { ms: 3 },
};

function members(count: number, stem: string, first: number, State: 'missing' | 'lost') {
  return Array.from({ length: count }, (_, index) => ({ Name: `${stem}${first + index}`, State }));
}

const page = (lang: 'en' | 'ja', screen = utf8) =>
  allLines(fleet, { lang, verbose: false, now, tookMs: 234 }, screen);

test('counts first, the server before anybody, each cause once with the first thing to do', () => {
  const lines = page('en');
  const text = lines.join('\n');
  assert.equal(lines[0], '300 expected   281 there   11 missing   1 lost   1 unclear');
  assert.equal(lines[1], 'Server: healthy.');
  assert.match(text, /^Roster: proxmox-dc1 2 min old\.$/m);
  assert.match(text, /^\[!\] netbox can't be read since \d\d:\d\d; its 90 machines are as last read\.$/m);
  // A command that doesn't fit beside its cause stands whole on a line of its own.
  assert.match(
    text,
    new RegExp(
      `^   8  activation-expired +\\d\\d:\\d\\d\\n {6}rollcall activation renew ${activation}$`,
      'm',
    ),
  );
  assert.match(text, /^ {6}web-21 … web-28$/m);
  // What is to be done on a node begins with the question about it.
  assert.match(text, /^ {3}1 {2}ca-missing likely +3 d +rollcall why web-07$/m);
  assert.match(text, /^ {2}40 {2}unknown +rollcall why /m);
  assert.match(text, /^ {6}and 37 more$/m);
  assert.match(text, /^Not counted: 11 off as expected, 3 retired\.$/m);
  assert.match(text, /^2 are younger than five minutes/m);
  assert.match(text, /^2 causes explain 9 of 49\. +0\.2 s$/m);
});

test('a machine that no node is is asked about with its source: its name may stand for two', () => {
  const [, lostOne] = fleet.Groups;
  const Members = [{ Name: 'db01', Machine: 'ansible-prod/db01', State: 'missing' as const }];
  const lines = allLines(
    { ...fleet, Groups: [{ ...lostOne!, Members }] },
    { lang: 'en', verbose: false, now, tookMs: 1 },
    utf8,
  );
  assert.match(lines.join('\n'), /rollcall why ansible-prod\/db01$/m);
});

test('nothing on it is wider than the page, and nothing in it can move the cursor', () => {
  for (const lines of [page('en'), page('ja'), page('en', ascii)]) {
    for (const line of lines) assert.ok(widthOf(line) <= 80, line);
    assert.doesNotMatch(lines.join(''), /[\u001b\u202e]/);
  }
  assert.doesNotMatch(page('en', ascii).join(''), /[^\x20-\x7e]/);
});

test('Japanese changes sentences, never ids and commands, and its columns stand straight', () => {
  const lines = page('ja');
  const text = lines.join('\n');
  assert.match(text, new RegExp(`rollcall activation renew ${activation}`));
  assert.match(text, /^ {3}1 {2}ca-missing おそらく/m);
  const rows = lines.filter((line) => / (最初にすること|rollcall why \S+)$/.test(line));
  const places = rows.map((line) => widthOf(line.replace(/(最初にすること|rollcall why \S+)$/, '')));
  assert.equal(rows.length, 3);
  assert.equal(new Set(places).size, 1);
});

test('an ordinary restart is worth knowing and nothing to mend, in either language', () => {
  const Server = [
    {
      Cause: 'server-was-away',
      Detail: 'No server listened for 3 min of the last hour: agents may still wait before they try again.',
    },
  ];
  const shown = (lang: 'en' | 'ja') =>
    allLines({ ...fleet, Server }, { lang, verbose: false, now, tookMs: 1 }, utf8).slice(1, 5);
  assert.equal(shown('en')[0], 'Server: healthy.');
  assert.match(shown('en')[1] ?? '', /^\[!\] server-was-away$/);
  assert.match(shown('ja').join('\n'), /正常\n\[!\] server-was-away\n {4}直近 1 時間に\s+3.分停止/);
  for (const line of shown('ja')) assert.ok(widthOf(line) <= 80, line);
  assert.equal(rowsOf({ ...self, problems: Server }, 'en').at(-1)?.state, 'warning');
});

test('a server that is itself ill is said first; a whole fleet is one line', () => {
  const ill = allLines(
    { ...fleet, Server: [{ Cause: 'server-clock-wrong', Detail: 'This clock is 402 s ahead.' }] },
    { lang: 'en', verbose: false, now, tookMs: 1 },
    utf8,
  );
  assert.match(
    ill.slice(1, 4).join('\n'),
    /wrong with itself.*\n\[✗\] server-clock-wrong\n {4}This clock is 402 s/,
  );
  const well = {
    ...fleet,
    Groups: [],
    Sources: [],
    Counts: { ...fleet.Counts, Pending: 0, Off: 0, Retired: 0 },
  };
  const lines = allLines(well, { lang: 'en', verbose: false, now, tookMs: 1 }, utf8);
  assert.match(lines.at(-1) ?? '', /^Everybody who should be there is there\./);
  assert.match(lines.join('\n'), /rollcall roster import FILE/);
});
