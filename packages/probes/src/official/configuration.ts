/** Finds the official agent's settings, where its binaries would. */
import { type OfficialSettings, readOfficialSettings, settingsFile } from '@rollcall/diagnosis/collected';
import type { Sight } from '../machine/sight.ts';

/** Reads the settings. `folder` is that of binaries that bring their own settings. */
export async function readConfiguration(sight: Sight, folder: string | undefined): Promise<OfficialSettings> {
  const own = folder === undefined ? undefined : `${folder}/configuration/amazon-ssm-agent.json`;
  const path = own !== undefined && (await sight.facts(own)) !== undefined ? own : settingsFile;
  const text = await sight.text(path, 1_000_000);
  return readOfficialSettings({
    path,
    text,
    changedAt: text === undefined ? undefined : (await sight.facts(path))?.changedAt,
    template: text === undefined ? await sight.text(`${path}.template`, 1_000_000) : undefined,
  });
}
