import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'

const require = createRequire(import.meta.url)

/** Of Node-API, which the newer of the two packages is built on; Node 22.14 and later have it. */
const NODE_API_VERSION = 10

/**
 * The package for this Node. better-sqlite3 12 is the last for Node 20, and ends the process on Node 24.19 and later while
 * memory is collected (nodejs/node#65446); 13 does not load on Node 20. npm installs what this Node can have of both.
 */
const SQLITE_PACKAGE =
  Number(process.versions.napi) >= NODE_API_VERSION ? 'better-sqlite3-node-api' : 'better-sqlite3'

const load = (): typeof BetterSqlite3 => require(SQLITE_PACKAGE) as typeof BetterSqlite3

/**
 * Opens a database.
 *
 * @throws Error whatever the package says of the file, or why it does not load
 */
export function openSqlite(path: string, options?: BetterSqlite3.Options): BetterSqlite3.Database {
  const Sqlite = load()
  return new Sqlite(path, options)
}

/** Whether SQLite reported this; `code` is then one of its own, such as `SQLITE_BUSY`. */
export function isSqliteError(error: unknown): error is InstanceType<typeof BetterSqlite3.SqliteError> {
  return error instanceof load().SqliteError
}
