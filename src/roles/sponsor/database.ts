import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'
import { openSqlite } from '../../sqlite.js'

/**
 * Keys of clients, what they want kept, and what was paid for it. A payment whose `nonce` is written down has been signed, and counts as made until
 * the log says that it was not.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS api_keys (
    id TEXT PRIMARY KEY, label TEXT NOT NULL, hash BLOB NOT NULL, created INTEGER NOT NULL, revoked INTEGER,
    tokens INTEGER NOT NULL, per_pin INTEGER NOT NULL, pins INTEGER NOT NULL, requests INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS pins (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, api_key TEXT NOT NULL REFERENCES api_keys, cid TEXT NOT NULL,
    name TEXT, meta TEXT NOT NULL, origins TEXT NOT NULL, created INTEGER NOT NULL UNIQUE, status TEXT NOT NULL,
    code TEXT, details TEXT, cost INTEGER NOT NULL, whole INTEGER NOT NULL DEFAULT 0, wanted INTEGER NOT NULL DEFAULT 0,
    checked INTEGER NOT NULL DEFAULT 0, deleted INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS live_pins ON pins (api_key, cid) WHERE deleted IS NULL;
  CREATE INDEX IF NOT EXISTS pins_by_status ON pins (status, checked) WHERE deleted IS NULL;
  CREATE TABLE IF NOT EXISTS payments (
    pin INTEGER NOT NULL REFERENCES pins, hypercore BLOB NOT NULL, amount INTEGER NOT NULL, paid INTEGER NOT NULL DEFAULT 0,
    nonce INTEGER, since INTEGER, PRIMARY KEY (pin, hypercore)
  ) STRICT, WITHOUT ROWID;
`
/** How long one process waits for the other: a node that runs, and a command that makes a key. */
const BUSY_MS = 5_000
/** Name of the file in an operator's folder. */
export const SPONSOR_FILE = 'sponsor.db'

/** Opens the database of a sponsor, which several processes may have open. */
export async function openSponsorDatabase(path: string): Promise<BetterSqlite3.Database> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const db = openSqlite(path, { timeout: BUSY_MS })
  db.pragma('journal_mode = WAL')
  // What was paid must be known after a power failure.
  db.pragma('synchronous = FULL')
  db.exec(SCHEMA)
  return db
}
