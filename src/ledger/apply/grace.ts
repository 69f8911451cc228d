import { roundDue } from '../rules/economics.js'
import { epochOf } from '../rules/schedule.js'
import { hypercoreById, liveCopies, type Hypercore } from '../rows.js'
import type { State } from '../state.js'
import { fillCopies, releaseCopy } from './copies.js'

/** Ends a grace if the balance pays a full round of what is due on what is held; returns whether it did. */
export function endGrace(state: State, hypercore: Hypercore): boolean {
  if (hypercore.state !== 1) return false
  const held = liveCopies(state, hypercore.id).filter((copy) => copy.state === 1)
  const bytes = held.map((copy) => copy.bytes)
  const due = roundDue(bytes, hypercore.every, state.parameters)
  if (state.account(hypercore.account).balance < due) return false
  state.db.run('UPDATE hypercores SET state = 0, grace_until = NULL WHERE id = ?', hypercore.id)
  hypercore.state = 0
  hypercore.graceUntil = null
  state.emit({ kind: 'graceEnded', hypercore: hypercore.key })
  // Those who left meanwhile, or were lost.
  fillCopies(state, hypercore)
  return true
}

/** The balance cannot pay what is due: from now on the hypercore has until the end of the grace to be given more. */
export function beginGrace(state: State, hypercore: Hypercore): void {
  if (hypercore.state !== 0) return
  const until = epochOf(state.head.clock, state.parameters) + state.parameters.graceEpochs
  state.db.run('UPDATE hypercores SET state = 1, grace_until = ? WHERE id = ?', until, hypercore.id)
  hypercore.state = 1
  hypercore.graceUntil = until
  state.emit({ kind: 'graceBegan', hypercore: hypercore.key, until })
}

/**
 * Hypercores whose grace is over: their copies are released, unless less is due by now. Each of both is a step; a hypercore that is begun
 * is done with.
 */
export function lapse(state: State, work: number): number {
  const rows = state.db.all(
    'SELECT id FROM hypercores WHERE state = 1 AND grace_until <= ? ORDER BY grace_until, id LIMIT ?',
    state.head.epoch,
    work
  )
  let done = 0
  for (const { id } of rows) {
    if (done >= work) break
    const hypercore = hypercoreById(state, Number(id))
    if (endGrace(state, hypercore)) {
      done++
      continue
    }
    done += 1 + lapseNow(state, hypercore)
  }
  return done
}

/** A hypercore is given up: its copies are released. Returns how many. @param unserved whether that is since nobody serves it */
export function lapseNow(state: State, { id, key }: Hypercore, unserved = false): number {
  state.db.run(
    'UPDATE hypercores SET state = 2, grace_until = NULL, unserved = ? WHERE id = ?',
    unserved ? 1 : 0,
    id
  )
  state.emit({ kind: 'lapsed', hypercore: key })
  const copies = liveCopies(state, id)
  for (const copy of copies) releaseCopy(state, copy)
  return copies.length
}
