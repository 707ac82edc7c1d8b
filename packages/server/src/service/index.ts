/** What every capability folder needs to declare its operations; knows nothing of any of them. */
export * from './operation.ts';
export * from './refusal.ts';
