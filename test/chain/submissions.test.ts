import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Submissions } from '../../src/chain/submissions.js'
import type { Place } from '../../src/chain/admission/fair-queue.js'
import { systemClock } from '../../src/clock.js'
import { asynchronous } from '../../src/ledger/host.js'
import type { LedgerApi } from '../../src/ledger/types.js'
import { anchorAt } from '../../src/protocol/anchor.js'
import { signOperation } from '../../src/protocol/operations.js'
import { TestNetwork, identity } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

const to = Buffer.alloc(32, 7)

/** A ledger behind its submissions, and the batches of which it was asked to check signatures or to apply. */
function chainOf(
  t: TestContext,
  names: string[],
  clock = systemClock
): {
  network: TestNetwork
  submissions: Submissions
  checked: number[]
  applied: number[]
  wires: (name: string, count: number, from?: number) => Uint8Array[]
} {
  const network = new TestNetwork({}, names)
  closeAfter(t, () => network.close())
  const api = asynchronous(network.ledger)
  const checked: number[] = []
  const applied: number[] = []
  const ledger: Pick<LedgerApi, 'submit' | 'screen' | 'chainId'> = {
    chainId: api.chainId,
    screen: (...args) => api.screen(...args),
    submit: async (...args) => {
      const results = await api.submit(...args)
      applied.push(results.length)
      return results
    }
  }
  const submissions = new Submissions({
    ledger,
    clock,
    time: () => network.ledger.chain().clock,
    onCommit: () => {},
    check: (wires) => {
      checked.push(wires.length)
      return Promise.resolve(new Uint8Array(wires.length).fill(1))
    }
  })
  const wires = (name: string, count: number, from = 0): Uint8Array[] =>
    Array.from({ length: count }, (_, i) =>
      signOperation(
        { kind: 'transfer', body: { to, amount: 1n } },
        {
          chainId: api.chainId,
          keyPair: identity(name),
          nonce: from + i,
          anchor: anchorAt(network.ledger.chain())
        }
      )
    )
  return { network, submissions, checked, applied, wires }
}

const place = (key: string, standing: Place['standing'] = 'member'): Place => ({ key, standing })

test('who has no account, or another nonce, is refused before a signature is looked at', async (t) => {
  const { submissions, checked, applied, wires } = chainOf(t, ['known'])
  const unknown = await submissions.add(wires('nobody', 64), { place: place('a', 'stranger') })
  const early = await submissions.add(wires('known', 64, 1), { place: place('b') })
  const codes = [...unknown, ...early].map((result) => !result.ok && result.error.code)
  assert.deepEqual(new Set(codes.slice(0, 64)), new Set(['ACCOUNT_UNKNOWN']))
  assert.deepEqual(new Set(codes.slice(64)), new Set(['NONCE_WRONG']))
  assert.deepEqual({ checked, applied }, { checked: [], applied: [] })
})

test('operations that follow each other are taken together, whatever others say in their name', async (t) => {
  const { network, submissions, wires } = chainOf(t, ['known'])
  const forged = wires('known', 1).map((wire) => {
    const other = Uint8Array.from(wire)
    other[other.byteLength - 1]! ^= 1
    return other
  })
  const [wrong, right] = await Promise.all([
    submissions.add(forged, { place: place('forger') }),
    submissions.add(wires('known', 20), { place: place('known') })
  ])
  assert.equal(wrong[0]!.ok ? 'ok' : wrong[0]!.error.code, 'SIGNATURE_WRONG')
  assert.ok(right.every(({ ok }) => ok))
  assert.equal(network.ledger.account(to).balance, 20n)
})

test('a transaction ends with the operation that has its time pass, and the next one begins with who has waited', async (t) => {
  const { network, submissions, applied, wires } = chainOf(t, ['flooder', 'other'])
  const { ledger } = network
  const submit = ledger.submit.bind(ledger)
  ledger.submit = (operations, verified, when) => submit(operations, verified, { ...when, budgetMs: 0 })
  let done = 0
  const many = submissions.add(wires('flooder', 20), { place: place('flooder') }).then((results) => {
    done = applied.length
    return results
  })
  const one = submissions.add(wires('other', 1), { place: place('other') })
  assert.ok((await one)[0]!.ok)
  assert.ok(applied.length < 20, 'it waited for the end of who sent more')
  assert.ok((await many).every(({ ok }) => ok))
  assert.equal(done, 21)
  assert.deepEqual(new Set(applied), new Set([1]))
  assert.equal(ledger.account(to).balance, 21n)
})

test('who has had its share waits, in operations of one account as in those of one connection', async (t) => {
  let now = 0
  const clock = { ...systemClock, now: () => now }
  const { submissions, wires } = chainOf(t, [], clock)
  const stranger = place('a', 'stranger')
  await submissions.add(wires('nobody', 256), { place: stranger })
  assert.throws(() => submissions.add(wires('nobody', 1), { place: stranger }), { code: 'RPC_RATE' })
  await submissions.add(wires('nobody', 1), { place: place('b', 'stranger') })
  now += 60_000
  await submissions.add(wires('nobody', 1), { place: stranger })
})

test('what waits is bounded, for each sender apart', async (t) => {
  const { submissions } = chainOf(t, [])
  const large = Buffer.alloc(13 << 20)
  const first = submissions.add([large], { place: place('a') })
  assert.throws(() => submissions.add([large], { place: place('a') }), { code: 'CHAIN_BUSY' })
  const other = submissions.add([large], { place: place('b') })
  for (const [result] of await Promise.all([first, other])) assert.equal(result!.ok, false)
  const again = await submissions.add([large], { place: place('a') })
  assert.equal(again[0]!.ok, false)
})

test('an operation that the ledger could not do rejects its request, and later ones are taken', async (t) => {
  const { network, wires } = chainOf(t, ['known'])
  const api = asynchronous(network.ledger)
  let broken = true
  const submissions = new Submissions({
    clock: systemClock,
    time: () => 0,
    onCommit: () => {},
    ledger: {
      chainId: api.chainId,
      screen: (...args) => api.screen(...args),
      submit: (...args) => (broken ? Promise.reject(new Error('disk')) : api.submit(...args))
    }
  })
  await assert.rejects(submissions.add(wires('known', 40), { place: place('a') }), { message: 'disk' })
  broken = false
  assert.ok((await submissions.add(wires('known', 1), { place: place('a') }))[0]!.ok)
  await submissions.close()
})
