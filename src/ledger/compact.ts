import type { Clock } from '../clock.js'
import type { Database } from './database.js'

/** Entries whose details go in one transaction: details are large, and the thread is wanted by others. */
const STEP = 50

/**
 * Drops what the audit needs only inside the evidence window, of entries before `before` (chain time): details of answers,
 * effects, and postings, whose sums stay with the accounts. Operations and hashes stay forever. Stops after `budgetMs`; another call goes on.
 */
export function compactLedger(
  db: Database,
  { before, budgetMs, clock }: { before: number; budgetMs: number; clock: Pick<Clock, 'now'> }
): { entries: number } {
  // Chain time never falls along the log: the window ends at one position.
  let low = 0
  let high = Number(db.get('SELECT count(*) AS n FROM entries')!.n)
  while (low < high) {
    const middle = (low + high) >> 1
    if (Number(db.get('SELECT clock FROM entries WHERE seq = ?', middle)!.clock) < before) low = middle + 1
    else high = middle
  }
  const first = db.get('SELECT min(seq) AS seq FROM effects')!.seq
  if (first === null) return { entries: 0 }
  const began = clock.now()
  let done = Number(first)
  for (let from = done; from < low && clock.now() - began < budgetMs; from += STEP) {
    const to = Math.min(low, from + STEP)
    db.transaction(() => {
      db.run('DELETE FROM details WHERE seq < ?', to)
      db.run('DELETE FROM effects WHERE seq < ?', to)
      db.run(
        `UPDATE accounts SET archived = archived + p.sum FROM
           (SELECT account, sum(change) AS sum FROM postings WHERE seq < ? GROUP BY account) AS p
         WHERE accounts.id = p.account`,
        to
      )
      db.run('DELETE FROM postings WHERE seq < ?', to)
    })
    done = to
  }
  return { entries: done - Number(first) }
}
