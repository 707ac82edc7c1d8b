/** Windows only: an image that isn't finished, a service that hangs. Judged from what `collect.ps1` recorded. */
import { observe } from '../../facts/index.ts';
import { type Cause, excluded, likely, proven, unknown } from '../cause.ts';

const sysprep: Cause = {
  id: 'windows-sysprep-state',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['agent-stopped', 'windows-service-hang'],
  decide({ node }) {
    if (!node) return unknown;
    if (node.host.platform !== 'Windows') return excluded;
    const { imageState } = node.host;
    if (imageState === undefined) return unknown;
    if (imageState === 'IMAGE_STATE_COMPLETE') return excluded;
    return proven([observe('node', 'registry', 'image-state', imageState, node.at)], { state: imageState });
  },
  en: {
    name: 'Windows set-up is not finished',
    because: 'the set-up of Windows is not finished ({state}), and its agent waits for that for ever',
    explain: 'Finish the set-up (OOBE, sysprep), correct the answer file, and start the agent again.',
    about:
      'The registry has an ImageState other than IMAGE_STATE_COMPLETE: an image was taken in the middle of sysprep.',
  },
  ja: {
    name: 'Windows のセットアップ未完了',
    because: 'Windows のセットアップが完了せず（{state}）、エージェントがそれを待ち続けている',
    explain:
      'セットアップ（OOBE、sysprep）を完了させ、応答ファイルを直し、エージェントを起動し直してください。',
    about:
      'レジストリの ImageState が IMAGE_STATE_COMPLETE ではありません。sysprep の途中でイメージが作られました。',
  },
};

const serviceHang: Cause = {
  id: 'windows-service-hang',
  gate: 'agent',
  solution: 1,
  breaks: 'listed',
  near: ['agent-stopped', 'windows-sysprep-state', 'security-software-blocks-agent'],
  decide({ node, agent }) {
    if (!node || !agent?.service) return unknown;
    if (agent.service.manager !== 'windows') return excluded;
    if (!/start_?\s?pending/i.test(agent.service.state)) return excluded;
    return likely(
      'one-moment',
      [observe('node', 'services', 'service', `${agent.service.name} ${agent.service.state}`, node.at)],
      { unit: agent.service.name },
    );
  },
  en: {
    name: 'service hangs while it starts',
    because: 'the Windows service {unit} hangs while it starts',
    explain:
      'End the process and start the service again; if it hangs once more, look at WMI, at a slow disk, and at virus scanners. Older agents hang where they have no role.',
    about: 'The service manager has the service as starting, which takes 30 seconds at most.',
  },
  ja: {
    name: 'サービスの起動の停滞',
    because: 'Windows のサービス {unit} が起動途中で止まっている',
    explain:
      'プロセスを終了してサービスを起動し直してください。繰り返す場合は WMI、遅いディスク、ウイルス対策を確認します。古いエージェントはロールがないと止まります。',
    about: 'サービス管理では起動中のままです。起動は長くても 30 秒で終わります。',
  },
};

export const windows: readonly Cause[] = [sysprep, serviceHang];
