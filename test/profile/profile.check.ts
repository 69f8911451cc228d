import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { ProfileReport } from '../../src/profile/report.js'
import { runProgram } from '../cli/program.js'
import { browser, isLight, overflow, watchedPage } from '../helpers/chromium.js'
import { temporaryFolder } from '../helpers/folder.js'

const isShort = process.env.DATDOT_CHECK === 'short'

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
    const shown = await watchedPage(chrome, 'file:', { colorScheme, viewport: { width, height: 800 } })
    const { page, faults, foreign } = shown
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

    assert.equal(await isLight(page), colorScheme === 'light')
    assert.equal(await overflow(page), 0)
    const { DATDOT_PICTURES: pictures } = process.env
    if (pictures && width > 1_000)
      await page.screenshot({ path: join(pictures, `profile-${colorScheme}.png`), fullPage: true })
    assert.deepEqual(faults, [])
    assert.deepEqual(foreign, [])
    await page.context().close()
  }
})
