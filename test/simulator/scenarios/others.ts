import { author, blocksOf, phantom } from '../hypercores.js'
import { keyPairOf } from '../party.js'
import type { Fate, Outcome } from '../run.js'
import type { Casting, Member, Scenario } from '../scenario.js'
import { Churner, Flooder, Grinder, Nobody, Whale } from '../strategies/joiners.js'
import { delaying, dropping, foretelling, reordering } from '../strategies/operators.js'
import { Pinner } from '../strategies/pinner.js'
import { Accomplice, BlamingPinner, Foretold, Picky, Silent } from '../strategies/pinners.js'
import { Signer } from '../strategies/signer.js'
import {
  Blaming,
  Claiming,
  Halving,
  Idle,
  Inventing,
  PickySigner,
  Spoiling,
  Twofold
} from '../strategies/signers.js'
import { Supporter } from '../strategies/supporter.js'
import { Growing, Hostage, Inflating, Penniless, Stealing } from '../strategies/supporters.js'
import { Verifier } from '../strategies/verifier.js'
import { Absent, Damning, Praising } from '../strategies/verifiers.js'
import { castOf, hypercores, NOTHING } from './cast.js'
import { invented, paidForPairs, paidForStorage } from './pinners.js'

/** Of whoever spoils deliveries: nobody else can tell whose fault it was. */
const AS_MUCH =
  'without a proof both sides of a delivery pay: its partners once each what it pays doubled each time (P2.A11)'

/** X that hostile signers got. */
function paidForSegments(_: Outcome, cheats: readonly Fate[]): bigint {
  return cheats.reduce((sum, { conduct }) => sum + conduct.signed, 0n)
}

function signs(name: string, does: string, make: () => Signer, more: Partial<Scenario> = {}): Scenario {
  return {
    name,
    does,
    days: 1,
    without: 'one more signer',
    cast: (casting) =>
      castOf(casting, [{ name: 'cheat', hostile: make, honest: () => new Signer() }], {
        plan: { copies: 3 }
      }),
    unearned: paidForSegments,
    limit: NOTHING,
    ...more
  }
}

export const signerScenarios: Scenario[] = [
  signs('delivers-nothing', 'says yes to every draw and delivers nothing', () => new Idle()),
  signs('claims-delivery', 'says that it has delivered, and hands nothing over', () => new Claiming(), {
    limit: { ...NOTHING, harm: 30_000n },
    missing: AS_MUCH
  }),
  signs('delivers-garbage', 'signs a root over chunks of which one is broken', () => new Spoiling()),
  signs(
    'delivers-twice',
    'delivers one segment on the chain and hands another one over, then delivers that too',
    () => new Twofold(),
    { limit: { ...NOTHING, harm: 30_000n }, missing: AS_MUCH }
  ),
  signs('delivers-half', 'encodes and signs half of every segment', () => new Halving(), {
    unearned: () => 0n
  })
]

/** Signer and pinner in one hand that invent a fifth of the chunks: few enough that verifiers may meet none of them. */
function invents(name: string, does: string, pinner: typeof Accomplice): Scenario {
  const share = 0.2
  return {
    name,
    does,
    days: 3,
    cast: (casting) => {
      const bad = invented(share)
      const pair = [
        { name: 'pair-pinner', hostile: () => new pinner(bad, share), honest: () => new Pinner() },
        { name: 'pair-signer', hostile: () => new Inventing(bad), honest: () => new Signer() }
      ]
      // Nobody reads here: what is looked at is what openings alone do.
      const crowd = { signers: 1, pinners: 1, verifiers: 0 }
      return castOf(casting, pair, { plan: { copies: 1 }, crowd, cores: hypercores(6) })
    },
    unearned: (outcome) => (paidForPairs(outcome) * 2n) / 10n,
    limit: NOTHING
  }
}

export const pairScenarios: Scenario[] = [
  invents(
    'invents',
    'signer and pinner in one hand encode other blocks than the author’s for a fifth of the chunks, and show them when they are to be opened; nobody verifies',
    Accomplice
  ),
  invents('invents-silent', 'the same pair goes silent when such a chunk is to be opened', Silent),
  {
    name: 'refuses-to-match',
    does: 'two pinners and two signers in one hand refuse each other’s strangers until both sides are their own',
    days: 1,
    cast: (casting) => {
      const own = new Set<string>()
      const names = ['own-pinner-1', 'own-pinner-2', 'own-signer-1', 'own-signer-2']
      for (const name of names) own.add(keyPairOf(casting.seed, name).publicKey.toString('hex'))
      const pair = names.map((name) => {
        const pins = name.includes('pinner')
        return {
          name,
          hostile: () => (pins ? new Picky(own) : new PickySigner(own)),
          honest: () => (pins ? new Pinner() : new Signer())
        }
      })
      return castOf(casting, pair, {
        plan: { copies: 2 },
        cores: hypercores(6),
        crowd: { signers: 6, pinners: 6 }
      })
    },
    unearned: paidForPairs,
    limit: { ...NOTHING, harm: 60_000n },
    missing: AS_MUCH
  },
  {
    name: 'blames',
    does: 'two pinners and two signers in one hand say of every hypercore that nobody serves it',
    days: 1,
    cast: (casting) => {
      const own = ['pinner-1', 'pinner-2', 'signer-1', 'signer-2'].map((name) => ({
        name: `own-${name}`,
        hostile: () => (name.includes('pinner') ? new BlamingPinner() : new Blaming()),
        honest: () => (name.includes('pinner') ? new Pinner() : new Signer())
      }))
      return castOf(casting, own, {
        plan: { copies: 2 },
        cores: hypercores(6),
        crowd: { signers: 6, pinners: 6 }
      })
    },
    limit: { ...NOTHING, harm: 60_000n },
    missing: AS_MUCH
  }
]

function verifies(name: string, does: string, make: () => Verifier, more: Partial<Scenario> = {}): Scenario {
  return {
    name,
    does,
    days: 1,
    without: 'one more verifier',
    cast: (casting) =>
      castOf(casting, [{ name: 'cheat', hostile: make, honest: () => new Verifier() }], {
        plan: { copies: 3 }
      }),
    limit: NOTHING,
    ...more
  }
}

/** All that verifiers were paid who fetched nothing. */
function paidForReports(_: Outcome, cheats: readonly Fate[]): bigint {
  return cheats.reduce((sum, { income }) => sum + income, 0n)
}

export const verifierScenarios: Scenario[] = [
  verifies(
    'fetches-nothing',
    'reports what is most often true, and so praises everybody',
    () => new Praising(),
    {
      unearned: paidForReports,
      limit: { ...NOTHING, gain: 30_000n },
      missing:
        'nothing shows that a verifier fetched: a keyed digest, and one block asked for later (item 20, P2.B8)'
    }
  ),
  verifies('damns', 'says of everybody that nothing is served', () => new Damning(), {
    unearned: paidForReports
  }),
  verifies('stays-away', 'takes part in draws and reports nothing', () => new Absent())
]

/** A hostile supporter beside an honest one. */
function supports(
  name: string,
  does: string,
  make: (casting: Casting) => Member['strategy'],
  more: Partial<Scenario> = {}
): Scenario {
  return {
    name,
    does,
    days: 1,
    without: more.rules ? name : 'nobody more',
    cast: (casting) => {
      const cast = castOf(casting, [
        { name: 'mallory', hostile: () => make(casting), honest: () => new Nobody() }
      ])
      // Its own hypercores are worth nothing to anybody: what is counted are those of others.
      return { ...cast, counted: cast.hypercores.map(({ key }) => key) }
    },
    limit: NOTHING,
    ...more
  }
}

const lengths = Array.from({ length: 48 }, (_, n) => author('growing', blocksOf('growing', 8 + 2 * n, 400)))

export const supporterScenarios: Scenario[] = [
  supports('unreachable', 'sponsors hypercores that nobody serves', () => {
    const ghosts = Array.from({ length: 3 }, (_, i) => phantom(`ghost ${i}`, 16, 16_000))
    return new Supporter(ghosts, { copies: 4 }, 1_000_000n)
  }),
  supports(
    'false-sized',
    'sponsors a hypercore of a few bytes whose roots, signed by itself, say 100 MiB',
    () => {
      return new Supporter([phantom('false', 16, 100 << 20)], { copies: 4 }, 10_000_000n)
    }
  ),
  supports('growing', 'appends to a hypercore every hour', () => new Growing(lengths, 20_000_000n)),
  supports(
    'hostage',
    'gives a broke hypercore one grain whenever it is about to lapse',
    () => new Hostage(author('broke', blocksOf('broke', 16, 400)), 30_000n),
    { rules: { graceEpochs: 6 }, days: 2 }
  ),
  supports(
    'hostile-growth',
    'is the author of a supported hypercore, and signs that it has grown by 512 MiB, and by a TiB, that nobody has',
    () => {
      return new Inflating('core 0')
    }
  ),
  supports(
    'stolen-key',
    'has the key of the author of a supported hypercore, and signs ever newer forks without anything of what was there',
    () => new Stealing('core 0')
  ),
  supports('thousand-plans', 'sponsors 1,000 hypercores of one copy with one grain each', () => {
    return new Penniless(
      Array.from({ length: 1_000 }, (_, i) => phantom(`cheap ${i}`, 16, 16_000)),
      1
    )
  }),
  supports('penniless', 'sponsors 20 hypercores of 100 copies with one grain each', () => {
    return new Penniless(Array.from({ length: 20 }, (_, i) => phantom(`poor ${i}`, 16, 16_000)))
  })
]

/** Somebody who takes no part in the control. */
function joins(
  name: string,
  does: string,
  make: () => Member['strategy'],
  more: Partial<Scenario> = {},
  grains = 1_000_000_000n
): Scenario {
  return {
    name,
    does,
    days: 1,
    without: grains > 0n ? 'nobody more' : name,
    cast: (casting) =>
      castOf(casting, [{ name: 'mallory', grains, hostile: make, honest: () => new Nobody() }]),
    limit: NOTHING,
    ...more
  }
}

export const joinerScenarios: Scenario[] = [
  joins('whale', 'deposits 500 datdot in each role, for no room', () => new Whale(500_000_000n), {
    sameDraws: true
  }),
  joins(
    'grinder',
    'joins and raises its deposit between what is frozen and the value that draws',
    () => new Grinder(),
    {
      sameDraws: true
    }
  ),
  joins('churner', 'joins and leaves again and again', () => new Churner(50_000_000n), { days: 1 }),
  joins(
    'flooder',
    'has no account, and sends 64 operations an hour all the same',
    () => new Flooder(),
    {},
    0n
  )
]

const VICTIM = 'pinner-1'

function operates(name: string, does: string, more: Partial<Scenario> & Pick<Scenario, 'cast'>): Scenario {
  return { name, does, days: 1, without: 'nobody', limit: NOTHING, ...more }
}

export const operatorScenarios: Scenario[] = [
  operates('operator-drops', 'the chain takes no answer of one pinner', {
    limit: { ...NOTHING, harm: 150_000n, copies: 8, kept: 0.6 },
    missing:
      'the operator is trusted to take answers: BUSY is not signed, and nobody else can hand an answer in (P2.B5)',
    cast: (casting) => {
      const victim = keyPairOf(casting.seed, VICTIM).publicKey
      const cast = castOf(casting, [])
      return casting.hostile ? { ...cast, operator: dropping(() => victim, ['answer']) } : cast
    }
  }),
  operates('operator-delays', 'the chain keeps the answers of one pinner back for half an hour', {
    limit: { ...NOTHING, harm: 150_000n, copies: 8, kept: 0.6 },
    missing:
      'the operator itself says up to when all that came is on the log: who is delayed has no signed word of it (P2.B5)',
    cast: (casting) => {
      const victim = keyPairOf(casting.seed, VICTIM).publicKey
      const cast = castOf(casting, [])
      return casting.hostile ? { ...cast, operator: delaying(() => victim, ['answer'], 1_800_000) } : cast
    }
  }),
  operates(
    'operator-foretells',
    'the chain tells a pinner that stores nothing all values of its beacon beforehand, so that it fetches what it will be asked for',
    {
      without: 'a friend',
      limit: { ...NOTHING, gain: 20_000n },
      unearned: paidForStorage(1),
      missing: 'the operator knows the embedded beacon; one that nobody knows beforehand (drand) ends it',
      cast: (casting) => {
        const told: { value?: (round: number) => Uint8Array } = {}
        const friend = {
          name: 'friend',
          hostile: () => new Foretold((round) => told.value!(round)),
          honest: () => new Pinner()
        }
        const cast = castOf(casting, [friend], { plan: { copies: 3 } })
        return casting.hostile ? { ...cast, operator: foretelling(told) } : cast
      }
    }
  ),
  operates('operator-reorders', 'the chain applies what comes together in the opposite order', {
    cast: (casting) => ({ ...castOf(casting, []), ...(casting.hostile ? { operator: reordering } : {}) })
  })
]
