import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { PinningServer } from '../../src/daemon/pinning/server.js'
import { opened } from '../../src/lifecycle.js'
import { silentLogger } from '../../src/log.js'
import { DATDOT } from '../../src/protocol/parameters.js'
import { openSponsorDatabase } from '../../src/roles/sponsor/database.js'
import { Sponsor } from '../../src/roles/sponsor/sponsor.js'
import { closeAfter } from '../helpers/close-after.js'
import { RoleNetwork } from '../roles/network.js'
import { readBlocks, stockPeer } from '../roles/stock.js'
import { noiseBlocks } from '../storage/support.js'

interface Answer {
  requestid: string
  status: string
  pin: { cid: string; name?: string }
  info: { status_code?: string; status_details?: string; cost: string }
  error: { reason: string; details: string }
  count: number
}

test('an app has a hypercore pinned over HTTP, which is paid once whatever it asks and however the node ends, and a stock client reads it', async (t) => {
  const network = await RoleNetwork.start(t, ['signer-1', 'pinner-1'])
  await network.startRole('signer', 'signer-1')
  await network.startRole('pinner', 'pinner-1')
  const author = await stockPeer(t, network.network)
  const core = author.store.get({ name: 'app' })
  const blocks = noiseBlocks(8, 3_000, 'app')
  await core.append(blocks)
  await author.swarm.join(core.discoveryKey).flushed()

  const file = join(network.root, 'sponsor.db')
  const dir = join(network.root, 'sponsor')
  const start = async (): Promise<{ sponsor: Sponsor; server: PinningServer; end: () => Promise<void> }> => {
    const place = { dir, network: network.network, chainKey: network.chain.publicKey }
    const common = { clock: systemClock, randomBytes, log: silentLogger }
    const sponsor = await opened(new Sponsor({ ...place, ...common, file, copies: 1, codec: 'wrap' }))
    const address = { host: '127.0.0.1', port: 0 }
    const server = await opened(new PinningServer({ address, sponsor, log: silentLogger }))
    let open = true
    const end = async (): Promise<void> => {
      if (!open) return
      open = false
      await server.close()
      await sponsor.close()
    }
    closeAfter(t, end)
    return { sponsor, server, end }
  }
  let node = await start()
  const quota = { tokens: 20_000n * DATDOT, perPin: 10_000n * DATDOT, pins: 2, requests: 60_000 }
  const { key } = node.sponsor.keys.create('app', quota, randomBytes)
  const poor = node.sponsor.keys.create('poor', { ...quota, perPin: 1n }, randomBytes).key

  const ask = async (
    method: string,
    path: string,
    { body, as = key }: { body?: unknown; as?: string } = {}
  ): Promise<{ code: number; answer: Answer }> => {
    const response = await fetch(node.server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${as}`,
        ...(body !== undefined && { 'content-type': 'application/json' })
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    const text = await response.text()
    return { code: response.status, answer: (text === '' ? {} : JSON.parse(text)) as Answer }
  }
  const refusal = async (code: number, reason: string, ...asked: Parameters<typeof ask>): Promise<void> => {
    const got = await ask(...asked)
    assert.equal(got.answer.error?.reason, reason)
    assert.equal(got.code, code)
  }
  const seen = new Set<string>()
  const untilStatus = async (id: string, holds: (answer: Answer) => boolean): Promise<Answer> => {
    let last!: Answer
    await network.untilAnswered('a pin', async () => {
      last = (await ask('GET', `/pins/${id}`)).answer
      seen.add(last.status)
      return holds(last)
    })
    return last
  }

  const body = { cid: core.key.toString('hex'), name: 'mine', meta: { app: 'test' } }
  await refusal(401, 'API_KEY_UNKNOWN', 'POST', '/pins', { body, as: 'dk_0' })
  await refusal(401, 'API_KEY_UNKNOWN', 'GET', '/pins', { as: '' })
  await refusal(413, 'PIN_BODY_LARGE', 'POST', '/pins', { body: { ...body, name: 'x'.repeat(1 << 20) } })
  await refusal(400, 'API_ARGUMENT', 'POST', '/pins', { body: { cid: 'nothing' } })
  await refusal(400, 'API_ARGUMENT', 'POST', '/pins', { body: { ...body, meta: { a: { b: 1 } } } })
  await refusal(400, 'API_ARGUMENT', 'GET', '/pins?limit=1001')
  await refusal(400, 'API_ARGUMENT', 'GET', '/pins?meta=[]')
  await refusal(404, 'API_UNKNOWN', 'GET', '/pins/nothing')
  await refusal(404, 'API_UNKNOWN', 'DELETE', `/pins/${'0'.repeat(32)}`)

  // The same at once is one pin, and of two that replace it one finds it gone.
  const added = await Promise.all(Array.from({ length: 8 }, () => ask('POST', '/pins', { body })))
  assert.deepEqual(new Set(added.map(({ code }) => code)), new Set([202]))
  assert.equal(new Set(added.map(({ answer }) => answer.requestid)).size, 1)
  assert.equal(added[0]!.answer.status, 'queued')
  const first = added[0]!.answer.requestid
  const races = await Promise.all([1, 2].map(() => ask('POST', `/pins/${first}`, { body })))
  assert.deepEqual(races.map(({ code }) => code).sort(), [202, 404])
  const id = races.find(({ code }) => code === 202)!.answer.requestid

  // The purse is empty: it waits, also over a restart, and goes on once there are tokens.
  const waiting = await untilStatus(id, ({ info }) => info.status_code !== undefined)
  assert.equal(waiting.info.status_code, 'PIN_WAITS_FOR_PURSE')
  await node.end()
  node = await start()
  const supporter = await network.support()
  await supporter.member.chain.transfer(node.sponsor.publicKey, 30_000n * DATDOT)
  await untilStatus(id, ({ status }) => status === 'pinning' || status === 'pinned')
  const balance = async (): Promise<bigint> =>
    (await network.observer.member.chain.account(node.sponsor.publicKey)).balance
  const left = await balance()
  assert.ok(left >= 20_000n * DATDOT && left < 30_000n * DATDOT)

  // As after a crash between sending and noting it: the log says that it is paid.
  await node.end()
  const db = await openSponsorDatabase(file)
  db.exec(`UPDATE payments SET paid = 0; UPDATE pins SET status = 'queued', checked = 0`)
  db.close()
  node = await start()
  await untilStatus(id, ({ status }) => status === 'pinned')
  assert.deepEqual([...seen], ['queued', 'pinning', 'pinned'])
  assert.equal(await balance(), left)
  assert.equal((await ask('GET', '/pins')).answer.count, 1)
  assert.equal((await ask('GET', '/pins?status=queued,failed')).answer.count, 0)

  const small = await ask('POST', '/pins', { body, as: poor })
  let answer = small.answer
  await network.untilAnswered('a pin that pays no fee', async () => {
    answer = (await ask('GET', `/pins/${small.answer.requestid}`, { as: poor })).answer
    return answer.status === 'failed'
  })
  assert.equal(answer.info.status_code, 'PIN_TOO_SMALL')
  const other = { cid: randomBytes(32).toString('hex') }
  assert.equal((await ask('POST', '/pins', { body: other })).code, 202)
  await refusal(409, 'PIN_QUOTA', 'POST', '/pins', { body: { cid: randomBytes(32).toString('hex') } })
  assert.equal((await ask('DELETE', `/pins/${id}`)).code, 202)
  await refusal(404, 'API_UNKNOWN', 'GET', `/pins/${id}`)
  const described = await fetch(`${node.server.url}/openapi.json`)
  const { paths } = (await described.json()) as { paths: Record<string, object> }
  assert.deepEqual(Object.keys(paths), ['/pins', '/pins/{requestid}'])

  await author.end()
  assert.deepEqual(await readBlocks(t, network, core.key, blocks.length), blocks)
  assert.equal(await balance(), left)
  await node.end()
  await network.audit()
})
