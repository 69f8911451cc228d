import assert from 'node:assert/strict'
import type { KeyPair } from '../../../src/crypto/keys.js'
import type { ErrorCode } from '../../../src/errors.js'
import type { Statement } from '../../../src/protocol/operations.js'
import { smallNetwork, type TestNetwork } from '../network.js'
import { closeAfter } from '../../helpers/close-after.js'

/** Submits an operation that must be refused with this code, and leave neither state nor log changed. */
export function refused(
  network: TestNetwork,
  sender: KeyPair,
  statement: Statement,
  code: ErrorCode,
  detail?: Uint8Array
): void {
  const standing = (): unknown => [network.ledger.length(), network.ledger.stateHash()]
  const before = standing()
  assert.equal(network.code(sender, statement, detail), code)
  assert.deepEqual(standing(), before, `what was refused with ${code} left something`)
}

/** Submits an operation that must be accepted. */
export function accepted(
  network: TestNetwork,
  sender: KeyPair,
  statement: Statement,
  detail?: Uint8Array
): void {
  assert.equal(network.code(sender, statement, detail), 'ok')
}

/** A network with a hypercore whose donation was enough for a copy, but not for long. */
export function lapsed(t: { after(close: () => void): void }): { network: TestNetwork; key: Buffer } {
  const network = smallNetwork({ graceEpochs: 1 })
  closeAfter(t, () => network.close())
  const key = network.sponsor('film', { copies: 1 }, 30_000n)
  for (let n = 0; n < 1_000; n++) {
    network.tick()
    network.work()
    if (network.ledger.hypercore(key)!.state === 'lapsed') return { network, key }
  }
  assert.fail('nothing lapsed')
}
