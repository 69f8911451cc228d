import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { encode } from 'hypercore-id-encoding'
import { toHex } from '../../src/bytes.js'
import type * as shapes from '../../src/dashboard/api/shapes.js'
import { routes } from '../../src/dashboard/api/routes.js'
import { identity } from '../ledger/network.js'
import { shown } from './shown.js'
import { closeAfter } from '../helpers/close-after.js'

test('the overview, a hypercore and its copies are what the ledger holds', async (t) => {
  const { network, key, live, json } = await shown(t)
  await live(60)
  const overview = await json<shapes.Overview>('/api/v1/overview')
  const summary = network.ledger.summary()
  assert.equal(overview.hypercores, 1)
  assert.equal(overview.copies.active, summary.activeCopies)
  assert.deepEqual(overview.storage, summary.storage)
  assert.ok(overview.storage.success > 2)
  assert.equal(overview.tokens.minted, summary.minted.toString())
  assert.equal(overview.tokens.sum, '0')
  assert.deepEqual(overview.pinners, { registered: 4, online: 4 })
  assert.equal(overview.history.began, 0)

  const view = network.ledger.hypercore(key)!
  const shownCore = await json<shapes.HypercoreAnswer>(`/api/v1/hypercores/${encode(key)}`)
  assert.equal(shownCore.balance, view.balance.toString())
  assert.equal(shownCore.healthy, 2)
  assert.equal(shownCore.wanted, 2)
  assert.deepEqual(
    shownCore.supporters.map((one) => [one.key, one.amount]),
    [[encode(network.supporter.publicKey), '100000000']]
  )
  for (const [index, copy] of shownCore.copies.entries()) {
    const held = view.copies[index]!
    assert.equal(copy.pinner, encode(Buffer.from(held.pinner!)))
    assert.deepEqual(
      copy.segments.map(({ signer, root, start, end }) => [signer, root, start, end]),
      held.segments.map(({ signer, root, start, end }) => [
        encode(Buffer.from(signer)),
        toHex(root),
        start,
        end
      ])
    )
    assert.equal(copy.health, 'proven')
    assert.ok(copy.provenAt !== null && copy.answerMs !== null && copy.firstByteUs === 20_000)
  }
  // The day on which it runs out, by the amounts of one round of everything.
  const { outlook } = shownCore
  assert.ok(Math.abs(outlook.days! - Number(view.balance) / Number(outlook.dueEachDay)) < 0.01)
  const page = await json<{ rows: shapes.HypercoreRow[]; next: string | null }>('/api/v1/hypercores?limit=1')
  assert.equal(page.rows[0]!.key, encode(key))
  assert.deepEqual((await json<{ rows: unknown[] }>(`/api/v1/hypercores?cursor=${page.next}`)).rows, [])
})

test('a pinner that fails is seen to lose R, with the reason', async (t) => {
  const { network, live, json } = await shown(t)
  await live(40)
  const [copy] = network.ledger.hypercores(null).rows[0]!.copies
  const pinner = encode(Buffer.from(copy!.pinner!))
  const before = await json<shapes.MemberAnswer>(`/api/v1/members/${pinner}`)
  await live(15, ({ copy: of }) => (of === copy!.id ? 'refused' : 'success'))
  const after = await json<shapes.MemberAnswer>(`/api/v1/members/${pinner}`)
  assert.ok(after.roles[0]!.storagePpm < before.roles[0]!.storagePpm)
  assert.ok(after.storage.refused > 0)
  assert.equal(after.earned.ever, after.earned.day)
  const events = await json<{ rows: shapes.EventRow[] }>(`/api/v1/events?key=${pinner}`)
  const loss = events.rows.find(({ kind }) => kind === 'challenge')!
  assert.equal(loss.word, 'refused')
  assert.equal(loss.copy, copy!.id)
  const series = await json<shapes.SeriesAnswer>(`/api/v1/members/${pinner}/series?span=hour`)
  assert.equal(
    series.storage.refused.reduce((sum, n) => sum + n, 0),
    after.storage.refused
  )
  assert.ok(series.rLow.at(-1)! < before.roles[0]!.reputationPpm)
})

test('challenges, checks, draws and events come by pages, newest first and without gaps', async (t) => {
  const { live, json, network } = await shown(t)
  await live(60)
  for (const list of ['challenges', 'checks', 'draws', 'events']) {
    const all = await json<{ rows: object[]; next: string | null }>(`/api/v1/${list}?limit=200`)
    assert.ok(all.rows.length > 3, list)
    const found: object[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const at: string = cursor === '' ? '' : `&cursor=${cursor}`
      const page: { rows: object[]; next: string | null } = await json(`/api/v1/${list}?limit=3${at}`)
      found.push(...page.rows)
      cursor = page.next
    }
    assert.deepEqual(found, all.rows, list)
  }
  const { rows } = await json<{ rows: shapes.CheckRow[] }>('/api/v1/checks')
  const { copy, epoch } = rows[0]!
  const check = await json<shapes.CheckAnswer>(`/api/v1/copies/${copy}/checks/${epoch}`)
  assert.equal(check.reports.length, 3)
  const entry = await json<{ bytes: string }>(`/api/v1/entries/${check.reports[0]!.seq}`)
  assert.equal(entry.bytes, toHex(network.ledger.entries(check.reports[0]!.seq, 1)[0]!))
})

test('a search finds keys in any form, their beginning, and numbers', async (t) => {
  const { key, live, json } = await shown(t)
  await live(20)
  const search = async (q: string) =>
    (await json<shapes.Found>(`/api/v1/search?q=${encodeURIComponent(q)}`)).found
  const found = [{ what: 'hypercore', id: encode(key), says: '2 of 2 copies' }]
  assert.deepEqual(await search(encode(key)), found)
  assert.deepEqual(await search(toHex(key)), found)
  assert.deepEqual(await search(toHex(key).slice(0, 8)), found)
  assert.deepEqual(
    (await search(encode(identity('pinner-1').publicKey))).map(({ what, says }) => [what, says]),
    [['member', 'pinner']]
  )
  assert.ok((await search('1')).some(({ what }) => what === 'copy'))
  for (const q of ["'; DROP TABLE keys; --", '<script>', '%', '0x', '-1'])
    assert.deepEqual(await search(q), [])
})

test('what was answered is not sent again, and what is wrong has a code', async (t) => {
  const { live, get, key, read, network, http } = await shown(t)
  await live(5)
  const first = await get('/api/v1/overview')
  const etag = first.headers.get('etag')!
  assert.equal((await get('/api/v1/overview', { 'if-none-match': etag })).status, 304)
  network.tick(3)
  await read()
  const second = await get('/api/v1/overview', { 'if-none-match': etag })
  assert.equal(second.status, 200)
  assert.notEqual(second.headers.get('etag'), etag)
  const code = async (path: string, headers?: Record<string, string>) => {
    const { status, body } = await get(path, headers)
    return [status, (JSON.parse(body) as { code: string }).code]
  }
  assert.deepEqual(await code('/api/v1/nowhere'), [404, 'API_UNKNOWN'])
  assert.deepEqual(await code(`/api/v1/hypercores/${'y'.repeat(52)}`), [404, 'API_UNKNOWN'])
  assert.deepEqual(await code('/api/v1/hypercores/short'), [400, 'API_ARGUMENT'])
  assert.deepEqual(await code('/api/v1/challenges/999999'), [404, 'API_UNKNOWN'])
  assert.deepEqual(await code('/api/v1/challenges?limit=100000'), [400, 'API_ARGUMENT'])
  assert.deepEqual(await code('/api/v1/challenges?cursor=1e9'), [400, 'API_ARGUMENT'])
  assert.deepEqual(await code('/api/v1/copies/-1'), [400, 'API_ARGUMENT'])
  assert.deepEqual(await code('/api/v1/entries/99999999999999999999'), [400, 'API_ARGUMENT'])
  assert.deepEqual(await code(`/api/v1/series?span=${encode(key)}`), [400, 'API_ARGUMENT'])
  const post = await fetch(new URL('/api/v1/overview', http.url), {
    method: 'POST'
  })
  assert.equal(post.status, 404)
})

test('pages of other sites, and other names for this address, get nothing', async (t) => {
  const { http } = await shown(t)
  const { port } = new URL(http.url)
  const answer = (headers: Record<string, string>) => asked(Number(port), headers)
  const answered = { status: 200, code: undefined }
  const refused = { status: 403, code: 'API_FOREIGN' }
  assert.deepEqual(await answer({ host: `127.0.0.1:${port}` }), answered)
  assert.deepEqual(await answer({ host: `localhost:${port}`, origin: `http://localhost:${port}` }), answered)
  assert.deepEqual(await answer({ host: `[::1]:${port}` }), answered)
  assert.deepEqual(await answer({ host: `evil.example:${port}` }), refused)
  assert.deepEqual(await answer({ host: `127.0.0.1.evil.example` }), refused)
  assert.deepEqual(await answer({ host: `localhost:${port}`, origin: 'http://evil.example' }), refused)
  assert.deepEqual(await answer({ host: `localhost:${port}`, origin: 'null' }), refused)
  assert.deepEqual(await answer({ host: `localhost:${port}`, 'sec-fetch-site': 'cross-site' }), refused)
})

test('who asks too often is told to wait', async (t) => {
  const { get } = await shown(t, { http: { requests: { max: 5, windowMs: 60_000 } } })
  for (let n = 0; n < 5; n++) assert.equal((await get('/api/v1/overview')).status, 200)
  const over = await get('/api/v1/overview')
  assert.equal(over.status, 429)
  assert.equal((JSON.parse(over.body) as { code: string }).code, 'API_TOO_MANY')
  assert.ok(Number(over.headers.get('retry-after')) > 0)
})

test('before there is a dashboard, and where the chain fails, the answer says so and no more', async (t) => {
  const { http, get } = await shown(t, {
    source: (of) => ({ ...of, summary: () => Promise.reject(new Error('/home/secret/ledger.db')) })
  })
  const failed = await get('/api/v1/overview')
  assert.equal(failed.status, 500)
  assert.equal((JSON.parse(failed.body) as { code: string }).code, 'API_FAILED')
  assert.doesNotMatch(failed.body, /secret/)
  http.show(null)
  const early = await get('/api/v1/overview')
  assert.equal(early.status, 503)
  assert.equal((JSON.parse(early.body) as { code: string }).code, 'API_NOT_READY')
})

test('the description lists every address with what it takes and answers', async (t) => {
  const { json } = await shown(t)
  interface Described {
    openapi: string
    paths: Record<string, { get: { responses: Record<string, object>; parameters?: object[] } }>
  }
  const described = await json<Described>('/api/v1/openapi.json')
  assert.match(described.openapi, /^3\./)
  for (const { path } of routes) {
    const at = described.paths[`/api/v1${path.replaceAll(/:(\w+)/g, '{$1}')}`]
    assert.ok(at?.get.responses['200'], path)
  }
})

test('a stream tells what happens, and goes on after the event that a client had last', async (t) => {
  const { http, live } = await shown(t)
  await live(20)
  const stop = new AbortController()
  closeAfter(t, () => stop.abort())
  const messages = async (lastEventId?: string) => {
    const response = await fetch(new URL('/api/v1/stream', http.url), {
      signal: stop.signal,
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    })
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    return readMessages(response.body!)
  }
  const stream = await messages()
  const first = await nextOf(stream)
  await live(15, () => 'refused')
  let later = await nextOf(stream)
  while (later.data.events.length === 0) later = await nextOf(stream)
  assert.ok(later.data.next > first.data.next)
  const again = await nextOf(await messages(first.id))
  assert.deepEqual(again.data.events[0], later.data.events[0])
  stop.abort()
})

interface Message {
  id: string
  data: { next: number; events: shapes.EventRow[] }
}

async function nextOf(stream: AsyncGenerator<Message, void>): Promise<Message> {
  const { value } = await stream.next()
  assert.ok(value, 'the stream has ended')
  return value
}

async function* readMessages(body: ReadableStream<Uint8Array>): AsyncGenerator<Message, void> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const data = field('data')
      if (data) yield { id: field('id')!, data: JSON.parse(data) as Message['data'] }
    }
  }
}

/** `fetch` sets Host by itself. */
function asked(port: number, headers: Record<string, string>): Promise<{ status: number; code: unknown }> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/api/v1/overview', headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => {
        resolve({ status: response.statusCode!, code: (JSON.parse(body) as { code?: unknown }).code })
      })
    })
      .on('error', reject)
      .end()
  })
}
