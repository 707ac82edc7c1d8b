/**
 * Reading what was collected on machines without us: the block that the script prints, and the official agent's
 * own settings and logs. Pure; the probes use the same readers for what they see themselves.
 */

export * from './block.ts';
export * from './cksum.ts';
export * from './official-log.ts';
export * from './official-settings.ts';
export * from './plain-address.ts';
export * from './read-collected.ts';
export * from './redact-text.ts';
export * from './route-text.ts';
