/** It doesn't run, or isn't meant to. */
import { observe } from '../../facts/index.ts';
import { type Cause, excluded, proven, unknown } from '../cause.ts';

const expectedOff: Cause = {
  id: 'expected-off',
  gate: 'machine',
  solution: null,
  breaks: 'listed',
  intended: true,
  near: ['machine-stopped'],
  decide({ records, node, now }) {
    const machine = records?.machine;
    if (!machine) return unknown;
    // What was just seen running is not off, whatever the roster expects.
    if (node && node.at > machine.sourceReadAt) return excluded;
    const { maintenanceUntil: until } = machine;
    if (until !== undefined && until > now)
      return proven([observe('records', machine.source, 'expected', 'maintenance', machine.sourceReadAt)], {
        expected: 'maintenance',
      });
    const isMeant =
      machine.expected === 'retired' || (machine.expected !== 'always' && machine.power !== 'on');
    if (!isMeant) return excluded;
    return proven(
      [
        observe('records', machine.source, 'expected', machine.expected, machine.sourceReadAt),
        observe('records', machine.source, 'power', machine.power ?? 'unknown', machine.sourceReadAt),
      ],
      { expected: machine.expected },
    );
  },
  en: {
    name: 'off on purpose',
    because: 'it is off on purpose: the roster has it as {expected}',
    explain: 'Nothing to do. If it should be there, change what the roster expects of it.',
    about:
      'The roster says that the machine is retired, in maintenance, a spare, or on in office hours only, and it is off.',
  },
  ja: {
    name: '意図した停止',
    because: '名簿で {expected} とされ、意図して止められている',
    explain: '対応は不要です。動いているはずのマシンなら、名簿の設定を変えてください。',
    about:
      '名簿で引退済み、メンテナンス中、予備、または業務時間のみの稼働とされていて、現在は停止しています。',
  },
};

const machineStopped: Cause = {
  id: 'machine-stopped',
  gate: 'machine',
  solution: null,
  breaks: 'listed',
  near: ['expected-off', 'agent-stopped', 'activation-expired'],
  decide({ records, node }) {
    if (node) return excluded;
    const machine = records?.machine;
    if (machine?.power === undefined || machine.power === 'unknown') return unknown;
    if (machine.power === 'on') return excluded;
    return proven([observe('records', machine.source, 'power', machine.power, machine.sourceReadAt)], {
      source: machine.source,
      since: String(machine.sourceReadAt),
    });
  },
  en: {
    name: 'machine is switched off',
    because: 'the machine is switched off, says {source}',
    explain: 'Start it where it lives; a few minutes later it is in the list by itself.',
    about:
      'The source of the roster (a hypervisor, a cloud) says that the machine does not run, or is paused.',
  },
  ja: {
    name: 'マシンの停止',
    because: '{source} の情報ではマシンが停止している',
    explain: 'ハイパーバイザーやクラウドの側で起動してください。数分後に自動的に一覧に出ます。',
    about: '名簿の元になるハイパーバイザーやクラウドが、このマシンは停止または一時停止中だと報告しています。',
  },
};

export const power: readonly Cause[] = [expectedOff, machineStopped];
