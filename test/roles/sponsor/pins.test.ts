import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ApiKeys, type ApiKey, type Quota } from '../../../src/roles/sponsor/api-keys.js'
import { openSponsorDatabase } from '../../../src/roles/sponsor/database.js'
import { Pins, type WantedPin } from '../../../src/roles/sponsor/pins.js'
import { closeAfter } from '../../helpers/close-after.js'
import { temporaryFolder } from '../../helpers/folder.js'
import { VirtualClock } from '../../helpers/virtual-clock.js'

const quota: Quota = { tokens: 100n, perPin: 40n, pins: 2, requests: 3 }
const wanted = (byte: number, of: Partial<WantedPin> = {}): WantedPin => {
  return { cid: Buffer.alloc(32, byte), name: null, meta: {}, origins: [], ...of }
}

async function store(t: TestContext, of: Partial<Quota> = {}) {
  const path = join(temporaryFolder(t), 'sponsor.db')
  const db = await openSponsorDatabase(path)
  closeAfter(t, () => void db.close())
  const clock = new VirtualClock()
  const keys = new ApiKeys(db, clock)
  const { id, key } = keys.create('app', { ...quota, requests: 1_000, ...of }, randomBytes)
  const app = (): ApiKey => keys.list().find((one) => one.id === id)!
  return { path, clock, keys, id, key, app, pins: new Pins(db, { clock, randomBytes }) }
}

test('an API key opens what it is for until it is revoked; another secret, another form and no key open nothing', async (t) => {
  const { path, keys, id, key } = await store(t)
  assert.equal(keys.enter(key).id, id)
  const forged = key.slice(0, -2) + (key.endsWith('AA') ? 'BB' : 'AA')
  for (const wrong of ['', forged, key + 'A', key.replace(id, '0'.repeat(16)), key.toUpperCase()]) {
    assert.throws(() => keys.enter(wrong), { code: 'API_KEY_UNKNOWN' })
  }
  const secret = key.split('_').slice(2).join('_')
  for (const form of [secret, Buffer.from(secret, 'base64url').toString('hex')]) {
    assert.ok(!readFileSync(path, 'latin1').includes(form))
  }
  assert.ok(!readFileSync(`${path}-wal`).includes(Buffer.from(secret, 'base64url')))
  keys.revoke(id)
  assert.throws(() => keys.enter(key), { code: 'API_KEY_UNKNOWN' })
  assert.throws(() => keys.revoke(id), { code: 'API_KEY_MISSING' })
})

test('requests of a minute are counted for each key, and come back', async (t) => {
  const { keys, key, clock } = await store(t, { requests: 3 })
  for (let n = 0; n < 3; n++) keys.enter(key)
  assert.throws(() => keys.enter(key), { code: 'API_TOO_MANY' })
  await clock.advance(20_000)
  keys.enter(key)
  assert.throws(() => keys.enter(key), { code: 'API_TOO_MANY' })
})

test('a key has as many pins as it may and spends as much, and what nothing was signed for it gets back', async (t) => {
  const { pins, app } = await store(t)
  const first = pins.add(app(), wanted(1))
  assert.equal(pins.add(app(), wanted(1)).id, first.id, 'the same again is the same pin')
  pins.add(app(), wanted(2))
  assert.equal(app().spent, 80n)
  assert.throws(() => pins.add(app(), wanted(3)), { code: 'PIN_QUOTA' })
  assert.ok(pins.remove(app(), first.id))
  assert.ok(!pins.remove(app(), first.id))
  assert.equal(app().spent, 40n)
  const [payment] = pins.payments(pins.add(app(), wanted(3)), [Buffer.alloc(32, 3)], 40n)
  pins.sign(payment!, { nonce: 7, since: 1 })
  const third = pins.list(app(), { limit: 1 }).rows[0]!
  pins.remove(app(), third.id)
  assert.equal(app().spent, 80n, 'what was signed may be on the log')
  assert.throws(() => pins.add(app(), wanted(4)), { code: 'PIN_QUOTA' })
  assert.deepEqual(
    pins.signed().map(({ nonce }) => nonce),
    [7]
  )
})

test('a payment of a pin that was deleted meanwhile is not signed', async (t) => {
  const { pins, app } = await store(t)
  const pin = pins.add(app(), wanted(1))
  const [payment] = pins.payments(pin, [pin.cid], 40n)
  pins.remove(app(), pin.id)
  assert.throws(() => pins.sign(payment!, { nonce: 1, since: 0 }), { code: 'PAYMENT_OPEN' })
})

test('a pin is replaced once, by one of the same hypercore for nothing, and stays where a quota does not allow the other', async (t) => {
  const { pins, app } = await store(t, { tokens: 80n })
  const pin = pins.add(app(), wanted(1))
  const [payment] = pins.payments(pin, [pin.cid], 40n)
  pins.sign(payment!, { nonce: 1, since: 0 })
  pins.paid(payment!)
  pins.stand(pin, 'pinned')
  const named = pins.replace(app(), pin.id, wanted(1, { name: 'new' }))!
  assert.equal(named.status, 'pinned')
  assert.equal(app().spent, 40n)
  assert.equal(pins.replace(app(), pin.id, wanted(2)), null)
  const other = pins.replace(app(), named.id, wanted(2))!
  assert.equal(other.status, 'queued')
  assert.equal(app().spent, 80n)
  const [second] = pins.payments(other, [other.cid], 40n)
  pins.sign(second!, { nonce: 2, since: 0 })
  assert.throws(() => pins.replace(app(), other.id, wanted(3)), { code: 'PIN_QUOTA' })
  assert.equal(pins.get(app(), other.id)!.id, other.id)
})

test('a pin that failed before it was paid is tried again, and one that ran out is a new one', async (t) => {
  const { pins, app } = await store(t, { tokens: 80n })
  const pin = pins.add(app(), wanted(1))
  pins.stand(pin, 'failed', { code: 'HYPERCORE_UNREACHABLE', details: 'nobody has it' })
  assert.equal(app().spent, 0n)
  assert.equal(pins.add(app(), wanted(1)).status, 'queued')
  assert.equal(app().spent, 40n)
  const [payment] = pins.payments(pin, [pin.cid], 40n)
  pins.sign(payment!, { nonce: 1, since: 0 })
  pins.paid(payment!)
  pins.stand(pin, 'failed', { code: 'HYPERCORE_LAPSED', details: 'over' })
  assert.notEqual(pins.add(app(), wanted(1)).id, pin.id)
  assert.equal(app().spent, 80n)
})

test('lists are of one key, the newest first, by what is asked for', async (t) => {
  const { pins, app, keys } = await store(t, { pins: 10, tokens: 1_000n })
  const made = [1, 2, 3, 4].map((n) =>
    pins.add(app(), wanted(n, { name: `Pin ${n}`, meta: { 'a.b"c': String(n % 2) } }))
  )
  const ids = (filter: Omit<Parameters<Pins['list']>[1], 'limit'>): string[] =>
    pins.list(app(), { limit: 10, ...filter }).rows.map(({ name }) => name!.slice(-1))
  assert.deepEqual(ids({}), ['4', '3', '2', '1'])
  assert.deepEqual(ids({ before: made[2]!.created }), ['2', '1'])
  assert.deepEqual(ids({ after: made[2]!.created }), ['4'])
  assert.deepEqual(ids({ meta: { 'a.b"c': '1' } }), ['3', '1'])
  assert.deepEqual(ids({ cids: [made[1]!.cid] }), ['2'])
  assert.deepEqual(ids({ name: { text: 'pin', match: 'partial' } }), [])
  assert.deepEqual(ids({ name: { text: 'pIN 1', match: 'iexact' } }), ['1'])
  assert.deepEqual(ids({ name: { text: 'PIN', match: 'ipartial' } }), ['4', '3', '2', '1'])
  pins.stand(made[0]!, 'pinned')
  assert.deepEqual(ids({ statuses: ['pinned', 'failed'] }), ['1'])
  assert.equal(pins.list(app(), { limit: 1 }).count, 4)
  keys.create('other', quota, randomBytes)
  const other = keys.list().find(({ label }) => label === 'other')!
  assert.equal(pins.list(other, { limit: 10 }).count, 0)
  assert.equal(pins.get(other, made[0]!.id), null)
  assert.equal(pins.replace(other, made[0]!.id, wanted(9)), null)
})
