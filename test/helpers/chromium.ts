import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { closeAfter } from './close-after.js'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** A real browser without a window, that ends with the test. */
export async function browser(t: TestContext): Promise<Browser> {
  const path = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place))
  assert.ok(path, 'no Chromium: install Debian’s package chromium, or say in CHROMIUM where it is')
  const opened = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] })
  closeAfter(t, () => opened.close())
  return opened
}

/** A page, with what went wrong in it and what it asked of others than its own server. */
export interface WatchedPage {
  page: Page
  faults: string[]
  foreign: string[]
}

/** @param own how the addresses begin that the page may ask */
export async function watchedPage(
  chrome: Browser,
  own: string,
  options: BrowserContextOptions = {}
): Promise<WatchedPage> {
  const context = await chrome.newContext(options)
  const page = await context.newPage()
  const faults: string[] = []
  const foreign: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('dialog', (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('request', (request) => void (request.url().startsWith(own) || foreign.push(request.url())))
  return { page, faults, foreign }
}

/** Pixels that stick out of the screen to the right. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate<number>('Math.max(0, document.documentElement.scrollWidth - window.innerWidth)')

/** Whether the page is light, by the colours of its ground and its letters. */
export async function isLight(page: Page): Promise<boolean> {
  const [back, text] = await page.evaluate<string[]>(
    '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]'
  )
  const light = (color: string): number =>
    (color.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0)
  return light(back!) > light(text!)
}
