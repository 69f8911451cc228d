import type { TestContext } from 'node:test'
import type { Effect } from '../../src/protocol/effects.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import type { Quotas } from '../../src/swarm/rpc-channel.js'
import type { ChainClient } from '../../src/client/client.js'
import { evidenceOf } from '../../src/client/upload.js'
import type { VerifyAnswers } from '../../src/evidence/tasks.js'
import type { ChallengeView } from '../../src/protocol/views.js'
import type { PathSource } from '../../src/evidence/slice-evidence.js'
import type { SliceSource } from '../../src/evidence/slice-walk.js'
import { identity } from '../ledger/network.js'
import type { Beat } from '../../src/chain/time.js'
import { walked, type Answered } from '../evidence/slice-copy.js'
import { testChain, type TestChain } from './chain.js'
import { drawSegment, encodeCopy, readerOf, type HeldCopy } from './pinner.js'

/** Longer than any test here takes of chain time. */
export const WINDOW_MS = 600_000

export interface Hosted {
  chain: TestChain
  pinner: ChainClient
  copy: HeldCopy
  /** The author's. */
  blocks: Buffer[]
}

/** One hypercore with one copy, delivered and accepted over the network. */
export async function hosted(
  t: TestContext,
  quotas: Partial<Quotas> = {},
  {
    scale = 1,
    steps = 8,
    beat = null,
    rules = {},
    invent = (blocks) => blocks,
    verify
  }: {
    scale?: number
    steps?: number
    beat?: Beat | null
    rules?: Partial<Parameters>
    /** What its signer encodes in place of the author's blocks. */
    invent?: (blocks: Buffer[]) => Buffer[]
    verify?: VerifyAnswers
  } = {}
): Promise<Hosted> {
  const chain = await testChain(t, {
    names: ['signer', 'pinner'],
    parameters: { evidenceWindowMs: WINDOW_MS, ...rules },
    quotas,
    beat,
    ...(verify && { verify })
  })
  const blocks = Array.from({ length: 40 }, (_, i) => Buffer.alloc((100 + 997 * (i % 7)) * scale, i + 1))
  const { signer, pinner, original, assignment } = await drawSegment(t, chain, blocks, { steps })
  const encoded = { blocks: invent(original.blocks) }
  const copy = await encodeCopy(await signer.chainId(), assignment, encoded, identity('signer'))
  await signer.deliver(assignment.draw, copy.record)
  await pinner.accept(assignment.draw, copy.record, copy.signerSignature)
  return { chain, pinner, copy, blocks: original.blocks }
}

export async function challenged({ chain, pinner }: Hosted): Promise<ChallengeView> {
  return chain.until('the pinner is challenged', async () => (await pinner.challenges(1))[0])
}

export async function settled({ chain }: Hosted, challenge: number): Promise<Effect & { kind: 'settled' }> {
  const { ledger } = chain.network
  const find = (): (Effect & { kind: 'settled' }) | null => {
    for (let seq = 0; seq < ledger.length(); seq++) {
      for (const effect of ledger.effects(seq)?.effects ?? []) {
        if (effect.kind === 'settled' && effect.challenge === challenge) return effect
      }
    }
    return null
  }
  return chain.until('the challenge is settled', find, false)
}

/** Walks and answers; what is to be sent is not sent yet. */
export async function answered(
  { pinner }: Hosted,
  challenge: ChallengeView,
  reader: SliceSource & PathSource,
  state?: Uint8Array
): Promise<Answered> {
  const of = await walked(reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: state ?? of.lastState, evidence: of.hash }])
  return of
}

/** Walks, answers and sends the evidence, as a pinner does, but without looking at it. */
export async function answer(
  hosting: Hosted,
  challenge: ChallengeView,
  reader: SliceSource & PathSource,
  state?: Uint8Array
): Promise<Uint8Array> {
  const { evidence, hash } = await answered(hosting, challenge, reader, state)
  await hosting.pinner.sendEvidence(challenge.id, evidenceOf(evidence, hash))
  return evidence
}

/** A reader that gives one chunk with a bit turned. */
export function forged({ chunks, tree }: HeldCopy, index: number): SliceSource & PathSource {
  const changed = Buffer.from(chunks[index]!)
  changed[150]! ^= 1
  return readerOf(chunks.with(index, changed), tree)
}
