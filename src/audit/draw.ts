import { ChainError, InputError } from '../errors.js'
import { Replay } from './replay.js'
import type { AuditOptions } from './report.js'
import type { RoleName } from '../protocol/operations.js'
import { drawView } from '../ledger/queries.js'

/** One role of a draw, made again. */
export interface RoleDraw {
  role: RoleName
  /** H("datdot/draw/1", chain, role, task, …) of docs/protocol.md. */
  seed: Buffer
  /** Slots drawn from, and the upper bound of their weights. */
  slots: number
  maxWeight: bigint
  /** Every try on a slot that was eligible. */
  tries: { slot: number; key: Buffer; weight: bigint; roll: bigint; taken: boolean }[]
  /** The result: the first took it, the others are the fall-backs. */
  order: Buffer[]
}

/** How a draw came about. */
export interface DrawProof {
  id: number
  task: number
  copy: number
  round: number
  beacon: Buffer
  /** Entry of the log that made it: what the candidates were is the state before it. */
  seq: number
  roles: RoleDraw[]
}

/**
 * Makes a draw of the log again: replays the log up to it, with every signature and hash, and shows each try.
 *
 * @throws ChainError `DRAW_UNKNOWN` if the log has no such draw, `LOG_BROKEN` if the log does not hold up to it
 */
export async function verifyDraw(
  entries: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  id: number,
  options: AuditOptions = {}
): Promise<DrawProof> {
  let roles: RoleDraw[] = []
  let current: RoleDraw | null = null
  const replay = new Replay({
    ...options,
    stop: (state) => state.head.nextDraw > id,
    observer: {
      draw({ draw, role, seed, slots, maxWeight }) {
        current = draw === id ? { role, seed, slots, maxWeight, tries: [], order: [] } : null
        if (!current) return
        // The same number stands for earlier tries that found nobody, and signers may be drawn twice.
        roles = role === 'pinner' ? [] : roles.filter((known) => known.role !== role)
        roles.push(current)
      },
      step({ slot, key, weight, roll, taken }) {
        current?.tries.push({ slot, key, weight, roll, taken })
        if (taken) current?.order.push(key)
      }
    }
  })
  try {
    const report = await replay.run(entries)
    if (report.failure) {
      const { seq, reason } = report.failure
      throw new ChainError('LOG_BROKEN', `the log does not hold at entry ${seq}: ${reason}`)
    }
    const view = replay.state && drawView(replay.state, id)
    if (!view) throw new InputError('DRAW_UNKNOWN', `the log has no draw ${id}`)
    const row = replay.db.get('SELECT value FROM rounds WHERE round = ?', view.round)!
    const { task, copy, round, seq } = view
    for (const role of roles) {
      const logged = role.role === 'pinner' ? view.pinners : view.signers
      // Fall-backs that share an identity with all signers are left out of the log.
      role.order.length = logged.length
    }
    return { id, task, copy, round, beacon: row.value as Buffer, seq, roles }
  } finally {
    replay.close()
  }
}
