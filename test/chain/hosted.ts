import type { TestContext } from 'node:test'
import type { Effect } from '../../src/protocol/effects.js'
import type { Quotas } from '../../src/swarm/rpc-channel.js'
import type { ChainClient } from '../../src/client/client.js'
import type { ChallengeView } from '../../src/protocol/views.js'
import { buildEvidence, type ProofReader } from '../../src/evidence/format.js'
import { walk, type CopyReader } from '../../src/evidence/walk.js'
import { codecOf } from '../../src/chunk/codecs.js'
import { leafNode } from '../../src/merkle/node.js'
import { identity } from '../ledger/network.js'
import { evidenceBytes } from '../evidence/copy.js'
import type { Beat } from '../../src/chain/time.js'
import { testChain, type TestChain } from './chain.js'
import { drawSegment, encodeCopy, type HeldCopy } from './pinner.js'

/** Longer than any test here takes of chain time. */
export const WINDOW_MS = 600_000

export interface Hosted {
  chain: TestChain
  pinner: ChainClient
  copy: HeldCopy
}

/** One hypercore with one copy, delivered and accepted over the network. */
export async function hosted(
  t: TestContext,
  quotas: Partial<Quotas> = {},
  scale = 1,
  beat: Beat | null = null
): Promise<Hosted> {
  const chain = await testChain(t, {
    names: ['signer', 'pinner'],
    parameters: { evidenceWindowMs: WINDOW_MS },
    quotas,
    beat
  })
  const blocks = Array.from({ length: 40 }, (_, i) => Buffer.alloc((100 + 997 * (i % 7)) * scale, i + 1))
  const { signer, pinner, original, assignment } = await drawSegment(t, chain, blocks)
  const copy = await encodeCopy(await signer.chainId(), assignment, original, identity('signer'))
  await signer.deliver(assignment.draw, copy.record)
  await pinner.accept(assignment.draw, copy.record, copy.signerSignature)
  return { chain, pinner, copy }
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

/** Walks, signs s_k and sends the evidence, as a pinner does. */
export async function answer(
  { pinner }: Hosted,
  challenge: ChallengeView,
  reader: CopyReader & ProofReader,
  state?: Buffer
): Promise<Uint8Array> {
  const steps = await walk(reader, challenge)
  await pinner.answer([{ challenge: challenge.id, state: state ?? steps.at(-1)!.state }])
  const evidence = await buildEvidence(reader, challenge, steps)
  await pinner.sendEvidence(challenge.id, evidence)
  return evidenceBytes(evidence)
}

/** A reader that gives one chunk with a bit turned, and signs for it. */
export function forged(copy: HeldCopy, index: number): CopyReader & ProofReader {
  const changed = Buffer.from(copy.chunks[index]!)
  changed[150]! ^= 1
  const leaf = leafNode(changed, codecOf('wrap').headerBytes)
  return {
    ...copy.reader,
    chunk: (_, at) => (at === index ? changed : copy.chunks[at]!),
    leaf: (ordinal, at) => (at === index ? leaf : copy.reader.leaf(ordinal, at))
  }
}
