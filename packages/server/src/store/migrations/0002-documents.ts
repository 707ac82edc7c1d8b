/**
 * Documents and their versions. `next_version` only grows: the number of a version that was deleted is never
 * given to another. The long columns stand last: lists don't read that far.
 */
export const documents = `
CREATE TABLE documents (
  region TEXT NOT NULL, name TEXT NOT NULL, created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
  default_version BIGINT NOT NULL, next_version BIGINT NOT NULL,
  PRIMARY KEY (region, name));

CREATE TABLE document_versions (
  region TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL, version_name TEXT, created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL, format TEXT NOT NULL, schema_version TEXT NOT NULL, hash TEXT NOT NULL,
  display_name TEXT, target_type TEXT, platform_types TEXT NOT NULL, content TEXT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (region, name, version));
CREATE UNIQUE INDEX document_versions_by_name ON document_versions (region, name, version_name)
  WHERE version_name IS NOT NULL;

CREATE TABLE document_shares (
  region TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL, shared_version TEXT NOT NULL,
  PRIMARY KEY (region, name, account_id));
`;
