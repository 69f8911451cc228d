import assert from 'node:assert/strict'
import { answerOf, type Kind, type Statement } from '../../src/protocol/operations.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import type { AssignmentView, ChallengeView } from '../../src/protocol/views.js'
import { fakeAnswer, identity, MIB, original, type TestNetwork } from './network.js'
import { claimOfBlocks, forkOf, leaves, sponsorBlocks } from './rewritten.js'

/** A reason to refuse an operation, with the one beside it that is just allowed. */
export interface Case {
  kind: Kind
  code: string
  /** What its message says, where one code has several reasons. */
  why?: RegExp
  /** Who sends both, if it is not just anybody. */
  sender?: (network: TestNetwork) => KeyPair
  /** Makes the network that both are tried on. */
  given?: (network: TestNetwork) => void
  refused: (network: TestNetwork) => Statement
  allowed: (network: TestNetwork) => Statement
  /** What goes with each of them. */
  details?: Record<'refused' | 'allowed', (network: TestNetwork) => Uint8Array>
}

const NAMES = ['signer-1', 'signer-2', 'signer-3', 'pinner-1', 'pinner-2', 'pinner-3', 'pinner-4']
const EVIDENCE = Buffer.alloc(32, 7)

function assigned({ ledger }: TestNetwork): AssignmentView {
  return NAMES.flatMap((name) => ledger.assignments(identity(name).publicKey))[0]!
}
const pinner = (network: TestNetwork): KeyPair => network.keyPair(assigned(network).pinner)
const signer = (network: TestNetwork): KeyPair => network.keyPair(assigned(network).signer)

/** A copy whose pinner has said yes, and whose signer is asked. */
function asked(network: TestNetwork): void {
  network.sponsor('film', { copies: 1 })
  network.tick(2)
  network.acknowledge()
  network.tick(2)
}
function delivering(network: TestNetwork): void {
  asked(network)
  network.acknowledge()
}

const refuse = (
  network: TestNetwork,
  reason: 'other' | 'unreachable',
  evidence: Buffer | null = null
): Statement => ({
  kind: 'refuse',
  body: { draw: assigned(network).draw, reason, evidence }
})

const ofDraws: Case[] = [
  {
    kind: 'acknowledge',
    code: 'ACKNOWLEDGED',
    given: asked,
    sender: pinner,
    refused: (network) => ({ kind: 'acknowledge', body: { draw: assigned(network).draw } }),
    // Once its signer has said yes too, it may say that it finds nobody who serves the hypercore.
    allowed(network) {
      network.acknowledge()
      return refuse(network, 'unreachable')
    }
  },
  {
    kind: 'refuse',
    code: 'ACKNOWLEDGED',
    given: asked,
    sender: pinner,
    refused: (network) => refuse(network, 'other'),
    allowed(network) {
      network.acknowledge()
      return refuse(network, 'other')
    }
  },
  {
    kind: 'refuse',
    code: 'EVIDENCE_NOT_ASKED',
    given: delivering,
    sender: signer,
    refused: (network) => refuse(network, 'other', EVIDENCE),
    allowed: (network) => refuse(network, 'other')
  },
  {
    kind: 'refuse',
    code: 'UNSERVED_SAID',
    given(network) {
      delivering(network)
      network.send(pinner(network), refuse(network, 'unreachable'))
    },
    sender: pinner,
    refused: (network) => refuse(network, 'unreachable'),
    allowed: (network) => refuse(network, 'other')
  },
  {
    kind: 'refuse',
    code: 'NOT_WAITING',
    why: /said its word/,
    given(network) {
      delivering(network)
      network.send(signer(network), refuse(network, 'other'))
    },
    sender: pinner,
    refused: (network) => refuse(network, 'unreachable'),
    allowed: (network) => refuse(network, 'other')
  },
  {
    kind: 'refuse',
    code: 'NOT_WAITING',
    why: /refused this draw already/,
    given(network) {
      delivering(network)
      network.send(signer(network), refuse(network, 'other'))
    },
    sender: signer,
    refused: (network) => refuse(network, 'unreachable'),
    // It is no debt any more; anything else that it may send it may send still.
    allowed: () => ({ kind: 'transfer', body: { to: identity('pinner-1').publicKey, amount: 1n } })
  },
  {
    kind: 'judge',
    code: 'REFUSAL_UNKNOWN',
    given(network) {
      delivering(network)
      const { draw } = assigned(network)
      const body = { draw, reason: 'mismatch', evidence: EVIDENCE } as const
      network.send(pinner(network), { kind: 'refuse', body })
    },
    sender: ({ chain }) => chain,
    refused: ({ ledger }) => ({ kind: 'judge', body: { draw: ledger.refusals()[0]!.draw + 1, upheld: 1 } }),
    allowed: ({ ledger }) => ({ kind: 'judge', body: { draw: ledger.refusals()[0]!.draw, upheld: 1 } })
  }
]

/** Goes on until something holds. */
function until(network: TestNetwork, holds: () => boolean): void {
  for (let n = 0; n < 400 && !holds(); n++) {
    network.tick()
    network.work()
  }
  assert.ok(holds())
}

/** A hypercore of 100 blocks with a copy that somebody holds. */
function held(grains: bigint) {
  return (network: TestNetwork): void => {
    const key = network.sponsor('film', { copies: 1 }, grains)
    until(network, () => network.ledger.hypercore(key)!.copies[0]!.length === 100)
  }
}
const extend = (length: number, byteLength: number): Statement => ({
  kind: 'extend',
  body: original('film', length, byteLength)
})

const ofGrowth: Case[] = [
  {
    kind: 'extend',
    code: 'GROWTH_EARLY',
    given: held(100_000_000n),
    refused: () => extend(101, 100_000 + 16 * MIB - 1),
    allowed: () => extend(101, 100_000 + 16 * MIB)
  },
  {
    kind: 'extend',
    code: 'GROWTH_UNPAID',
    given: held(1_000_000n),
    refused: () => extend(101, 1 << 30),
    allowed(network) {
      const { key } = original('film', 1, 1)
      network.send(network.supporter, { kind: 'donate', body: { key, amount: 20_000_000n } })
      return extend(101, 1 << 30)
    }
  }
]

/** The challenge that is open, and what answers it. */
function challenge({ ledger }: TestNetwork): ChallengeView {
  return NAMES.flatMap((name) => ledger.challenges(identity(name).publicKey))[0]!
}
const answer = (network: TestNetwork) => answerOf([fakeAnswer(challenge(network))], [])

const ofAnswers: Case[] = [
  {
    kind: 'answer',
    code: 'OPERATION_MALFORMED',
    given(network) {
      held(100_000_000n)(network)
      for (let n = 0; n < 400 && !challenge(network); n++) network.tick()
    },
    sender: (network) =>
      NAMES.map(identity).find(({ publicKey }) => network.ledger.challenges(publicKey).length > 0)!,
    refused: (network) => ({ kind: 'answer', body: answer(network).body }),
    allowed: (network) => ({ kind: 'answer', body: answer(network).body }),
    details: {
      // States of another answer than this one.
      refused(network) {
        const one = fakeAnswer(challenge(network))
        return answerOf([one, { ...one, challenge: one.challenge + 1 }], []).detail
      },
      allowed: (network) => answer(network).detail
    }
  }
]

/** What is refused of draws, growth and answers. */
/** A hypercore of real blocks, of which nobody holds a copy yet: nothing has to pay for what becomes of it. */
const FILM = leaves('film', 100)
const written = (network: TestNetwork): void => void sponsorBlocks(network, 'film', FILM)
const anew = (kept: number, fork = 1): Statement =>
  forkOf('film', FILM, [...FILM.slice(0, kept), ...leaves('anew', 3)], { fork })
const twoTrees = (other = leaves('other', 100)): Statement => {
  const { key, original: one } = claimOfBlocks('film', FILM)
  return { kind: 'conflict', body: { key, one, other: claimOfBlocks('film', other).original } }
}

const ofForks: Case[] = [
  { kind: 'fork', code: 'FORK_OLD', given: written, refused: () => anew(90, 0), allowed: () => anew(90) },
  {
    kind: 'fork',
    code: 'FORK_EARLY',
    given(network) {
      written(network)
      network.send(network.supporter, anew(49))
    },
    refused: () => anew(49),
    allowed: () => anew(50, 2)
  },
  {
    kind: 'fork',
    code: 'PLAN_EXCEEDED',
    given: (network) => void sponsorBlocks(network, 'film', FILM, { maxBytes: 100_000 }),
    refused: () => anew(98),
    allowed: () => anew(97)
  },
  {
    kind: 'conflict',
    code: 'NO_CONFLICT',
    given: written,
    refused: () => twoTrees(FILM),
    allowed: () => twoTrees()
  },
  {
    kind: 'extend',
    code: 'HYPERCORE_CONFLICTED',
    given(network) {
      written(network)
      network.sponsor('other')
      network.send(network.supporter, twoTrees())
    },
    refused: () => extend(101, 101_000),
    allowed: () => ({ kind: 'extend', body: original('other', 101, 101_000) })
  }
]

export const drawnCases: Case[] = [...ofDraws, ...ofGrowth, ...ofForks, ...ofAnswers]
