import assert from 'node:assert/strict'
import { test } from 'node:test'
import Hyperswarm from 'hyperswarm'
import { createDht, startPrivateDht } from '../../src/swarm/dht.js'
import { closeAll, leave } from '../../src/swarm/leave.js'

/** Says goodbye, with and without force, as long as it is told to. */
function node(
  goodbye: Promise<void>,
  forced: Promise<void>
): { calls: boolean[]; destroy: (options?: { force?: boolean }) => Promise<void> } {
  const calls: boolean[] = []
  return {
    calls,
    destroy: ({ force = false } = {}) => {
      calls.push(force)
      return force ? forced : goodbye
    }
  }
}

const done = Promise.resolve()
const never = new Promise<void>(() => {})

test('a swarm that has left is gone, with its DHT node', async (t) => {
  const { network, close } = await startPrivateDht()
  t.after(close)
  const dht = createDht(network)
  const swarm = new Hyperswarm({ dht })
  await swarm.listen()
  await leave(swarm)
  assert.deepEqual([swarm.destroyed, dht.destroyed], [true, true])
})

test('a goodbye that is said is said once', async () => {
  const polite = node(done, done)
  await leave(polite)
  assert.deepEqual(polite.calls, [false])
})

test('where nobody answers, one leaves without a goodbye', async () => {
  const deaf = node(never, done)
  await leave(deaf, 10)
  assert.deepEqual(deaf.calls, [false, true])
})

test('what cannot even leave without one keeps nobody', async () => {
  const stuck = node(never, never)
  await leave(stuck, 10)
  assert.deepEqual(stuck.calls, [false, true])
})

test('what fails to say goodbye leaves without one, and says so', async () => {
  const failure = new Error('the socket is gone')
  const broken = node(Promise.reject(failure), done)
  await assert.rejects(leave(broken), failure)
  assert.deepEqual(broken.calls, [false, true])
})

test('parts are closed in order', async () => {
  const closed: number[] = []
  const part = (n: number) => () => Promise.resolve(closed.push(n))
  await closeAll([part(1), part(2), part(3)])
  assert.deepEqual(closed, [1, 2, 3])
})

test('a part that fails is told of once the others are closed', async () => {
  const failure = new Error('the disk is gone')
  let closed = false
  const failing = [
    () => Promise.reject(failure),
    () => {
      throw new Error('a later one')
    },
    () => Promise.resolve((closed = true))
  ]
  await assert.rejects(closeAll(failing), failure)
  assert.equal(closed, true)
})

test('a part that hangs has its time, and then the others are closed', async () => {
  let closed = false
  const hanging = [() => never, () => Promise.resolve((closed = true))]
  await assert.rejects(closeAll(hanging, 10), { code: 'CLOSE_TIMEOUT' })
  assert.equal(closed, true)
})
