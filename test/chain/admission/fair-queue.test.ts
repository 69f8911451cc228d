import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairQueue, type Place } from '../../../src/chain/admission/fair-queue.js'

const member = (key: string): Place => ({ key, standing: 'member' })

test('who sends much is served a few at a time, in turn with the others', () => {
  const queue = new FairQueue<string>()
  for (let i = 0; i < 5; i++) queue.put(member('a'), `a${i}`)
  queue.put(member('b'), 'b0')
  const taken: string[][] = []
  for (let turn = queue.take('member', 2); turn.length > 0; turn = queue.take('member', 2)) taken.push(turn)
  assert.deepEqual(taken, [['a0', 'a1'], ['b0'], ['a2', 'a3'], ['a4']])
  assert.equal(queue.size, 0)
})

test('strangers have a line of their own, under whatever key', () => {
  const queue = new FairQueue<string>()
  queue.put({ key: 'x', standing: 'stranger' }, 'stranger')
  queue.put(member('x'), 'member')
  assert.deepEqual(queue.take('member'), ['member'])
  assert.deepEqual(queue.take('member'), [])
  assert.deepEqual(queue.take('stranger'), ['stranger'])
})

test('what does not fit ends the turn and stays the first', () => {
  const queue = new FairQueue<number>()
  for (const item of [1, 9, 2]) queue.put(member('a'), item)
  const small = (item: number): boolean => item < 5
  assert.deepEqual(queue.take('member', 3, small), [1])
  assert.deepEqual(queue.take('member', 3, small), [])
  assert.equal(queue.size, 2)
  assert.deepEqual(queue.take('member', 3), [9, 2])
})

test('what is put back comes before what came later', () => {
  const queue = new FairQueue<number>()
  for (const item of [1, 2, 3]) queue.put(member('a'), item)
  const taken = queue.take('member', 2)
  queue.putBack(member('a'), taken)
  assert.deepEqual(queue.take('member', 9), [1, 2, 3])
})
