import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { silentLogger } from '../../src/log.js'
import { consume } from '../../src/local/consume.js'
import { Observer } from '../../src/local/observer.js'
import { PrivateDht } from '../../src/swarm/dht.js'
import { temporaryFolder } from '../helpers/folder.js'
import { closeAfter } from '../helpers/close-after.js'

test('a consumer that nothing comes to gives up, and what it says is told', async (t) => {
  const dht = await opened(new PrivateDht())
  closeAfter(t, () => dht.close())
  const { signal } = new AbortController()
  const out = join(temporaryFolder(t), 'out')
  const reading = consume({
    network: dht.network,
    key: randomBytes(32),
    core: false,
    out,
    idleMs: 300,
    signal
  })
  await assert.rejects(reading, { code: 'CONSUMER_FAILED', message: /nothing arrived for 300 ms/ })
})

test('what an observer waits for may not take longer than it is given', async (t) => {
  const dht = await opened(new PrivateDht())
  closeAfter(t, () => dht.close())
  const observer = new Observer({
    dir: join(temporaryFolder(t), 'observer'),
    network: dht.network,
    chainKey: randomBytes(32),
    clock: systemClock,
    randomBytes,
    log: silentLogger
  })
  closeAfter(t, () => observer.close())
  const { signal } = new AbortController()
  await observer.until('this', () => true, { timeoutMs: 0, signal })
  await assert.rejects(
    observer.until('that', () => false, { timeoutMs: 20, signal }),
    { code: 'WAITED_TOO_LONG', message: 'that did not happen within 0 s' }
  )
})
