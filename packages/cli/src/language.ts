/** In which language a verdict is read: what was asked for, else what the locale says. */

import type { Command } from 'commander';
import { Option } from 'commander';
import type { Environment, Io } from './io.ts';
import { isUtf8, type Screen, screenOf } from './output/screen.ts';

export type Language = 'en' | 'ja';

/** `--lang`. */
export function languageOption(command: Command): Command {
  return command.addOption(
    new Option('--lang <language>', 'en or ja (what the locale says)').choices(['en', 'ja']),
  );
}

/** The language to speak. A locale that can't show Japanese gets English unless Japanese is asked for. */
export function languageOf(asked: Language | undefined, env: Environment): Language {
  if (asked !== undefined) return asked;
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || '';
  return /^ja([_.@]|$)/i.test(locale) && isUtf8(env) ? 'ja' : 'en';
}

/** The screen for a page in this language: who asks for Japanese can read it, whatever the locale says. */
export function screenFor(lang: Language, io: Pick<Io, 'env' | 'stdout'>): Screen {
  return screenOf(lang === 'ja' ? { stdout: io.stdout, env: { ...io.env, LC_ALL: 'C.UTF-8' } } : io);
}
