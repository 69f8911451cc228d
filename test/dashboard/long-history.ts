import { encode } from '../../src/protocol/codec.js'
import { effectsType, type Effect } from '../../src/protocol/effects.js'
import { decodeEntry, encodeEntry } from '../../src/protocol/entry.js'
import { decodeOperation } from '../../src/protocol/operations.js'
import type { ChainSource } from '../../src/dashboard/source.js'
import type { LoggedEvent } from '../../src/ledger/types.js'

const YEAR_MS = 365 * 86_400_000
const AT_ONCE = 256

/**
 * A chain whose log goes on, after what is in its ledger, with ticks that challenge one copy again and again over a year: told
 * to a dashboard as a log tells it.
 */
export function withYear(
  source: ChainSource,
  { copy, challenges }: { copy: number; challenges: number }
): ChainSource {
  const real = async (): Promise<number> => (await source.chain()).length
  return {
    ...source,
    async *follow(first, signal) {
      const length = await real()
      const read: LoggedEvent[] = []
      for await (const events of source.follow(0, signal)) {
        read.push(...events)
        if (read.length >= length) break
      }
      if (first < length) yield read.slice(first, length)
      const entries = read.slice(0, length).map(({ entry }) => decodeEntry(entry))
      const last = entries.findLast(({ operation }) => decodeOperation(operation, true).kind === 'tick')!
      const tick = decodeOperation(last.operation, true)
      if (tick.kind !== 'tick') throw new Error('a log without a tick')
      const { round } = tick.body
      const { at, clock } = entries.at(-1)!
      const step = Math.floor(YEAR_MS / challenges)
      let batch: LoggedEvent[] = []
      for (let n = Math.max(0, first - length); n < challenges; n++) {
        if (signal.aborted) return
        const entry = { ...last, seq: length + n, at: at + (n + 1) * step, clock: clock + (n + 1) * step }
        const id = 1_000_000 + n
        const outcome = n % 100 === 99 ? 'failure' : 'success'
        const effects: Effect[] = [
          { kind: 'challenged', challenge: id, copy, round, answerBy: entry.clock + 1_000 },
          {
            kind: 'settled',
            challenge: id,
            copy,
            outcome,
            paid: 1_000n,
            reputationPpm: 900_000 + (n % 1_000)
          }
        ]
        batch.push({ entry: encodeEntry(entry), effects: encode(effectsType, { effects, postings: [] }) })
        if (batch.length < AT_ONCE && n < challenges - 1) continue
        yield batch
        batch = []
      }
    }
  }
}
