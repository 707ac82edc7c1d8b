/** How large a document may be. AWS's own limits where it has them, else far above any real document. */

/** AWS's: 64 KiB of UTF-8. */
export const mostBytes = 65_536;
/** Levels of lists and objects in each other. */
export const mostDepth = 50;
/** Values, names not counted. The smallest ones would fill 64 KiB with 32,000. */
export const mostValues = 20_000;
/** Parameters that a document can declare. */
export const mostParameters = 200;
/** Steps (or plugins, or properties of a plugin in schema 1.2). */
export const mostSteps = 250;
