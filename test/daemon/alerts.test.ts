import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Alerts } from '../../src/daemon/alerts.js'
import { opened } from '../../src/lifecycle.js'
import { createLogger, type Logger } from '../../src/log.js'
import { closeAfter } from '../helpers/close-after.js'
import { VirtualClock } from '../helpers/virtual-clock.js'

type Line = Record<string, string>

/** A webhook that says what it was given, and answers as it is told. */
async function webhook(t: TestContext, answer: (response: ServerResponse) => void) {
  const given: Line[] = []
  const server = createServer((request: IncomingMessage, response) => {
    let text = ''
    request.on('data', (part: Buffer) => (text += part.toString()))
    request.on('end', () => {
      given.push(JSON.parse(text) as Line)
      answer(response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeAfter(t, async () => {
    server.closeAllConnections()
    await once(server.close(), 'close')
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, given }
}

/** Alerts on virtual time, and what they log. */
async function alertsOf(t: TestContext, url?: string) {
  const clock = new VirtualClock()
  const alerts = await opened(new Alerts({ clock, webhook: url }))
  closeAfter(t, () => alerts.close())
  const lines: Line[] = []
  const log: Logger = createLogger(
    (line) => lines.push(JSON.parse(line) as Line),
    () => 0
  )
  /** Waits for real messages while virtual time goes on. */
  const until = async (holds: () => boolean): Promise<void> => {
    for (let n = 0; !holds(); n++) {
      assert.ok(n < 2_000, 'it never came about')
      await clock.advance(10)
      await sleep(5)
    }
  }
  return { alerts, clock, log, lines, until }
}

const accept = (response: ServerResponse): void => void response.writeHead(204).end()

test('an alert is logged and sent when it is raised and when it is over, and not in between', async (t) => {
  const { url, given } = await webhook(t, accept)
  const { alerts, log, lines, until } = await alertsOf(t, url)
  alerts.set('pinner', 'disk', null, log)
  alerts.set('pinner', 'disk', '3 reads failed', log)
  alerts.set('pinner', 'disk', '5 reads failed', log)
  alerts.set('signer', 'disk', null, log)
  assert.deepEqual(alerts.raised, [{ name: 'disk', role: 'pinner', why: '5 reads failed' }])
  alerts.set('pinner', 'disk', null, log)
  assert.deepEqual(alerts.raised, [])
  await until(() => given.length === 2)
  const said = (line: Line): unknown => [line.event, line.alert, line.why]
  assert.deepEqual(lines.map(said), [
    ['alert.raised', 'disk', '3 reads failed'],
    ['alert.cleared', 'disk', '5 reads failed']
  ])
  const sent = ({ alert, state, role, why }: Line): unknown => [alert, state, role, why]
  assert.deepEqual(given.map(sent), [
    ['disk', 'raised', 'pinner', '3 reads failed'],
    ['disk', 'cleared', 'pinner', '5 reads failed']
  ])
  assert.match(given[0]!.at!, /^2026-01-01T/)
})

test('a webhook that refuses is tried three times, and the next alert is sent all the same', async (t) => {
  let refuse = true
  const { url, given } = await webhook(t, (response) => {
    if (refuse) response.writeHead(500).end()
    else accept(response)
  })
  const { alerts, clock, log, lines, until } = await alertsOf(t, url)
  alerts.set('pinner', 'clock', 'off', log)
  for (let n = 1; n <= 3; n++) {
    await until(() => given.length === n)
    await sleep(20)
    if (n < 3) await clock.advance(30_000)
  }
  await until(() => lines.some(({ event }) => event === 'alert.unsent'))
  refuse = false
  alerts.set('pinner', 'chain', 'away', log)
  await until(() => given.length === 4)
  assert.equal(given[3]!.alert, 'chain')
})

test('a webhook that never answers keeps nobody from closing', async (t) => {
  const { url, given } = await webhook(t, () => {})
  const { alerts, log, until } = await alertsOf(t, url)
  alerts.set('pinner', 'clock', 'off', log)
  await until(() => given.length === 1)
  await alerts.close()
})
