import type { BeaconSource } from './rules/beacon.js'
import { isRetrievalDue } from './rules/schedule.js'
import type { CheckView } from '../protocol/views.js'
import { CHECKED_COPIES, drawVerifiers, hasVerifiers } from './apply/checks.js'
import { copyFrom, hypercoreById } from './rows.js'
import type { State } from './state.js'

interface Ahead {
  closeRound: number
  settleRound: number
  startRound: number
  beacon: Uint8Array
  buckets: { every: number; bucket: number }[]
  cursor: number
  /** Role number of a verifier -> copies that it checks. */
  copies: Map<number, number[]>
}

/**
 * What the owner of the beacon can know of an epoch's checks before they close: who is to check which copies. Worked out a few copies
 * at a time, so that no call takes long; told to each verifier in private.
 */
export class ChecksAhead {
  readonly #state: State
  readonly #beacon: BeaconSource
  readonly #epochs = new Map<number, Ahead>()

  constructor(state: State, beacon: BeaconSource) {
    this.#state = state
    this.#beacon = beacon
  }

  /** Goes on with open epochs, at most `work` copies; returns whether there are more. */
  advance(work: number): boolean {
    const { db } = this.#state
    const open = new Set<number>()
    let left = work
    const { round } = this.#state.head
    for (const row of db.all('SELECT * FROM check_epochs WHERE settle_round > ? ORDER BY epoch', round)) {
      if (!hasVerifiers(row)) continue
      const epoch = Number(row.epoch)
      open.add(epoch)
      let ahead = this.#epochs.get(epoch)
      if (!ahead) {
        const closeRound = Number(row.close_round)
        const beacon = this.#beacon.value(closeRound)
        const buckets = db
          .all('SELECT every, bucket FROM buckets ORDER BY every, bucket')
          .map((bucket) => ({ every: Number(bucket.every), bucket: Number(bucket.bucket) }))
          .filter(({ every, bucket }) => isRetrievalDue(beacon, every, bucket))
        ahead = {
          closeRound,
          settleRound: Number(row.settle_round),
          startRound: Number(row.start_round),
          beacon,
          buckets,
          cursor: -1,
          copies: new Map()
        }
        this.#epochs.set(epoch, ahead)
      }
      while (left > 0 && ahead.buckets.length > 0) left -= this.#bucket(epoch, ahead, left)
    }
    for (const epoch of this.#epochs.keys()) if (!open.has(epoch)) this.#epochs.delete(epoch)
    return left <= 0
  }

  #bucket(epoch: number, ahead: Ahead, work: number): number {
    const state = this.#state
    const { every, bucket } = ahead.buckets[0]!
    const rows = state.db.all(CHECKED_COPIES, every, bucket, ahead.cursor, ahead.startRound, work)
    for (const row of rows) {
      const copy = copyFrom(row)
      const drawn = drawVerifiers(state, { epoch, copy, beacon: ahead.beacon })
      for (const role of drawn) {
        const copies = ahead.copies.get(role)
        if (copies) copies.push(copy.id)
        else ahead.copies.set(role, [copy.id])
      }
      ahead.cursor = copy.id
    }
    if (rows.length < work) {
      ahead.buckets.shift()
      ahead.cursor = -1
    }
    return Math.max(1, rows.length)
  }

  /** A verifier's checks of an open epoch, once all are worked out, and as far as their copies still live. */
  of(verifier: Uint8Array, epoch: number, limit: number): CheckView[] {
    const state = this.#state
    const ahead = this.#epochs.get(epoch)
    const wallet = state.wallet(verifier)
    const role = wallet && state.roleOf(wallet, 'verifier')
    if (!ahead || ahead.buckets.length > 0 || !role) return []
    const out: CheckView[] = []
    for (const id of ahead.copies.get(role.id) ?? []) {
      if (out.length >= limit) break
      const row = state.db.get('SELECT * FROM copies WHERE id = ? AND state = 1', id)
      if (!row) continue
      const copy = copyFrom(row)
      out.push({
        epoch,
        copy: id,
        hypercore: hypercoreById(state, copy.hypercore).key,
        pinner: state.keyOf(state.role(copy.pinner!)),
        length: copy.length,
        closeRound: ahead.closeRound,
        settleRound: ahead.settleRound
      })
    }
    return out
  }
}
