import { ChainError, InputError } from '../errors.js'
import { using } from '../lifecycle.js'
import { beaconOf } from '../ledger/apply/draws.js'
import { Replay } from './replay.js'
import type { AuditOptions } from './report.js'
import { drawView } from '../ledger/views.js'
import type { DrawView } from '../protocol/views.js'

/** How a draw came about. */
export interface DrawProof extends DrawView {
  beacon: Buffer
  /** H("datdot/draw/2", chain, role, task, draw, beacon value). */
  seed: Uint8Array
  /** Sum of the frozen weights, before those who are excluded were taken out. */
  total: number
  /** Who has a part in the hypercore, or is out for this copy. */
  excluded: Buffer[]
  /** Those whom lots fell on, in order; all but the last lack room or deposit. */
  lots: { key: Buffer; weight: number; roomBytes: number; backing: bigint; trust: number; fits: boolean }[]
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
  let found: Pick<DrawProof, 'seed' | 'total' | 'excluded' | 'lots'> | null = null
  let watched = false
  const replay = new Replay({
    ...options,
    stop: (state) => state.head.nextDraw > id,
    observer: {
      // The same number stands for earlier draws that found nobody.
      draw({ draw, seed, total, excluded }) {
        watched = draw === id
        if (watched) found = { seed, total, excluded, lots: [] }
      },
      lot({ key, frozen, fits }) {
        if (watched) found?.lots.push({ key, ...frozen, fits })
      }
    }
  })
  return using(replay, async () => {
    const report = await replay.run(entries)
    if (report.failure) {
      const { seq, reason } = report.failure
      throw new ChainError('LOG_BROKEN', `the log does not hold at entry ${seq}: ${reason}`)
    }
    const view = replay.state && drawView(replay.state, id)
    if (!view || !found) throw new InputError('DRAW_UNKNOWN', `the log has no draw ${id}`)
    return { ...view, beacon: beaconOf(replay.state!, view.round), ...(found as object) } as DrawProof
  })
}
