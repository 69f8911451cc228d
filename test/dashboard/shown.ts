import type { TestContext } from 'node:test'
import type { Outcome } from '../../src/protocol/operations.js'
import type { ChallengeView } from '../../src/protocol/views.js'
import { systemClock } from '../../src/clock.js'
import { HttpServer, type HttpOptions } from '../../src/daemon/http.js'
import { Dashboard } from '../../src/dashboard/dashboard.js'
import { DrawWatch } from '../../src/dashboard/draw-watch.js'
import { ledgerSource, type ChainSource } from '../../src/dashboard/source.js'
import { asynchronous } from '../../src/ledger/host.js'
import { silentLogger } from '../../src/log.js'
import { smallNetwork, type TestNetwork } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

/** A network on one ledger with a sponsored hypercore, that is shown over HTTP. */
export interface Shown {
  network: TestNetwork
  key: Buffer
  dashboard: Dashboard
  http: HttpServer
  get: (path: string, headers?: Record<string, string>) => Promise<Answer>
  json: <T>(path: string) => Promise<T>
  /** Lets some ticks go by, in which everybody does what is asked of them, and waits until the history has read it. */
  live: (ticks: number, outcome?: (challenge: ChallengeView) => Outcome | 'silent') => Promise<void>
  /** Waits until the history has read the whole log. */
  read: () => Promise<void>
}

export interface Answer {
  status: number
  headers: Headers
  body: string
}

export async function shown(
  t: TestContext,
  options: { http?: HttpOptions; source?: (of: ChainSource) => ChainSource } = {}
): Promise<Shown> {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  const key = network.sponsor('shown')
  const source = ledgerSource(asynchronous(network.ledger), systemClock)
  const draws = new DrawWatch()
  network.ledger.state.observer = draws
  const dashboard = new Dashboard({
    draws,
    source: options.source?.(source) ?? source,
    path: ':memory:',
    clock: systemClock,
    log: silentLogger
  })
  await dashboard.ready()
  closeAfter(t, () => dashboard.close())
  const http = new HttpServer({ host: '127.0.0.1', port: 0 }, options.http)
  await http.ready()
  closeAfter(t, () => http.close())
  http.show(dashboard)
  const get = async (path: string, headers: Record<string, string> = {}): Promise<Answer> => {
    const response = await fetch(new URL(path, http.url), { headers, redirect: 'error' })
    return { status: response.status, headers: response.headers, body: await response.text() }
  }
  const read = async (): Promise<void> => {
    while (dashboard.history.progress.next < network.ledger.length()) {
      await dashboard.grown(1_000, dashboard.over)
    }
  }
  return {
    network,
    key,
    dashboard,
    http,
    get,
    json: async <T>(path: string): Promise<T> => JSON.parse((await get(path)).body) as T,
    read,
    live: async (ticks, outcome) => {
      for (let n = 0; n < ticks; n++) {
        network.tick()
        network.work(outcome ? { outcome } : {})
      }
      await read()
    }
  }
}
