import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Instances, type Speaker } from '../../../src/chain/admission/instances.js'

const [one, other] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)]

/** A connection that was heard at `heardAt`. */
function speaker(heardAt: number): Speaker & { heardAt: number } {
  const made = {
    heardAt,
    closed: false,
    close: () => void (made.closed = true)
  }
  return made
}

test('the same copy of a folder has its newest connection speak, and the one before closed', () => {
  const instances = new Instances({ now: () => 0 })
  const [first, second] = [speaker(0), speaker(0)]
  instances.claim('key', one, first)
  instances.claim('key', one, first)
  assert.equal(first.closed, false, 'who says it twice on one connection loses nothing')
  instances.claim('key', one, second)
  assert.deepEqual([first.closed, second.closed], [true, false])
})

test('another copy is refused while the first is heard, and speaks once it was silent for ten seconds', () => {
  let now = 0
  const instances = new Instances({ now: () => now })
  const [first, second] = [speaker(0), speaker(0)]
  instances.claim('key', one, first)
  now = 9_999
  assert.throws(() => instances.claim('key', other, second), { code: 'INSTANCE_ELSEWHERE' })
  assert.equal(first.closed, false)
  first.heardAt = 5_000
  now = 14_999
  assert.throws(() => instances.claim('key', other, second), { code: 'INSTANCE_ELSEWHERE' })
  now = 15_000
  instances.claim('key', other, second)
  assert.equal(first.closed, true)
  second.heardAt = now
  assert.throws(() => instances.claim('key', one, speaker(now)), { code: 'INSTANCE_ELSEWHERE' })
})

test('a connection that is gone or closed keeps nobody out, and copies of other identities do not matter', () => {
  const instances = new Instances({ now: () => 0 })
  const [first, second, third] = [speaker(0), speaker(0), speaker(0)]
  instances.claim('key', one, first)
  instances.claim('another key', other, second)
  instances.forget('key', second)
  assert.throws(() => instances.claim('key', other, third), { code: 'INSTANCE_ELSEWHERE' })
  instances.forget('key', first)
  instances.claim('key', other, third)
  third.close()
  instances.claim('key', one, first)
})

test('a number is kept as it was said, whatever becomes of the memory that it came in', () => {
  const instances = new Instances({ now: () => 0 })
  const said = Buffer.from(one)
  instances.claim('key', said, speaker(0))
  said.fill(2)
  assert.throws(() => instances.claim('key', other, speaker(0)), { code: 'INSTANCE_ELSEWHERE' })
})
