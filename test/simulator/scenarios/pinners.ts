import { hash } from '../../../src/crypto/hash.js'
import { PPM } from '../../../src/protocol/parameters.js'
import type { Authored } from '../hypercores.js'
import type { Strategy } from '../party.js'
import type { Fate, Outcome } from '../run.js'
import type { Cast, Casting, Scenario } from '../scenario.js'
import { Pinner } from '../strategies/pinner.js'
import * as hostile from '../strategies/pinners.js'
import { castOf, hypercores, NOTHING } from './cast.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** k of the plans here: what PROTOCOL 2 asks an hour (P2.C3). */
const STEPS = 9

/** Hypercores with enough chunks that a hundredth of them can be dropped. */
function manyChunks(): Authored[] {
  return hypercores(3, 100, 300)
}

function few(): Authored[] {
  return hypercores(3)
}

/** One pinner beside four honest ones, which could hold all copies without it. */
function one(make: () => Strategy, cores = manyChunks): Pick<Scenario, 'cast' | 'without'> {
  const cheat = { name: 'cheat', hostile: make, honest: () => new Pinner() }
  const without = cores === manyChunks ? 'one more pinner, many chunks' : 'one more pinner'
  const cast = (casting: Casting): Cast =>
    castOf(casting, [cheat], { plan: { copies: 3, steps: STEPS }, cores: cores() })
  return { without, cast }
}

/** Pay for a share of the bytes, which was not stored. */
export function paidForStorage(share: number) {
  return (_: Outcome, cheats: readonly Fate[]): bigint => {
    const paid = cheats.reduce((sum, { conduct }) => sum + conduct.stored, 0n)
    return (paid * BigInt(Math.round(share * PPM))) / BigInt(PPM)
  }
}

/** Pay for serving readers, who got nothing. */
function paidForService(_: Outcome, cheats: readonly Fate[]): bigint {
  return cheats.reduce((sum, { conduct }) => sum + conduct.served, 0n)
}

function drops(share: number, days: number): Scenario {
  return {
    name: `drops-${100 * share}`,
    does: `drops ${100 * share} % of its chunks, and is silent where a challenge meets one of them`,
    days,
    found: 1 - (1 - share) ** STEPS,
    ...one(() => new hostile.Dropping(share)),
    unearned: paidForStorage(share),
    limit: NOTHING
  }
}

export const pinnerScenarios: Scenario[] = [
  drops(0.01, 3),
  drops(0.1, 1),
  drops(0.5, 1),
  {
    name: 'keys-only',
    does: 'keeps the headers of `wrap` and fetches the plain chunk for every step',
    days: 1,
    found: 1,
    ...one(() => new hostile.KeysOnly()),
    unearned: paidForStorage(1),
    limit: { ...NOTHING, gain: 20_000n },
    missing:
      '`wrap` does not bind a copy to a disk, `seal` does; the deadline still holds a tick (item 16 of protocol 2)'
  },
  {
    name: 'one-disk',
    does: 'two identities with one plain copy on one disk',
    days: 1,
    cast: (casting) =>
      castOf(
        casting,
        ['twin-1', 'twin-2'].map((name) => {
          return { name, hostile: () => new hostile.Sharing(2), honest: () => new Pinner() }
        }),
        { plan: { copies: 3 } }
      ),
    unearned: paidForStorage(0.5),
    limit: { ...NOTHING, gain: 20_000n },
    missing: '`wrap` cannot tell, `seal` does'
  },
  {
    name: 'serves-nobody',
    does: 'stores all and serves no reader',
    days: 1,
    found: 1,
    ...one(() => new hostile.ServingNobody(), few),
    unearned: paidForService,
    limit: NOTHING
  },
  {
    name: 'serves-verifiers',
    does: 'serves only readers whom it knows for verifiers',
    days: 1,
    found: 1,
    ...one(() => new hostile.ServingVerifiers(), few),
    unearned: paidForService,
    limit: NOTHING
  },
  {
    name: 'answers-late',
    does: 'stores nothing and answers when it has fetched everything',
    days: 1,
    found: 1,
    ...one(() => new hostile.Late(), few),
    unearned: paidForStorage(1),
    limit: NOTHING
  },
  {
    name: 'random-states',
    does: 'stores nothing and answers random states in time',
    days: 1,
    found: 1,
    ...one(() => new hostile.Guessing(), few),
    unearned: paidForStorage(1),
    limit: NOTHING
  },
  {
    name: 'reserves-intake',
    does: 'stores all, answers, and announces evidence of which it sends nothing',
    days: 1,
    found: 1,
    ...one(() => new hostile.Reserving(), few),
    unearned: (_, cheats) => cheats.reduce((sum, { conduct }) => sum + conduct.stored, 0n),
    limit: NOTHING
  },
  {
    name: 'blinks',
    does: 'is away for 4 h 01 m, here for an hour, again and again',
    days: 2,
    ...one(() => new hostile.Blinking(HOUR_MS, 4 * HOUR_MS + MINUTE_MS), few),
    limit: NOTHING
  },
  {
    name: 'declines',
    does: 'refuses every draw that falls on it',
    days: 1,
    ...one(() => new hostile.Declining(), few),
    limit: NOTHING
  }
]

/** Whether chunk `index` is of those that a pair invents. */
export function invented(share: number): (index: number) => boolean {
  return (index) => hash('simulate/invented', index).readUInt32LE() / 2 ** 32 < share
}

/** Pay for copies whose pinner and signer are in one hand: it can make them again at will. */
export function paidForPairs({ facts, fates }: Outcome): bigint {
  const cheats = new Set(fates.filter((fate) => fate.hostile).map(({ key }) => key))
  let paid = 0n
  for (const [copy, { pinner, signer }] of facts.holders) {
    if (cheats.has(pinner) && cheats.has(signer)) paid += facts.paidFor.get(copy) ?? 0n
  }
  return paid
}
