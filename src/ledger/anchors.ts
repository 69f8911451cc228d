import { equal } from '../bytes.js'
import { ChainError } from '../errors.js'
import type { Anchor } from '../protocol/anchor.js'
import { isAnchorOld } from './rules/anchor.js'
import type { Parameters } from '../protocol/parameters.js'
import type { Database } from './database.js'

/** Entries between two looks at what is too old, and most that one look forgets: more than come in between. */
const FORGET_EVERY = 64
const FORGET_MOST = 4 * FORGET_EVERY

/** What of the state it takes. */
interface Log {
  db: Database
  head: { readonly length: number; readonly clock: number }
  parameters: Pick<Parameters, 'anchorEntries' | 'anchorMs'>
}

/**
 * Whether the log that an operation names is this one, and known well enough. Returns chain time of the entry that it names.
 *
 * @throws ChainError `ANCHOR_UNKNOWN`, `ANCHOR_OLD`
 */
export function checkAnchor(state: Log, { seq, hash }: Anchor): number {
  const { db, head, parameters } = state
  const row = db.get('SELECT hash, clock FROM anchors WHERE seq = ?', seq)
  if (!row && seq < head.length) throw old(seq)
  if (!row || !equal(row.hash as Buffer, hash)) {
    throw new ChainError(
      'ANCHOR_UNKNOWN',
      `entry ${seq} of this log is not the one that the sender saw: the past was changed, or it saw another log`
    )
  }
  const clock = Number(row.clock)
  const behind = { entries: head.length - seq, ms: head.clock - clock }
  if (isAnchorOld(behind, parameters)) throw old(seq)
  return clock
}

/** Remembers the entry that was just appended, and forgets what no operation may name any more. */
export function addAnchor({ db, head, parameters }: Log, seq: number, hash: Uint8Array): void {
  db.run('INSERT INTO anchors (seq, hash, clock) VALUES (?, ?, ?)', seq, hash, head.clock)
  if (seq % FORGET_EVERY !== 0) return
  const first = Number(db.get('SELECT min(seq) AS seq FROM anchors')!.seq)
  db.run(
    'DELETE FROM anchors WHERE seq < ? AND seq < ? AND clock < ?',
    first + FORGET_MOST,
    seq - parameters.anchorEntries,
    head.clock - parameters.anchorMs
  )
}

function old(seq: number): ChainError {
  return new ChainError('ANCHOR_OLD', `entry ${seq} is too far back: sign again over what the log has now`)
}
