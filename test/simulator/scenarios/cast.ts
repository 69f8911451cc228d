import type { Plan } from '../../../src/protocol/operations.js'
import { author, blocksOf, type Authored } from '../hypercores.js'
import type { Cast, Casting, Limit, Member } from '../scenario.js'
import { Pinner } from '../strategies/pinner.js'
import { Signer } from '../strategies/signer.js'
import { Supporter } from '../strategies/supporter.js'
import { Verifier } from '../strategies/verifier.js'
import type { Strategy } from '../party.js'

export function hypercores(count: number, blocks = 24, meanBytes = 600): Authored[] {
  return Array.from({ length: count }, (_, i) =>
    author(`core ${i}`, blocksOf(`core ${i}`, blocks, meanBytes))
  )
}

/** Honest members of each role. */
export function crowd(counts: { signers?: number; pinners?: number; verifiers?: number } = {}): Member[] {
  const { signers = 4, pinners = 4, verifiers = 3 } = counts
  return [
    ...Array.from({ length: signers }, (_, i) => ({ name: `signer-${i + 1}`, strategy: new Signer() })),
    ...Array.from({ length: pinners }, (_, i) => ({ name: `pinner-${i + 1}`, strategy: new Pinner() })),
    ...Array.from({ length: verifiers }, (_, i) => ({ name: `verifier-${i + 1}`, strategy: new Verifier() }))
  ]
}

/** Nothing is gained, and nobody harmed. */
export const NOTHING: Limit = { gain: 0n, harm: 0n, copies: 0, kept: 0.02 }

/** Honest members, a supporter with hypercores, and those who are hostile, or would be. */
export function castOf(
  { hostile }: Casting,
  attackers: { name: string; hostile: () => Strategy; honest: () => Strategy; grains?: bigint }[],
  of: { plan?: Partial<Plan>; crowd?: Parameters<typeof crowd>[0]; cores?: Authored[] } = {}
): Cast {
  const cores = of.cores ?? hypercores(3)
  const members: Member[] = [
    ...crowd(of.crowd),
    ...attackers.map(({ name, grains, ...make }) => ({
      name,
      strategy: hostile ? make.hostile() : make.honest(),
      hostile: true,
      ...(grains === undefined ? {} : { grains })
    })),
    { name: 'supporter', strategy: new Supporter(cores, of.plan) }
  ]
  return { members, hypercores: cores }
}
