import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { ModulusShapes } from '../../src/ledger/modulus-shapes.js'
import { checkWires, holdsIn, isCostly, shapeIn } from '../../src/ledger/signature-checks.js'
import { signSegment } from '../../src/protocol/segment.js'
import { modulusBytes, weakModulus } from '../crypto/weak-keys.js'
import { shapedModulus } from '../helpers/moduli.js'
import { identity, smallNetwork, type TestNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

/** A network whose one task waits to be delivered, and that delivery with any modulus, ready to be sent. */
function delivering(t: TestContext): { network: TestNetwork; wire: (publicKey: Buffer) => Uint8Array } {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.tick(3, 500)
  network.sponsor('film', { copies: 1, codec: 'seal' })
  for (let n = 0; n < 2; n++) {
    network.tick(2, 500)
    network.acknowledge()
  }
  const wire = (publicKey: Buffer): Uint8Array => {
    const signers = ['signer-1', 'signer-2', 'signer-3'].map(identity)
    const [drawn] = signers.flatMap((one) => network.ledger.assignments(one.publicKey))
    const record = network.record(drawn!, { publicKey })
    const signer = network.keyPair(record.signer)
    const signature = signSegment(network.ledger.chainId, signer, record)
    return network.wire(signer, { kind: 'deliver', body: { draw: drawn!.draw, record, signature } })
  }
  return { network, wire }
}

const good = shapedModulus('shapes')
const square = modulusBytes(weakModulus([2], 3).n)

test('of an operation that names a modulus its shape is told with its signatures, and of no other', (t) => {
  const { network, wire } = delivering(t)
  const { chainId } = network.ledger
  const forged = wire(good)
  forged[forged.byteLength - 1]! ^= 1
  const transfer = network.wire(identity('pinner-1'), {
    kind: 'transfer',
    body: { to: identity('pinner-2').publicKey, amount: 1n }
  })
  const wires = [wire(good), wire(square), forged, transfer, Buffer.from('no operation')]
  const checks = [...checkWires(chainId, wires)]
  assert.deepEqual(checks.map(holdsIn), [true, true, false, true, false])
  assert.deepEqual(checks.map(shapeIn), [null, 'MODULUS_POWER', undefined, undefined, undefined])
  assert.deepEqual(wires.map(isCostly), [true, true, true, false, false])
})

test('what was worked out elsewhere is what the ledger comes to by itself', (t) => {
  const [one, two] = [delivering(t), delivering(t)]
  const { chainId } = one.network.ledger
  for (const publicKey of [square, good]) {
    const wire = one.wire(publicKey)
    const [alone] = one.network.ledger.submit([wire])
    const [told] = two.network.ledger.submit([wire], checkWires(chainId, [wire]))
    assert.deepEqual(alone!.ok ? 'ok' : alone!.error.message, told!.ok ? 'ok' : told!.error.message)
    assert.equal(alone!.ok, publicKey === good)
  }
  assert.deepEqual(one.network.ledger.stateHash(), two.network.ledger.stateHash())
})

test('a ledger that is told the shape of a modulus does not work it out again', () => {
  const shapes = new ModulusShapes()
  // Told what is not so, to see which of the two is said.
  shapes.note(good, 'MODULUS_PRIME')
  assert.equal(shapes.faultOf(good), 'MODULUS_PRIME')
  assert.equal(shapes.faultOf(square), 'MODULUS_POWER')
})
