/** The actions that this agent does. */
import { downloadContent } from './download-content.ts';
import type { Plugin } from './plugin.ts';
import { runDocument } from './run-document.ts';
import { runPowerShellScript, runShellScript } from './run-script.ts';

/** Each by its name in documents. */
export const plugins: Readonly<Record<string, Plugin>> = {
  'aws:downloadContent': downloadContent,
  'aws:runDocument': runDocument,
  'aws:runPowerShellScript': runPowerShellScript,
  'aws:runShellScript': runShellScript,
};
