/** The references in a document: `{{ name }}` to its own parameters, `{{ssm:name}}` to the Parameter Store. */
import type { Json } from './document.ts';

// The white space of agents, which are written in Go: `\s` there is these five.
const space = '[\\t\\n\\f\\r ]*';
const single = new RegExp(`^\\{\\{${space}([a-zA-Z0-9]+)${space}\\}\\}$`);

/** Every `{{ name }}` in a text; its first group is the name. */
export const anyReference = new RegExp(`\\{\\{${space}([a-zA-Z0-9]+)${space}\\}\\}`, 'g');

/** The name, if the text is one `{{ name }}` and nothing else. */
export function singleReference(text: string): string | undefined {
  return single.exec(text)?.[1];
}

const storeReference = /\{\{ *ssm(?:-secure)?:([/\w.:-]+) *\}\}/g;

/** The names of Parameter Store entries that a value refers to, as `{{ssm:name}}` or `{{ssm-secure:name}}`, each once. */
export function parameterStoreReferences(value: Json): string[] {
  const names = new Set<string>();
  const look = (one: Json): void => {
    if (typeof one === 'string') {
      for (const [, name] of one.matchAll(storeReference)) names.add(name!);
    } else if (Array.isArray(one)) {
      one.forEach(look);
    } else if (typeof one === 'object' && one !== null) {
      Object.values(one).forEach(look);
    }
  };
  look(value);
  return [...names];
}
