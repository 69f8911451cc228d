import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import createTestnet from '@hyperswarm/testnet'
import type HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import Protomux from 'protomux'
import type { Parameters } from '../../src/protocol/parameters.js'
import { ChainClient, type ChainClientOptions } from '../../src/client/client.js'
import { ClientChannel, type Quotas } from '../../src/swarm/rpc-channel.js'
import { CHAIN_PROTOCOL } from '../../src/protocol/rpc/messages.js'
import type { OpeningVerdict } from '../../src/evidence/opening-judge.js'
import type { JudgeRefusal, VerifyAnswers } from '../../src/evidence/tasks.js'
import { ChainHost } from '../../src/chain/host.js'
import { ChainService } from '../../src/chain/service.js'
import { ChainStores } from '../../src/chain/stores.js'
import { ChainTime, type Beat } from '../../src/chain/time.js'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { Engine } from '../../src/engine/engine.js'
import type { Verdict } from '../../src/evidence/verdict.js'
import { asynchronous } from '../../src/ledger/host.js'
import { wallClock } from '../helpers/wall-clock.js'
import { createLogger } from '../../src/log.js'
import { createDht } from '../../src/swarm/dht.js'
import { TestNetwork, identity } from '../ledger/network.js'
import type { Tasks } from '../../workers/tasks.js'
import { closeAfter } from '../helpers/close-after.js'

/** A chain that is served on a private DHT, and clients that reach it there. */
export interface TestChain {
  network: TestNetwork
  /** Folder of the service; it holds the ledger too. */
  dir: string
  service: ChainService
  stores: ChainStores
  bootstrap: HyperDHT.Address[]
  /** Lines that the chain wrote to its log. */
  lines: string[]
  client: (name: string, options?: Pick<ChainClientOptions, 'receipts' | 'instance'>) => ChainClient
  stop: () => Promise<void>
  /** Ends the service as a crash would for its peers, and starts another on the same ledger and folder. */
  restart: (downMs?: number) => Promise<void>
  /** What the chain says of the next evidence, whatever it is. */
  lieAbout: (verdict: (honest: Verdict) => Verdict) => void
  /** The same of openings. */
  lieAboutOpenings: (verdict: (honest: OpeningVerdict) => OpeningVerdict) => void
  /** From now to the next restart no evidence is checked: what has come is lost with the process. */
  crashWhileVerifying: () => void
  /** Time goes on by some ticks; the service is told by calling its ledger. */
  tick: (times?: number) => Promise<void>
  /** Waits until something holds, while time goes on, or without that. */
  until<T>(
    what: string,
    holds: () => Promise<T | null | undefined | false> | T | null | undefined | false,
    timeGoesOn?: boolean
  ): Promise<T>
}

/** The chain ticks when the test says so. */
export async function testChain(
  t: TestContext,
  {
    parameters = {},
    names = [],
    quotas = {},
    heartbeat = false,
    beat = null,
    judge,
    verify
  }: {
    parameters?: Partial<Parameters>
    names?: string[]
    quotas?: Partial<Quotas>
    heartbeat?: boolean
    beat?: Beat | null
    judge?: JudgeRefusal
    /** Checks evidence in place of the engine. */
    verify?: VerifyAnswers
  } = {}
): Promise<TestChain> {
  const testnet = await createTestnet(3)
  const { bootstrap } = testnet
  const network = new TestNetwork(parameters, names)
  const dir = mkdtempSync(join(tmpdir(), 'datdot-service-'))
  symlinkSync(network.path, join(dir, 'ledger.db'))
  const engine = new Engine<Tasks>({ threads: 1 })
  const lines: string[] = []
  const closing: (() => Promise<unknown>)[] = []
  let crashing = false
  let verdictOf = (honest: Verdict): Verdict => honest
  let openingOf = (honest: OpeningVerdict): OpeningVerdict => honest
  const unverified: ((error: Error) => void)[] = []
  let running: { service: ChainService; stores: ChainStores; host: ChainHost }

  const start = async (): Promise<void> => {
    const dht = createDht({ bootstrap, host: '127.0.0.1' })
    const swarm = new Hyperswarm({ dht, keyPair: identity('chain swarm') })
    const ledger = asynchronous(network.ledger)
    const keyPair = network.chain
    const stores = await opened(new ChainStores({ ledger, keyPair, dir }))
    const service = new ChainService({
      ledger,
      stores,
      keyPair,
      verify: (tasks) =>
        crashing
          ? new Promise((_, reject) => unverified.push(reject))
          : verify
            ? verify(tasks)
            : engine
                .call('verify-evidence', tasks)
                .then((verdicts) => verdicts.map((honest) => verdictOf(honest))),
      judge: judge ?? ((task) => engine.call('judge-refusal', task)),
      judgeOpening: async (task) => openingOf(await engine.call('judge-opening', task)),
      clock: wallClock(() => network.at),
      time: new ChainTime({ now: () => network.at }, beat),
      log: createLogger(
        (line) => lines.push(line),
        () => 0
      ),
      quotas,
      heartbeat
    })
    await service.ready()
    const host = new ChainHost({ keyPair, swarm, stores, accept: (connection) => service.accept(connection) })
    await host.ready()
    running = { service, stores, host }
  }
  const stop = async (): Promise<void> => {
    crashing = false
    for (const reject of unverified.splice(0)) reject(new Error('the process ended'))
    const { service, stores, host } = running
    await service.close()
    await host.close()
    await stores.close()
  }
  await start()
  closeAfter(t, async () => {
    await Promise.all(closing.map((close) => close()))
    await stop()
    await engine.close()
    network.close()
    await testnet.destroy()
    rmSync(dir, { recursive: true, force: true })
  })

  const tick = async (times = 1): Promise<void> => {
    for (let n = 0; n < times; n++) {
      network.at += 100
      await running.service.tick()
    }
  }
  return {
    network,
    dir,
    bootstrap,
    lines,
    get service() {
      return running.service
    },
    get stores() {
      return running.stores
    },
    client(name, options = {}) {
      const keyPair = identity(name)
      const dht = createDht({ bootstrap, host: '127.0.0.1' })
      const client = new ChainClient({
        ...options,
        chainKey: network.chain.publicKey,
        keyPair,
        connect: () => dht.connect(network.chain.publicKey, { keyPair }),
        clock: systemClock,
        random: Math.random
      })
      closing.push(async () => {
        await client.close()
        await dht.destroy()
      })
      return client
    },
    lieAbout: (verdict) => void (verdictOf = verdict),
    lieAboutOpenings: (verdict) => void (openingOf = verdict),
    crashWhileVerifying: () => void (crashing = true),
    stop,
    restart: async (downMs = 0) => {
      await stop()
      network.at += downMs
      await start()
    },
    tick,
    async until(what, holds, timeGoesOn = true) {
      for (let n = 0; n < 600; n++) {
        const value = await holds()
        if (value) return value
        if (timeGoesOn) await tick()
        await new Promise((resolve) => setTimeout(resolve, timeGoesOn ? 5 : 20))
      }
      throw new Error(`it never came about that ${what}; log: ${lines.slice(-5).join('')}`)
    }
  }
}

/** A connection below the client, to send what no client sends. */
export async function rawChannel(
  chain: TestChain,
  name: string
): Promise<{ channel: ClientChannel; end: () => Promise<void> }> {
  const dht = createDht({ bootstrap: chain.bootstrap, host: '127.0.0.1' })
  const stream = dht.connect(chain.network.chain.publicKey, { keyPair: identity(name) })
  stream.on('error', () => {})
  const channel = new ClientChannel(Protomux.from(stream), CHAIN_PROTOCOL, { clock: systemClock })
  assert.equal(await channel.opened(), true)
  return { channel, end: () => dht.destroy() }
}
