/** The actions that agents know, and the platforms on which they do something. */
import type { PlatformType } from './document.ts';

const everywhere = ['Linux', 'MacOS', 'Windows'] as const;
// The official agent's build for macOS knows these by name, but skips them.
const notOnMacOs = ['Linux', 'Windows'] as const;
const windows = ['Windows'] as const;

/** Each action that an agent of any platform knows. An agent fails a step with another one. */
export const actions: Readonly<Record<string, readonly PlatformType[]>> = {
  'aws:applications': windows,
  'aws:cloudWatch': windows,
  'aws:configureDaemon': windows,
  'aws:configureDocker': notOnMacOs,
  'aws:configurePackage': everywhere,
  'aws:domainJoin': notOnMacOs,
  'aws:downloadContent': notOnMacOs,
  'aws:psModule': windows,
  'aws:refreshAssociation': everywhere,
  'aws:runDockerAction': notOnMacOs,
  'aws:runDocument': notOnMacOs,
  'aws:runPowerShellScript': everywhere,
  'aws:runShellScript': ['Linux', 'MacOS'],
  'aws:softwareInventory': everywhere,
  'aws:updateAgent': windows,
  'aws:updateSsmAgent': everywhere,
};

/** Whether an agent of any platform knows an action. */
export function isAction(name: string): boolean {
  return Object.hasOwn(actions, name);
}
