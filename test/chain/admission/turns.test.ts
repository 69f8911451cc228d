import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from '../../../src/chain/admission/turns.js'

test('a member that asks after a hundred requests of strangers is answered with the first of them', async () => {
  const turns = new Turns({ now: () => 0 })
  const order: string[] = []
  const asked = Array.from({ length: 100 }, (_, i) =>
    turns.run({ key: 'stranger', standing: 'stranger' }, () => order.push(`stranger ${i}`))
  )
  asked.push(turns.run({ key: 'member', standing: 'member' }, () => order.push('member')))
  await Promise.all(asked)
  assert.equal(order[0], 'member')
  assert.equal(order.length, 101)
})

test('after some milliseconds of work whatever else is due has its turn', async () => {
  let now = 0
  const turns = new Turns({ now: () => now })
  const order: string[] = []
  const asked = Array.from({ length: 4 }, (_, i) =>
    turns.run({ key: 'a', standing: 'member' }, () => {
      now += 5
      if (i === 0) setImmediate(() => order.push('timer'))
      order.push(`work ${i}`)
    })
  )
  await Promise.all(asked)
  assert.deepEqual(order, ['work 0', 'work 1', 'timer', 'work 2', 'work 3'])
})

test('what throws is told to who asked, and the others go on', async () => {
  const turns = new Turns({ now: () => 0 })
  const place = { key: 'a', standing: 'member' } as const
  const failing = turns.run(place, () => {
    throw new Error('no')
  })
  const next = turns.run(place, () => 7)
  await assert.rejects(failing, { message: 'no' })
  assert.equal(await next, 7)
})
