import { constants } from 'node:fs'
import { copyFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { blake3 } from '../crypto/hash.js'
import { DatdotError, InputError, type ErrorCode } from '../errors.js'
import { fileTrouble, openingTrouble } from '../file-failure.js'
import { Database } from '../ledger/database.js'
import { entriesFrom } from '../ledger/entries.js'
import { isDamage, ledgerFailure } from '../ledger/failures.js'
import { hashState } from '../ledger/state-hash.js'
import { stateTables } from '../ledger/schema.js'
import { using } from '../lifecycle.js'
import { TemporaryFolder } from '../temporary-folder.js'
import { Replay, BATCH } from './replay.js'
import type { AuditFailure, AuditOptions, AuditReport } from './report.js'

/**
 * Replays the log in a ledger's file and compares the state that the file holds with the replay's. The file may be in use: what is read is
 * one snapshot of it. Who may read the file, but not write beside it, has a copy among its temporary files audited.
 *
 * @throws InputError `LEDGER_NOT_FOUND`, `LEDGER_NOT_A_LEDGER`, `LEDGER_TOO_NEW`, `LEDGER_IN_USE`, `DISK_FULL`, `TMPDIR_UNUSABLE`
 */
export async function auditFile(path: string, options: AuditOptions = {}): Promise<AuditReport> {
  return using(new Replay(options), async (replay) => {
    const file = tryOpen(path)
    if (file) await replayFile(file, path, replay)
    else {
      await using(new TemporaryFolder('datdot-ledger-'), async ({ path: folder }) => {
        const copy = await copyLedger(path, folder)
        await replayFile(new Database(copy, { readonly: true }), path, replay)
      })
    }
    await replay.evidence()
    return replay.report
  })
}

/** The file as it is; null where SQLite would have to write beside it and may not, as on a disk that is only read. */
function tryOpen(path: string): Database | null {
  try {
    return new Database(path, { readonly: true })
  } catch (error) {
    const refused = error instanceof DatdotError && ['LEDGER_DENIED', 'LEDGER_FAILED'].includes(error.code)
    if (refused && openingTrouble(path, 'r') === 'unknown') return null
    throw error
  }
}

/** Copies a ledger and what was not merged into it yet. @throws InputError `LEDGER_IN_USE`, `DISK_FULL` */
async function copyLedger(path: string, folder: string): Promise<string> {
  const copy = join(folder, basename(path))
  try {
    for (let tries = 0; tries < 3; tries++) {
      const before = await shapeOf(path)
      await copyFile(path, copy, constants.COPYFILE_FICLONE)
      if (before.wal) await copyFile(`${path}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE)
      const after = await shapeOf(path)
      if (before.text === after.text) return copy
    }
  } catch (error) {
    if (fileTrouble(error) !== 'full') throw error
    const message = `a copy of ${path} does not fit among the temporary files in ${folder}; free some space or set TMPDIR`
    throw new InputError('DISK_FULL', message, { cause: error })
  }
  throw new InputError(
    'LEDGER_IN_USE',
    `${path} is written to while it is read, and its folder cannot be written, which sharing it needs; audit as its owner`
  )
}

/** What changes with every write to a database. */
async function shapeOf(path: string): Promise<{ wal: boolean; text: string }> {
  const found = await Promise.all(
    [path, `${path}-wal`].map((name) =>
      stat(name, { bigint: true }).catch((error: unknown) => {
        if (fileTrouble(error) === 'missing') return null
        throw error
      })
    )
  )
  const text = found.map((file) => (file ? `${file.size} ${file.mtimeNs}` : '-')).join()
  return { wal: found[1] !== null, text }
}

async function replayFile(file: Database, path: string, replay: Replay): Promise<void> {
  try {
    file.raw.exec('BEGIN')
    await replay.run(entriesOf(file))
    if (replay.report.ok) replay.fail(compareState(file, replay.db, replay.report.entries))
  } catch (error) {
    const failure = ledgerFailure(error, path)
    // What is damaged is what was asked; a disk that fails while it is read is not the file's fault.
    if (!(failure instanceof DatdotError) || !isDamage(failure)) throw failure
    replay.fail({ seq: null, code: 'FILE_DAMAGED', reason: failure.message })
  } finally {
    file.close()
  }
}

/** The entries of a ledger's file as they are published. */
export function* entriesOf(file: Database): Generator<Uint8Array> {
  for (let from = 0; ; from += BATCH) {
    const entries = entriesFrom(file, from, BATCH)
    if (entries.length === 0) return
    yield* entries
  }
}

/** What is stored beside the log: state, postings and effects. Null if all of it follows from the log. */
function compareState(file: Database, replay: Database, entries: number): AuditFailure | null {
  const differs = (code: ErrorCode, reason: string): AuditFailure => ({ seq: null, code, reason })
  const check = file.raw.pragma('integrity_check', { simple: true }) as string
  if (check !== 'ok') return differs('FILE_DAMAGED', `the file is damaged: ${check}`)
  if ((file.raw.pragma('foreign_key_check') as unknown[]).length > 0) {
    return differs('FILE_DAMAGED', 'rows of the file refer to rows that are missing')
  }
  if (file.get('SELECT 1 FROM entries WHERE seq >= ?', entries)) {
    return differs('ENTRY_GAP', `the log ends at ${entries}, but the file holds later entries`)
  }
  for (const [table] of stateTables) {
    if (!hashState(file, table).equals(hashState(replay, table))) {
      return differs('STATE_DIFFERS', `table ${table} does not hold what the log leads to`)
    }
  }
  const sums = new Map<bigint, bigint>()
  for (const row of file.iterate('SELECT account, sum(change) AS sum FROM postings GROUP BY account')) {
    sums.set(row.account as bigint, row.sum as bigint)
  }
  for (const row of file.iterate('SELECT id, balance, archived FROM accounts ORDER BY id')) {
    const sum = (row.archived as bigint) + (sums.get(row.id as bigint) ?? 0n)
    if (sum !== row.balance) {
      return differs(
        'POSTINGS_DIFFER',
        `the postings of account ${row.id as bigint} do not lead to its balance`
      )
    }
  }
  // Compaction drops postings and effects from the front; the rest must be complete.
  const first = file.get('SELECT min(seq) AS seq FROM effects')!.seq as bigint | null
  const from = first === null ? entries : Number(first)
  const postings = (db: Database) =>
    db.iterate('SELECT seq, account, change FROM postings WHERE seq >= ? ORDER BY seq, account', from)
  const expected = postings(replay)
  for (const row of postings(file)) {
    const other = expected.next().value as typeof row | undefined
    if (!other || row.seq !== other.seq || row.account !== other.account || row.change !== other.change) {
      return differs('POSTINGS_DIFFER', `the postings of entry ${row.seq as bigint} are not those of the log`)
    }
  }
  if (!expected.next().done) return differs('POSTINGS_DIFFER', 'postings are missing')
  const missing = file.get(
    'SELECT e.seq FROM entries e LEFT JOIN effects f ON f.seq = e.seq WHERE e.seq >= ? AND f.seq IS NULL LIMIT 1',
    from
  )
  if (missing) return differs('EFFECTS_DIFFER', `the effects of entry ${missing.seq as bigint} are missing`)
  for (const row of file.iterate(
    'SELECT f.seq, f.bytes, e.effects_hash FROM effects f JOIN entries e ON e.seq = f.seq'
  )) {
    if (!blake3(row.bytes as Buffer).equals(row.effects_hash as Buffer)) {
      return differs('EFFECTS_DIFFER', `the effects of entry ${row.seq as bigint} are not those of the log`)
    }
  }
  return null
}
