/** What a tag may be. Lengths and characters have been checked against the model at the door. */
import type { Tag } from '@aws-sdk/client-ssm';
import { Refusal } from '../service/index.ts';

/** How many tags a resource may have. */
export const tagLimit = 50;

/** Refuses keys that AWS keeps for itself, keys that come twice, and more tags than fit. */
export function checkTags(tags: readonly Tag[]): void {
  const keys = tags.map((tag) => tag.Key ?? '');
  const reserved = keys.find((key) => key.toLowerCase().startsWith('aws:'));
  if (reserved !== undefined) {
    throw new Refusal('ValidationException', `Tag keys that begin with aws: are reserved: ${reserved}`);
  }
  if (new Set(keys).size < keys.length) {
    throw new Refusal('ValidationException', 'The request names the same tag key twice.');
  }
  if (keys.length > tagLimit) throw tooManyTags();
}

/** The resource would have more tags than it may. */
export function tooManyTags(): Refusal {
  return new Refusal('TooManyTagsError', `A resource can have at most ${tagLimit} tags.`);
}
