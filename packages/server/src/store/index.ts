/** Everything that is kept: SQLite or PostgreSQL, one contract. Nobody outside this folder holds a connection. */
export type * from './contract.ts';
export * from './errors.ts';
export { writeFileDurably } from './files.ts';
export type { GroupLimits, GroupReport } from './group.ts';
export { groupLimits } from './group.ts';
export { newestMigration } from './migrations/index.ts';
export * from './open.ts';
export * from './rows.ts';
export type * from './schema.ts';
export {
  type BackupContents,
  type Restored,
  type RestoreOptions,
  restoreBackup,
  verifyBackup,
} from './sqlite/backup.ts';
export { databaseFile } from './sqlite/folder.ts';
export { holderOfFolder } from './sqlite/lock.ts';
export * from './steps.ts';
