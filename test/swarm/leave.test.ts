import assert from 'node:assert/strict'
import { test } from 'node:test'
import Hyperswarm from 'hyperswarm'
import { opened } from '../../src/lifecycle.js'
import { PrivateDht, createDht } from '../../src/swarm/dht.js'
import { leave } from '../../src/swarm/leave.js'
import { closeAfter } from '../helpers/close-after.js'

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
  const others = await opened(new PrivateDht())
  closeAfter(t, () => others.close())
  const dht = createDht(others.network)
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
