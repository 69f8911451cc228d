import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { HttpServer } from '../../src/daemon/http.js'
import { silentLogger } from '../../src/log.js'
import { closeAfter } from '../helpers/close-after.js'

/** A port that is taken, until it is let go. */
async function takenPort(t: TestContext): Promise<{ port: number; free: () => Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const free = async (): Promise<void> => {
    if (server.listening) await once(server.close(), 'close')
  }
  closeAfter(t, free)
  return { port: (server.address() as AddressInfo).port, free }
}

test('a program is live at once, ready when it says so, and counts what it logs', async (t) => {
  const { port, free } = await takenPort(t)
  await free()
  const http = new HttpServer({ host: '127.0.0.1', port })
  await http.ready()
  closeAfter(t, () => http.close())
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${port}/${path}`)
    return [response.status, await response.text()]
  }
  assert.deepEqual(await get('live'), [200, 'live\n'])
  assert.deepEqual(await get('ready'), [503, 'not yet\n'])
  http.begun()
  assert.deepEqual(await get('ready'), [200, 'ready\n'])
  const log = http.counted('pinner', silentLogger)
  log('pinner.accepted')
  log.with({ draw: 1 })('pinner.accepted', { chunks: 2 })
  const [status, metrics] = await get('metrics')
  assert.equal(status, 200)
  assert.match(metrics, /^datdot_events_total\{role="pinner",event="pinner.accepted"\} 2$/m)
  assert.match(metrics, /^datdot_ready 1$/m)
  assert.match(metrics, /^nodejs_eventloop_lag_seconds /m)
})

test('a program of which a part is degraded is not ready until that is over', async (t) => {
  const http = new HttpServer({ host: '127.0.0.1', port: 0 })
  await http.ready()
  closeAfter(t, () => http.close())
  let trouble: string | null = null
  http.watch('pinner', () => trouble)
  http.watch('signer', () => null)
  http.begun()
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(http.url + path)
    return [response.status, await response.text()]
  }
  assert.deepEqual(await get('ready'), [200, 'ready\n'])
  trouble = 'the disk failed'
  assert.deepEqual(await get('ready'), [503, 'degraded: pinner: the disk failed\n'])
  assert.deepEqual(await get('live'), [200, 'live\n'])
  const [, metrics] = await get('metrics')
  assert.match(metrics, /^datdot_degraded\{role="pinner"\} 1$/m)
  assert.match(metrics, /^datdot_degraded\{role="signer"\} 0$/m)
  trouble = null
  assert.deepEqual(await get('ready'), [200, 'ready\n'])
})

test('an address that somebody has is told', async (t) => {
  const { port } = await takenPort(t)
  await assert.rejects(new HttpServer({ host: '127.0.0.1', port }).ready(), { code: 'HTTP_FAILED' })
})
