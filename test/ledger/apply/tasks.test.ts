import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { signSegment, type SegmentRecord } from '../../../src/protocol/segment.js'
import type { Plan, Statement } from '../../../src/protocol/operations.js'
import type { AssignmentView } from '../../../src/protocol/views.js'
import { TestNetwork, identity } from '../network.js'
import { modulusBytes, seededPrimes, weakModulus } from '../../crypto/weak-keys.js'
import { shapedModulus, shapedSeal } from '../../helpers/moduli.js'
import { accepted, refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

const names = ['signer-1', 'signer-2', 'pinner-1', 'pinner-2']

/** One copy of each of some hypercores: its pinner has acknowledged, its signer is asked. */
function drawn(t: TestContext, plan: Partial<Plan> = {}, films = ['film']): TestNetwork {
  const network = new TestNetwork({}, names)
  closeAfter(t, () => network.close())
  for (const name of names) network.register(name, name.split('-')[0] as 'signer')
  network.tick(3)
  for (const film of films) network.sponsor(film, { copies: 1, ...plan })
  network.tick(2)
  network.acknowledge()
  network.tick(2)
  return network
}

function assignments(network: TestNetwork): AssignmentView[] {
  const all = names.flatMap((name) => network.ledger.assignments(identity(name).publicKey))
  return all.filter(({ role }) => role === 'signer')
}

function deliver(network: TestNetwork, of: AssignmentView, changes: Partial<SegmentRecord> = {}): Statement {
  const record = network.record(of, changes)
  const signature = signSegment(network.ledger.chainId, network.keyPair(of.signer), record)
  return { kind: 'deliver', body: { draw: of.draw, record, signature } }
}

function accept(network: TestNetwork, of: AssignmentView, changes: Partial<SegmentRecord> = {}): Statement {
  const record = network.record(of, changes)
  const { chainId } = network.ledger
  const signerSignature = signSegment(chainId, network.keyPair(of.signer), record)
  const signature = signSegment(chainId, network.keyPair(of.pinner), record)
  return { kind: 'accept', body: { draw: of.draw, record, signerSignature, signature } }
}

test('a segment is delivered once both have acknowledged its draw, and once', (t) => {
  const network = drawn(t)
  const [of] = assignments(network)
  const [signer, pinner] = [network.keyPair(of!.signer), network.keyPair(of!.pinner)]
  refused(network, signer, deliver(network, of!), 'NOT_WAITING')
  refused(network, pinner, accept(network, of!), 'NOT_WAITING')
  network.acknowledge()
  refused(network, pinner, deliver(network, of!), 'NOT_DRAWN')
  accepted(network, signer, deliver(network, of!))
  refused(network, signer, deliver(network, of!), 'NOT_WAITING')
  refused(network, signer, accept(network, of!), 'NOT_DRAWN')
  accepted(network, pinner, accept(network, of!))
  refused(network, pinner, accept(network, of!), 'DRAW_NOT_OPEN')
})

test('part of a segment is not accepted while its signer has time', (t) => {
  const network = drawn(t)
  const [of] = assignments(network)
  network.acknowledge()
  const half = { end: 50, chunks: 50, bytes: 50 * 1_140 }
  refused(network, network.keyPair(of!.pinner), accept(network, of!, half), 'SEGMENT_SHORT')
  refused(network, network.keyPair(of!.signer), deliver(network, of!, half), 'SEGMENT_MISMATCH')
})

test('two segments are not sealed with one modulus', (t) => {
  const network = drawn(t, { codec: 'seal' }, ['film', 'song'])
  const [one, two] = assignments(network)
  assert.ok(one && two)
  const { publicKey } = shapedSeal('one')
  network.acknowledge()
  accepted(network, network.keyPair(one.pinner), accept(network, one, { publicKey }))
  const pinner = network.keyPair(two.pinner)
  refused(network, pinner, accept(network, two, { publicKey }), 'MODULUS_USED')
  accepted(network, pinner, accept(network, two, shapedSeal('two')))
})

test('a modulus that is even, a power, prime or has a small factor is refused to signer and pinner', (t) => {
  const network = drawn(t, { codec: 'seal' })
  const [of] = assignments(network)
  const [signer, pinner] = [network.keyPair(of!.signer), network.keyPair(of!.pinner)]
  network.acknowledge()
  const good = shapedModulus('good')
  const weak = {
    even: Buffer.from(good).fill(0, 255),
    short: Buffer.from(good).fill(0x7f, 0, 1),
    prime: modulusBytes(seededPrimes([2048], 1)[0]!),
    square: modulusBytes(weakModulus([2], 1).n),
    'small factor': modulusBytes(seededPrimes([2028], 1)[0]! * 1_048_573n)
  }
  for (const publicKey of Object.values(weak)) {
    refused(network, signer, deliver(network, of!, { publicKey }), 'MODULUS_WEAK')
    refused(network, pinner, accept(network, of!, { publicKey }), 'MODULUS_WEAK')
  }
  refused(network, signer, deliver(network, of!, { primeProof: Buffer.alloc(0) }), 'SEGMENT_MISMATCH')
  accepted(network, signer, deliver(network, of!, { publicKey: good }))
  accepted(network, pinner, accept(network, of!, { publicKey: good }))
})

test('a wrap segment has no proof about primes', (t) => {
  const network = drawn(t)
  const [of] = assignments(network)
  network.acknowledge()
  const signer = network.keyPair(of!.signer)
  refused(network, signer, deliver(network, of!, { primeProof: Buffer.alloc(32) }), 'SEGMENT_MISMATCH')
})
