import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { encode } from 'hypercore-id-encoding'
import type * as shapes from '../../src/dashboard/api/shapes.js'
import { pageFiles } from '../../src/dashboard/page/files.js'
import { shown } from './shown.js'

interface Step {
  says: string
  holds: boolean
}
/** The page's own module, as it is packed for browsers; here with the compiled hashes. */
interface Redo {
  redoDraw: (draw: shapes.DrawAnswer) => Step[]
  redoChallenge: (challenge: shapes.ChallengeAnswer, evidence: Uint8Array | null) => Step[]
  redoCheck: (check: shapes.CheckAnswer, entry: (seq: number) => Promise<string>) => Promise<Step[]>
}
const redo = (await import(new URL('../../../dashboard/redo.js', import.meta.url).href)) as Redo
const holds = (steps: readonly Step[]): boolean => steps.length > 0 && steps.every((step) => step.holds)

test('the page is served whole, may load nothing from elsewhere, and its first view is small', async (t) => {
  const { get } = await shown(t)
  const index = await get('/')
  assert.equal(index.status, 200)
  assert.match(
    index.headers.get('content-security-policy')!,
    /default-src 'none'; script-src 'self'; style-src 'self'/
  )
  assert.doesNotMatch(index.body, /<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|https?:/)
  const named = [...index.body.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => path!)
  assert.ok(named.length >= 2)
  let bytes = gzipSync(index.body).byteLength
  for (const path of named) {
    const file = await get(`/${path}`)
    assert.equal(file.status, 200, path)
    assert.equal(file.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    bytes += gzipSync(file.body).byteLength
  }
  assert.ok(bytes < 100_000, `the first view has ${bytes} bytes`)
  for (const path of pageFiles().keys()) assert.equal((await get(path)).status, 200, path)
  assert.equal((await get('/assets/../../package.json')).status, 404)
})

test('a badge says how a hypercore does, may be shown elsewhere, and of what is unknown there is none', async (t) => {
  const { get, key, live } = await shown(t)
  await live(40)
  const answer = await get(`/badge/${encode(key)}.svg`)
  assert.equal(answer.headers.get('content-type'), 'image/svg+xml; charset=utf-8')
  assert.equal(answer.headers.get('cross-origin-resource-policy'), 'cross-origin')
  assert.match(answer.body, /<title>datdot: 2 of 2 copies proven, last less than a minute ago<\/title>/)
  assert.equal((await get(`/badge/${'y'.repeat(52)}.svg`)).status, 404)
  assert.equal((await get('/badge/%3Cscript%3E.svg')).status, 404)
})

test('the page redoes a draw, and finds one that is forged', async (t) => {
  const { json, live } = await shown(t)
  await live(40)
  const { rows } = await json<{ rows: shapes.DrawRow[] }>('/api/v1/draws')
  assert.ok(rows.length >= 4)
  for (const { id } of rows) {
    const draw = await json<shapes.DrawAnswer>(`/api/v1/draws/${id}`)
    assert.ok(holds(redo.redoDraw(draw)), JSON.stringify(redo.redoDraw(draw)))
    const urn = draw.urn!
    const other = urn.weights.find(([candidate]) => candidate !== urn.lots[0]!.candidate)![0]!
    const forged = { ...urn, lots: [{ ...urn.lots[0]!, candidate: other }] }
    assert.ok(!holds(redo.redoDraw({ ...draw, urn: forged })))
    assert.ok(!holds(redo.redoDraw({ ...draw, key: encode(Buffer.alloc(32, 1)) })))
    const heavier = urn.weights.map(([candidate, weight], i) => [candidate!, i === 0 ? weight! + 1 : weight!])
    assert.ok(!holds(redo.redoDraw({ ...draw, urn: { ...urn, weights: heavier } })))
  }
})

test('the page redoes a check, and finds a report that was changed', async (t) => {
  const { json, live } = await shown(t)
  await live(60)
  const { rows } = await json<{ rows: shapes.CheckRow[] }>('/api/v1/checks')
  const { copy, epoch } = rows[0]!
  const check = await json<shapes.CheckAnswer>(`/api/v1/copies/${copy}/checks/${epoch}`)
  const entry = async (seq: number) => (await json<{ bytes: string }>(`/api/v1/entries/${seq}`)).bytes
  const steps = await redo.redoCheck(check, entry)
  assert.equal(steps.length, 2 * check.reports.length)
  assert.ok(holds(steps), JSON.stringify(steps))
  const [first, ...others] = check.reports
  const changed = { ...check, reports: [{ ...first!, firstByteUs: first!.firstByteUs + 1 }, ...others] }
  assert.ok(!holds(await redo.redoCheck(changed, entry)))
})

test('the page finds where a walk begins, and an evidence that is not the one that was named', async (t) => {
  const { json, live } = await shown(t)
  await live(40)
  const { rows } = await json<{ rows: shapes.ChallengeRow[] }>('/api/v1/challenges')
  const { id } = rows.find(({ outcome }) => outcome === 'success')!
  const challenge = await json<shapes.ChallengeAnswer>(`/api/v1/challenges/${id}`)
  assert.equal(redo.redoChallenge(challenge, null)[0]!.holds, true)
  const noise = redo.redoChallenge(challenge, Buffer.alloc(100, 7))
  assert.deepEqual(
    noise.map((step) => step.holds),
    [true, false, false]
  )
  assert.match(noise[1]!.says, /EVIDENCE_CLAIM/)
  const forged = { ...challenge, beacon: '00'.repeat(32) }
  assert.equal(redo.redoChallenge(forged, null)[0]!.holds, false)
})
