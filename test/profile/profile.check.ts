import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser } from 'playwright-core'
import type { ProfileReport } from '../../src/profile/report.js'
import { runProgram } from '../cli/program.js'
import { temporaryFolder } from '../helpers/folder.js'
import { closeAfter } from '../helpers/close-after.js'

const isShort = process.env.DATDOT_CHECK === 'short'
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

async function browser(t: TestContext): Promise<Browser> {
  const path = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place))
  assert.ok(path, 'no Chromium: install Debian’s package chromium, or say in CHROMIUM where it is')
  const opened = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] })
  closeAfter(t, () => opened.close())
  return opened
}

test('the page of a real run shows in a browser what the JSON says', { timeout: 600_000 }, async (t) => {
  const dir = temporaryFolder(t)
  const [json, html] = [join(dir, 'profile.json'), join(dir, 'pages', 'profile.html')]
  const short = isShort ? ['--duration', '1'] : []
  const { code, stdout, stderr } = await runProgram(t, ['profile', '--json', json, '--html', html, ...short])
  assert.equal(code, 0, stderr)
  const report = JSON.parse(readFileSync(json, 'utf8')) as ProfileReport
  assert.ok(stdout.includes(report.answer))

  const chrome = await browser(t)
  for (const [colorScheme, width] of [
    ['light', 1200],
    ['dark', 1200],
    ['dark', 375]
  ] as const) {
    const context = await chrome.newContext({ colorScheme, viewport: { width, height: 800 } })
    const page = await context.newPage()
    const faults: string[] = []
    const asked: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    page.on('request', (request) => void (request.url().startsWith('file:') || asked.push(request.url())))
    await page.goto(pathToFileURL(html).href)

    assert.equal(await page.locator('#answer').innerText(), report.answer)
    assert.ok((await page.locator('#machine').innerText()).includes(report.machine.cpu))
    // Every stage that took some time is a part of a bar that can be seen.
    const uses = report.codecs.flatMap(({ handOver, serve }) => [handOver.from, handOver.to, serve.from])
    const stages = uses.flatMap((use) => use.stages)
    assert.equal(await page.locator('#stages rect').count(), stages.length)
    const widths =
      "Math.max(...[...document.querySelectorAll('#stages rect')].map((rect) => rect.getBoundingClientRect().width))"
    const largest = await page.evaluate<number>(widths)
    assert.ok(largest > width / 10, `the longest bar is ${largest} wide`)
    assert.equal(await page.locator('#threads rect').count(), 3 * 2 * (2 + 2 * report.codecs.length))
    assert.equal(await page.locator('#throughput polyline').count(), 2 + 2 * report.codecs.length)
    assert.equal(await page.locator('#break-even circle').count(), 1 + 2 * report.codecs.length)
    assert.equal(await page.locator('#links tbody tr').count(), report.links.length)
    assert.equal(await page.locator('#ways tbody tr').count(), 2 * (2 + 2 * report.codecs.length))
    const raw = JSON.parse((await page.locator('#raw').textContent()) ?? '') as ProfileReport
    assert.deepEqual(raw, report)

    // Readable in either scheme, and nothing sticks out of a phone's screen.
    const colours = '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]'
    const [back, text] = await page.evaluate<string[]>(colours)
    const light = (color: string): number =>
      (color.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)
    assert.equal(light(back!) > light(text!), colorScheme === 'light')
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
    assert.ok(overflow <= 0, `${overflow} pixels stick out`)
    assert.deepEqual(faults, [])
    assert.deepEqual(asked, [])
    await context.close()
  }
})
