import type { TestContext } from 'node:test'
import { aliveValue, factorBytes, factorCommitment } from '../../src/crypto/bounty.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import { isWorked } from '../../src/protocol/commitment.js'
import type { Statement } from '../../src/protocol/operations.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import type { CopyView, SegmentView } from '../../src/protocol/views.js'
import { ownedKey, type OwnedKey } from '../helpers/moduli.js'
import { keyName, smallNetwork, type TestNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

/** A network with one sealed copy that has passed a challenge, whose signer has kept its key. */
export interface Sealed {
  network: TestNetwork
  key: Buffer
  copy: () => CopyView
  segment: SegmentView
  signer: KeyPair
}

export function sealed(t: TestContext, changes: Partial<Parameters> = {}): Sealed {
  const network = smallNetwork(changes)
  closeAfter(t, () => network.close())
  return seal(network)
}

export function seal(network: TestNetwork): Sealed {
  const key = network.sponsor('film', { copies: 1, codec: 'seal' })
  const copy = (): CopyView => network.ledger.copy(0)!
  do {
    network.tick()
    network.work()
  } while (copy().segments[0]?.reserved !== 0n)
  const segment = copy().segments[0]!
  return { network, key, copy, segment, signer: network.keyPair(segment.signer) }
}

function keyOf({ start, copy, draw }: SegmentView): OwnedKey {
  return ownedKey(keyName({ copy, start, draw }))
}

type At = Pick<Sealed, 'network' | 'segment'>

/** A claim with a root of what a round asks of somebody. */
export function rootOf(
  { network, segment }: At,
  by: KeyPair,
  round = network.ledger.chain().round
): Statement & { kind: 'claimRoot' } {
  const value = aliveValue(segment.id, by.publicKey, network.ledger.beaconValue(round) ?? Buffer.alloc(32))
  return { kind: 'claimRoot', body: { segment: segment.hash, round, root: keyOf(segment).root(value) } }
}

/** Commitment and claim with a factor, by default a true one. */
export function factorOf(
  { network, segment }: At,
  by: KeyPair,
  factor = factorBytes(keyOf(segment).primes[0]!)
): { commit: Statement & { kind: 'commitFactor' }; claim: Statement & { kind: 'claimFactor' } } {
  const salt = Buffer.alloc(32)
  const { commitmentBits } = network.ledger.parameters()
  let commitment: Buffer
  do {
    salt.writeUInt32LE(salt.readUInt32LE() + 1)
    commitment = factorCommitment(segment.id, by.publicKey, factor, salt)
  } while (!isWorked(commitment, commitmentBits))
  return {
    commit: { kind: 'commitFactor', body: { commitment } },
    claim: { kind: 'claimFactor', body: { segment: segment.hash, factor, salt } }
  }
}
