/**
 * Where a line may break. Words, ids and paths stay whole; Japanese breaks between phrases, so that no line begins
 * with closing punctuation or ends with an opening bracket. U+00A0 is a space that never breaks.
 */
import { cutTo, widthOf } from './width.ts';

const closing = /^[、。，．・：；？！）］｝〕〉》」』】ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々]$/u;
const opening = /[（［｛〔〈《「『【]$/u;

/**
 * Breaks `text` into lines of at most `columns`; a word that is longer is cut, since half an id is none. A path that
 * is longer goes on behind one of its slashes.
 */
export function breakLines(text: string, columns: number, ellipsis = '…'): string[] {
  const lines: string[] = [];
  let line = '';
  for (const { space, unit } of unitsOf(text)) {
    const gap = line === '' ? '' : space;
    if (widthOf(line + gap + unit) <= columns) {
      line += gap + unit;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = piecesOfPath(unit, columns);
    lines.push(...pieces.slice(0, -1));
    const last = pieces.at(-1) ?? unit;
    line = widthOf(last) <= columns ? last : cutTo(last, columns, ellipsis);
  }
  const all = line === '' && lines.length > 0 ? lines : [...lines, line];
  return all.map((one) => one.replaceAll('\u00a0', ' '));
}

/** A path in pieces that fit, or the word as it is: one with a part that is itself too long has to be cut anyhow. */
function piecesOfPath(word: string, columns: number): readonly string[] {
  if (!word.startsWith('/') || widthOf(word) <= columns) return [word];
  const pieces: string[] = [];
  let piece = '';
  for (const part of word.match(/[^/]*\/|[^/]+$/g) ?? []) {
    if (widthOf(part) > columns) return [word];
    if (piece !== '' && widthOf(piece + part) > columns) {
      pieces.push(piece);
      piece = part;
    } else piece += part;
  }
  return [...pieces, piece];
}

interface Unit {
  /** What stood before it. */
  readonly space: string;
  readonly unit: string;
}

const widestUnit = 40;

function unitsOf(text: string): readonly Unit[] {
  const units: { space: string; unit: string }[] = [];
  let space = '';
  for (const part of text.split(/( +)/)) {
    if (part === '') continue;
    if (part.startsWith(' ')) {
      space = part;
      continue;
    }
    for (const unit of phrases(part)) {
      const last = units.at(-1);
      // A number and its unit belong together: `2 ms`, `61 %`, `5 分`.
      if (
        last &&
        space === ' ' &&
        /(^|\s)[+-]?[\d.,]+$/.test(last.unit) &&
        widthOf(unit) <= 8 &&
        /^[^\d]/.test(unit)
      )
        last.unit += space + unit;
      else units.push({ space, unit });
      space = '';
    }
  }
  return units;
}

/** Runs of narrow characters whole; Japanese in phrases, which end with hiragana or punctuation. */
function phrases(word: string): readonly string[] {
  const found: string[] = [];
  let run = '';
  let last = '';
  for (const character of word) {
    if (run !== '' && mayBreak(last, character, run)) {
      found.push(run);
      run = '';
    }
    run += character;
    last = character;
  }
  return run === '' ? found : [...found, run];
}

const hiragana = /^[\u3041-\u309f]$/u;

function mayBreak(before: string, after: string, run: string): boolean {
  if (closing.test(after) || opening.test(before)) return false;
  const [isWide, willBeWide] = [widthOf(before) > 1, widthOf(after) > 1];
  if (!isWide && !willBeWide) return false;
  if (isWide !== willBeWide) return closing.test(before) || opening.test(after) || hiragana.test(before);
  if (closing.test(before) || opening.test(after)) return true;
  if (hiragana.test(before) && !hiragana.test(after)) return true;
  return widthOf(run) >= widestUnit;
}
