/** Commands to be typed: on lines of their own, at most 80 columns wide, which can be copied as they stand. */
import { widthOf } from './width.ts';

/** `command` behind `indent`; a longer one goes on behind a backslash. Nothing breaks inside a word. */
export function commandLines(command: string, indent = '    '): string[] {
  const lines: string[] = [];
  let line = '';
  // An option stays with its value.
  for (const part of command.split(/ (?=--?[a-z])/)) {
    const whole = line ? `${line} ${part}` : part;
    if (line && widthOf(indent) + widthOf(whole) > 78) {
      lines.push(`${indent}${line} \\`);
      line = part;
    } else line = whole;
  }
  return [...lines, indent + line];
}

/** A sentence and the command that it leads to: on one line where that fits, else the command on lines of its own. */
export function hintLines(sentence: string, command: string): string[] {
  const line = `${sentence}: ${command}`;
  return widthOf(line) <= 80 ? [line] : [`${sentence}:`, ...commandLines(command, '  ')];
}
