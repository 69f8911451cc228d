import test from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DEPOSIT, identity, smallNetwork } from './network.js'
import { command, playSequence } from './sequences.js'
import { closeAfter } from '../helpers/close-after.js'

test('no sequence of operations, valid and hostile, breaks an invariant or the audit', async () => {
  // A fixed seed here; `npm run check:properties` takes fresh ones.
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 30, maxLength: 90 }), (commands) =>
      playSequence(commands)
    ),
    { numRuns: 15, seed: 20_261_123, endOnFailure: true }
  )
})

test('the state does not depend on how operations were batched', (t) => {
  const [one, many] = [smallNetwork(), smallNetwork()]
  closeAfter(t, () => [one, many].forEach((network) => network.close()))
  const from = one.ledger.length()
  one.sponsor('film')
  for (let n = 0; n < 5; n++)
    one.send(identity('pinner-1'), {
      kind: 'transfer',
      body: { to: identity('x').publicKey, amount: DEPOSIT }
    })
  const wires = one.ledger
    .entries(from, 100)
    .map((_, index) => one.ledger.entry(from + index)!.operation.core)
  assert.ok(many.ledger.submit(wires).every(({ ok }) => ok))
  assert.deepEqual(many.ledger.chain(), one.ledger.chain())
  assert.deepEqual(many.ledger.stateHash(), one.ledger.stateHash())
})
