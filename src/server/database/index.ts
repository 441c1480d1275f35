// The database of the server: PGlite or Postgres.

export { isConnectionError } from "./connection-error.js";
export { type FolderLock, takeLock } from "./folder-lock.js";
export { migrate } from "./migrate.js";
export { type DatabaseOptions, openDatabase, openShared, type ServerDatabase } from "./open-database.js";
export { getOwnIdentity, isAlive, type ProcessIdentity } from "./process-identity.js";
