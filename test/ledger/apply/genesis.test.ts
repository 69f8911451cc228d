import { NO_ANCHOR } from '../../../src/protocol/anchor.js'
import test from 'node:test'
import assert from 'node:assert/strict'
import { blake3 } from '../../../src/crypto/hash.js'
import { Ledger } from '../../../src/ledger/ledger.js'
import { OnionBeacon } from '../../../src/ledger/rules/beacon.js'
import { parameters } from '../../../src/protocol/parameters.js'
import { NO_CHAIN, signOperation, type Body } from '../../../src/protocol/operations.js'
import { wallClock } from '../../helpers/wall-clock.js'
import { TestNetwork, identity } from '../network.js'
import { accepted, refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

const body: Body<'genesis'> = {
  name: 'another',
  at: 1_700_000_000_000,
  rulesVersion: 1,
  parameters: parameters(),
  beacon: { kind: 'onion', commitment: blake3(Buffer.from('onion')), length: 64 },
  allocations: []
}

/** Opens a ledger with a genesis of these allocations, beacon or parameters. */
function begin(changes: Partial<Body<'genesis'>>): void {
  const { name, parameters: rules, beacon, allocations } = { ...body, ...changes }
  Ledger.open({
    path: ':memory:',
    keyPair: identity('chain'),
    clock: wallClock(() => body.at),
    genesis: { name, parameters: rules, beacon, allocations }
  }).close()
}

test('a chain has one genesis', (t) => {
  const network = new TestNetwork()
  closeAfter(t, () => network.close())
  const from = { chainId: NO_CHAIN, keyPair: network.chain, nonce: 0, anchor: NO_ANCHOR }
  const length = network.ledger.length()
  const [result] = network.ledger.submit([signOperation({ kind: 'genesis', body }, from)])
  assert.equal(result!.ok ? 'ok' : result!.error.code, 'GENESIS_KNOWN')
  assert.equal(network.ledger.length(), length)
})

test('a genesis allocates less than 2^62 grains', () => {
  const key = identity('rich').publicKey
  const half = 1n << 61n
  const allocations = (second: bigint): { key: Buffer; amount: bigint }[] => [
    { key, amount: half },
    { key: identity('other').publicKey, amount: second }
  ]
  assert.throws(() => begin({ allocations: allocations(half) }), { code: 'SUPPLY_TOO_LARGE' })
  begin({ allocations: allocations(half - 1n) })
})

test('an onion has 2 to 2^24 layers', () => {
  const { commitment } = body.beacon
  for (const length of [0, 1, 2 ** 24 + 1]) {
    assert.throws(() => begin({ beacon: { kind: 'onion', commitment, length } }), { code: 'BEACON_LENGTH' })
    assert.throws(() => new OnionBeacon(Buffer.alloc(32), length), { code: 'BEACON_LENGTH' })
  }
  for (const length of [2, 2 ** 24]) begin({ beacon: { kind: 'onion', commitment, length } })
})

test('an onion has no round 0, and none between two', () => {
  const onion = new OnionBeacon(Buffer.alloc(32), 4)
  for (const round of [0, -1, 1.5, NaN]) {
    assert.throws(() => onion.value(round), { code: 'BEACON_ROUND' })
  }
})

test('parameters that the rules cannot work with are refused, at the beginning and later', (t) => {
  for (const name of ['tickMs', 'epochMs', 'drawsPerRound', 'checkVerifiers', 'redrawsMax'] as const) {
    assert.throws(() => begin({ parameters: { ...body.parameters, [name]: 0 } }), {
      code: 'PARAMETERS_INVALID',
      message: `${name} must not be 0`
    })
  }
  const { repairMs } = body.parameters
  assert.throws(() => begin({ parameters: { ...body.parameters, offlineMaxMs: repairMs - 1 } }), {
    code: 'PARAMETERS_INVALID',
    message: 'repairMs must not be longer than offlineMaxMs'
  })
  begin({ parameters: { ...body.parameters, offlineMaxMs: repairMs } })
  const network = new TestNetwork()
  closeAfter(t, () => network.close())
  const changed = network.ledger.parameters()
  refused(
    network,
    network.chain,
    { kind: 'parameters', body: { parameters: { ...changed, reportRounds: 0 } } },
    'PARAMETERS_INVALID'
  )
  accepted(network, network.chain, {
    kind: 'parameters',
    body: { parameters: { ...changed, reportRounds: 1 } }
  })
})
