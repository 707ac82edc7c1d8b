/** The names in a document that become folders and files on nodes, and those that parameters can have. */

/** A step's name: the folder of its output, and what its result is filed under. */
export function isStepName(name: string): boolean {
  return /^[a-zA-Z0-9_-]{1,128}$/.test(name);
}

/**
 * The `id` of a property (schema 1.2): a folder as well. AWS's own look like `0.aws:runShellScript`. Nothing
 * that leads out of its folder, and nothing that a file system reads in a way of its own.
 */
export function isStepId(id: string): boolean {
  return /^[\w][\w.:-]{0,127}$/.test(id) && !id.includes('..');
}

/** A parameter's name: agents ignore parameters with any other character. */
export function isParameterName(name: string): boolean {
  return /^[a-zA-Z0-9]{1,128}$/.test(name);
}
