import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { once } from 'node:events'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import autocannon from 'autocannon'
import type { Page } from 'playwright-core'
import type * as shapes from '../../src/dashboard/api/shapes.js'
import { startProgram, until, type Program } from '../cli/program.js'
import { json, kill, said } from '../daemon/programs.js'
import { browser, isLight, overflow, watchedPage } from '../helpers/chromium.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { readByGeneratedClient } from './api-client.js'
import { withYear } from './long-history.js'
import { shown } from './shown.js'

const SHORT = process.env.DATDOT_CHECK === 'short'
/** Where pictures for the documents are kept, if they are wanted. */
const PICTURES = process.env.DATDOT_PICTURES
/** What a page may take to show something that is not there yet, on a machine that does much else. */
const WAIT_MS = 60_000
/** A name as nobody should choose it: it has all that a page could take for more than letters. */
const NAME = '<img src=x onerror=alert(1)>"\'&${1}'
/** Issue of the dashboard: the first view with a year of challenges. */
const FIRST_VIEW_MS = 1_000
const CHALLENGES = 100_000
const LAG_P99_MS = 50
const CLIENTS = 100

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** A chain and a node of three roles, in processes of their own, that keep a folder. */
async function running(t: TestContext) {
  const network = await privateDht(t)
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  const root = temporaryFolder(t)
  const [made] = await json(t, [
    ...['init', 'chain', join(root, 'op'), '--fast', '--name', NAME],
    ...['--bootstrap', bootstrap]
  ])
  const { chain: key, file } = made as { chain: string; file: string }
  const [port, nodePort] = [await freePort(), await freePort()]
  const start = async (): Promise<Program> => {
    const chain = startProgram(t, ['chain', '--config', file, '--http', `127.0.0.1:${port}`, '--json'])
    await until(chain, () => said(chain, 'started'))
    return chain
  }
  const chain = await start()
  const [node] = await json(t, [
    ...['init', 'node', join(root, 'node'), '--chain', key],
    ...['--roles', 'pinner,signer,verifier', '--bootstrap', bootstrap]
  ])
  const http = ['--http', `127.0.0.1:${nodePort}`]
  startProgram(t, ['node', '--config', node!.file!, ...http, '--json'])
  const folder = join(root, 'folder')
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), randomBytes(100_000))
  await json(t, ['publish', folder, '--copies', '1', '--codec', 'wrap', '--config', file])
  const api = async <T>(path: string, of = port): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${of}/api/v1${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  return { url: `http://127.0.0.1:${port}/`, nodeUrl: `http://127.0.0.1:${nodePort}/`, chain, start, api }
}

const stands = (page: Page, standing: string): Promise<void> =>
  page.getByRole('status').filter({ hasText: standing }).waitFor({ timeout: WAIT_MS })

const shows = (page: Page, text: string): Promise<void> =>
  page.getByText(text).first().waitFor({ timeout: WAIT_MS })

/** What a fact of the page says. */
const fact = (page: Page, name: string): Promise<string> =>
  page
    .locator('dl.facts > div', { has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) })
    .locator('dd')
    .innerText()

interface AxeResults {
  violations: { id: string; impact: string | null; nodes: { html: string }[] }[]
}

/** Nothing that keeps people out, as far as a program sees it. */
async function accessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe)
  const { violations } = await page.evaluate<AxeResults>('axe.run()')
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  assert.deepEqual(
    serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
    [],
    where
  )
}

/** Presses the button that redoes something; returns what came of each step. */
async function redone(page: Page, what: string): Promise<string[]> {
  await page.getByRole('button', { name: `Redo this ${what}` }).click()
  await page.locator('#redone li').first().waitFor({ timeout: WAIT_MS })
  return page.locator('#redone li').allInnerTexts()
}
const allHold = (steps: readonly string[]): boolean =>
  steps.length > 0 && steps.every((step) => step.startsWith('holds: '))

test(
  'a browser shows a running network, live, through a restart of the chain, and redoes what it shows',
  { timeout: 900_000 },
  async (t) => {
    const { url, nodeUrl, chain, start, api } = await running(t)
    const chrome = await browser(t)
    const { page, faults, foreign } = await watchedPage(chrome, url)

    await t.test('what the ledger holds is what the page shows, and it grows by itself', async () => {
      await page.goto(url)
      await stands(page, 'live')
      assert.equal(await page.locator('h1').innerText(), NAME)
      await shows(page, '1 of 1')
      assert.equal(await fact(page, 'hypercores'), '2')
      const passed = async (): Promise<number> =>
        Number((await fact(page, 'challenges passed')).split(' ')[0])
      const before = await passed()
      const began = Date.now()
      while ((await passed()) < before + 2) {
        assert.ok(Date.now() - began < WAIT_MS, 'the page does not go on')
        await page.waitForTimeout(100)
      }
      const { storage } = await api<shapes.Overview>('/overview')
      assert.ok(storage.success >= (await passed()))
    })

    const { rows: cores } = await api<{ rows: shapes.HypercoreRow[] }>('/hypercores')
    const core = await api<shapes.HypercoreAnswer>(`/hypercores/${cores[0]!.key}`)
    const pinner = core.copies[0]!.pinner!
    const settled = async (): Promise<number> => {
      const { rows } = await api<{ rows: shapes.ChallengeRow[] }>('/challenges')
      return rows.find(({ outcome }) => outcome === 'success')!.id
    }
    const views = async (): Promise<[name: string, at: string][]> => [
      ['overview', '#/'],
      ['hypercore', `#/hypercores/${core.key}`],
      ['pinner', `#/members/${pinner}`],
      ['challenge', `#/challenges/${await settled()}`],
      ['draw', `#/draws/${core.copies[0]!.segments[0]!.draw}`]
    ]

    await t.test('a challenge and a draw are redone, and forged ones are found', async () => {
      await page.goto(`${url}#/challenges/${await settled()}`)
      const challenge = await redone(page, 'challenge')
      assert.ok(allHold(challenge), challenge.join('\n'))
      assert.ok(challenge.some((step) => /slices lie under the roots/.test(step)))
      await page.goto(`${url}#/draws/${core.copies[0]!.segments[0]!.draw}`)
      const draw = await redone(page, 'draw')
      assert.ok(allHold(draw), draw.join('\n'))

      const forge = async (
        path: string,
        change: (answer: Record<string, unknown>) => unknown
      ): Promise<void> => {
        await page.route(`**/api/v1/${path}/*`, async (route) => {
          const response = await route.fetch()
          const changed = change((await response.json()) as Record<string, unknown>)
          await route.fulfill({ response, json: changed })
        })
      }
      // A chain that says of another walk that it was passed, and of another pinner that it was drawn.
      await forge('challenges', (answer) => ({ ...answer, beacon: '00'.repeat(32) }))
      await forge('draws', (answer) => ({ ...answer, key: cores[0]!.key }))
      await page.goto(`${url}#/challenges/${await settled()}`)
      assert.ok(!allHold(await redone(page, 'challenge')))
      await page.goto(`${url}#/draws/${core.copies[0]!.segments[0]!.draw}`)
      assert.ok(!allHold(await redone(page, 'draw')))
      await page.unrouteAll()
    })

    await t.test('what is searched for, and what is not there, is shown as letters', async () => {
      await page.goto(url)
      await page.getByRole('searchbox').or(page.locator('input[name=q]')).fill(core.key)
      await page.keyboard.press('Enter')
      await page.getByRole('link', { name: core.key }).click()
      await shows(page, 'Hypercore')
      for (const q of [NAME, '"><script>alert(1)</script>', 'javascript:alert(1)']) {
        await page.goto(`${url}#/search/${encodeURIComponent(q)}`)
        await shows(page, q)
        await page.goto(`${url}#/hypercores/${encodeURIComponent(q)}`)
        await page.getByRole('alert').waitFor({ timeout: WAIT_MS })
      }
      assert.equal(await page.locator('img').count(), 0)
      // Asked for what is not there, a browser writes down each answer that says so.
      const others = faults.filter((fault) => !/Failed to load resource.*40[04]/.test(fault))
      assert.deepEqual(others, [])
      faults.length = 0
    })

    await t.test('a keyboard goes past the head of the page without leaving the view', async () => {
      await page.goto(`${url}#/members/${pinner}`)
      await shows(page, 'R as pinner')
      await page.reload()
      await shows(page, 'R as pinner')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      assert.equal(await page.evaluate('document.activeElement.id'), 'main')
      assert.match(page.url(), /#\/members\//)
    })

    await t.test('every view is for everybody: light and dark, on a phone, without findings', async () => {
      for (const [colorScheme, width] of [
        ['light', 1200],
        ['dark', 1200],
        ['dark', 375]
      ] as const) {
        const seen = await watchedPage(chrome, url, { colorScheme, viewport: { width, height: 900 } })
        for (const [name, at] of await views()) {
          await seen.page.goto(`${url}${at}`)
          await seen.page.locator('h1').waitFor({ timeout: WAIT_MS })
          if (['overview', 'hypercore', 'pinner'].includes(name))
            await seen.page.locator('.chart canvas').first().waitFor({ timeout: WAIT_MS })
          assert.equal(await isLight(seen.page), colorScheme === 'light')
          assert.equal(await overflow(seen.page), 0, `${name} at ${width}`)
          await accessible(seen.page, `${name}, ${colorScheme}, ${width}`)
          if (PICTURES && width > 1_000 && ['overview', 'hypercore', 'pinner'].includes(name)) {
            mkdirSync(PICTURES, { recursive: true })
            await seen.page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`) })
          }
        }
        assert.deepEqual([seen.faults, seen.foreign], [[], []])
        await seen.page.context().close()
      }
    })

    await t.test('a node shows the chain as its roles see it', async () => {
      const seen = await watchedPage(chrome, nodeUrl)
      await seen.page.goto(`${nodeUrl}#/members/${pinner}`)
      await shows(seen.page, 'R as pinner')
      await stands(seen.page, 'live')
      assert.equal((await fetch(`${nodeUrl}badge/${core.key}.svg`)).status, 200)
      assert.deepEqual([seen.faults, seen.foreign], [[], []])
      await seen.page.context().close()
    })

    await t.test('a client made of the description reads the API', async () => {
      const read = await readByGeneratedClient(url)
      const { challenges, ...rest } = read
      assert.deepEqual(rest, {
        name: NAME,
        hypercores: 2,
        key: cores[0]!.key,
        copies: 1,
        pinners: 1,
        refused: 'API_ARGUMENT',
        found: ['hypercore']
      })
      assert.ok(challenges > 4)
    })

    await t.test(`${CLIENTS} clients at once do not keep the chain from its ticks`, async () => {
      const result = await autocannon({
        url: `${url}api/v1/hypercores/${core.key}`,
        connections: CLIENTS,
        duration: SHORT ? 5 : 30
      })
      const metrics = await (await fetch(`${url}metrics`)).text()
      const lag = 1_000 * Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(metrics)![1])
      const said = `${result.requests.total} requests, ${result['2xx']} answered, p99 ${result.latency.p99} ms; event loop p99 ${lag.toFixed(1)} ms`
      t.diagnostic(said)
      // Beyond what an address may ask it is told so, with the time to wait.
      assert.equal(result.errors + result.timeouts + result['5xx'] + result['3xx'], 0, said)
      assert.ok(result['2xx'] > 0)
      if (!SHORT) assert.ok(lag < LAG_P99_MS, said)
    })

    await t.test('the page goes on by itself when the chain comes back', async () => {
      await page.goto(url)
      await stands(page, 'live')
      const before = Number((await fact(page, 'challenges passed')).split(' ')[0])
      await kill(chain)
      await stands(page, 'not connected, trying again')
      await start()
      await stands(page, 'live')
      const began = Date.now()
      while (Number((await fact(page, 'challenges passed')).split(' ')[0]) <= before) {
        assert.ok(Date.now() - began < WAIT_MS, 'nothing new after the restart')
        await page.waitForTimeout(100)
      }
    })
    assert.deepEqual(foreign, [])
  }
)

test('a year of a copy’s challenges is there at once', { timeout: 900_000 }, async (t) => {
  let copy: number | null = null
  const { http, network, dashboard, key } = await shown(t, {
    source: (source) => ({
      ...source,
      // Begins with what is in the ledger, and goes on with a year once the copy is there.
      async *follow(first, signal) {
        while (copy === null && !signal.aborted) await new Promise((done) => setTimeout(done, 10))
        if (copy === null) return
        yield* withYear(source, { copy, challenges: CHALLENGES }).follow(first, signal)
      }
    })
  })
  for (let n = 0; n < 40; n++) {
    network.tick()
    network.work({})
  }
  copy = network.ledger.hypercore(key)!.copies[0]!.id
  const began = Date.now()
  while (dashboard.history.progress.next < network.ledger.length() + CHALLENGES) {
    assert.ok(Date.now() - began < 600_000, 'the history does not come to its end')
    await dashboard.grown(1_000, dashboard.over)
  }
  t.diagnostic(`${CHALLENGES} challenges read in ${Date.now() - began} ms`)

  const chrome = await browser(t)
  const { page, faults } = await watchedPage(chrome, http.url)
  const times: string[] = []
  const { rows } = (await (await fetch(`${http.url}api/v1/hypercores`)).json()) as {
    rows: shapes.HypercoreRow[]
  }
  for (const at of ['#/', `#/hypercores/${rows[0]!.key}`]) {
    const context = await chrome.newContext()
    const fresh = await context.newPage()
    const from = Date.now()
    await fresh.goto(`${http.url}${at}`)
    await fresh.locator('.chart canvas').first().waitFor({ timeout: WAIT_MS })
    await fresh.locator('table').first().waitFor({ timeout: WAIT_MS })
    const ms = Date.now() - from
    times.push(`${at.split('/')[1] || 'overview'} ${ms} ms`)
    assert.ok(SHORT || ms < FIRST_VIEW_MS, `${at} took ${ms} ms`)
    await context.close()
  }
  t.diagnostic(`first view, charts and tables: ${times.join(', ')}`)
  await page.goto(`${http.url}#/hypercores/${rows[0]!.key}`)
  await page.locator('.chart canvas').first().waitFor({ timeout: WAIT_MS })
  const label = await page.locator('.chart').first().getAttribute('aria-label')
  const passed = Number(/(\d+) passed/.exec(label!)![1])
  assert.ok(passed >= 0.99 * CHALLENGES, label!)
  assert.deepEqual(faults, [])
})
