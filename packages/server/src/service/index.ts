/** What every capability folder needs to declare its operations; knows nothing of any of them. */
export * from './members.ts';
export * from './operation.ts';
export * from './page-token.ts';
export * from './refusal.ts';
