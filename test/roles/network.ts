import type { CodecName } from '../../src/chunk/header.js'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import crypto from 'hypercore-crypto'
import { systemClock } from '../../src/clock.js'
import { opened } from '../../src/lifecycle.js'
import { auditFile } from '../../src/audit/file.js'
import type { Effect } from '../../src/protocol/effects.js'
import type { Parameters } from '../../src/protocol/parameters.js'
import type { Outcome, Plan } from '../../src/protocol/operations.js'
import { scan } from '../../src/drive/scan.js'
import { createLogger, type Logger } from '../../src/log.js'
import {
  DONATION_GRAINS,
  MEMBER_GRAINS,
  SUPPORTER_GRAINS,
  fastParameters,
  registrationOf
} from '../../src/local/economy.js'
import { planOf } from '../../src/roles/plan.js'
import { consume } from '../../src/local/consume.js'
import { Observer } from '../../src/local/observer.js'
import {
  participantOf,
  type Participant,
  type ParticipantOptions,
  type ParticipantRole
} from '../../src/roles/participants.js'
import { Author } from '../../src/roles/author.js'
import { ChainNode } from '../../src/roles/chain-node.js'
import { Supporter } from '../../src/roles/supporter.js'
import { PrivateDht, type Network } from '../../src/swarm/dht.js'
import { loadIdentity } from '../../src/swarm/identity.js'
import { RoleProcess, type LogLine } from './process.js'
import { temporaryFolder } from '../helpers/folder.js'
import { closeAfter } from '../helpers/close-after.js'

/** Generous: the machine may be busy. */
const PATIENCE_MS = 150_000
/** What may take some transfers, one after the other. */
const ANSWER_PATIENCE_MS = 2 * PATIENCE_MS

/** A chain and an observer on a private DHT, for roles that a test starts and stops as it likes. */
export class RoleNetwork {
  readonly root: string
  readonly network: Network
  readonly chain: ChainNode
  readonly observer: Observer
  /** What the roles in this process log, as they do. */
  readonly events: EventEmitter<{ line: [LogLine] }>
  readonly #log: Logger
  readonly #closing: (() => Promise<unknown>)[]
  #readers = 0
  readonly #running = new Map<string, Participant>()

  private constructor(
    root: string,
    network: Network,
    chain: ChainNode,
    observer: Observer,
    {
      log,
      events,
      closing
    }: {
      log: Logger
      events: EventEmitter<{ line: [LogLine] }>
      closing: (() => Promise<unknown>)[]
    }
  ) {
    this.root = root
    this.network = network
    this.chain = chain
    this.observer = observer
    this.#log = log
    this.events = events
    this.#closing = closing
  }

  /** Starts the chain with an allocation for each name; all of it ends with the test. */
  static async start(
    t: TestContext,
    names: readonly string[],
    changes: Partial<Parameters> = {}
  ): Promise<RoleNetwork> {
    const root = temporaryFolder(t)
    const closing: (() => Promise<unknown>)[] = []
    closeAfter(t, async () => {
      for (const close of closing.reverse()) await close()
    })
    const events = new EventEmitter<{ line: [LogLine] }>()
    const log = createLogger((line) => void events.emit('line', JSON.parse(line) as LogLine), Date.now)
    const dht = await opened(new PrivateDht())
    closing.push(() => dht.close())
    const { network } = dht
    const allocations = [
      { key: (await loadIdentity(join(root, 'supporter'), randomBytes)).publicKey, amount: SUPPORTER_GRAINS }
    ]
    for (const name of names) {
      const { publicKey } = await loadIdentity(join(root, name), randomBytes)
      allocations.push({ key: publicKey, amount: MEMBER_GRAINS })
    }
    const chain = new ChainNode({
      dir: join(root, 'chain'),
      network,
      genesis: {
        name: 'test',
        // Who is gone or silent is to be found soon.
        // Shorter than for a watched network, so that who is gone is soon found; long enough for a busy machine.
        parameters: { ...fastParameters(), roundTripMs: 2_000, ...changes },
        allocations,
        beaconLength: 1 << 14
      },
      threads: 1,
      randomBytes,
      clock: systemClock,
      log: log.with({ role: 'chain' })
    })
    closing.push(() => chain.close())
    await chain.ready()
    const observer = await opened(
      new Observer({
        dir: join(root, 'observer'),
        network,
        chainKey: chain.publicKey,
        clock: systemClock,
        randomBytes,
        log: log.with({ role: 'observer' })
      })
    )
    closing.push(() => observer.close())
    return new RoleNetwork(root, network, chain, observer, { log, events, closing })
  }

  /** Starts a role in its folder, for the first time or again. */
  async startRole(
    role: ParticipantRole,
    name: string,
    options: Pick<
      ParticipantOptions,
      | 'runningRootBytes'
      | 'replacedKeptMs'
      | 'tailBytes'
      | 'unservedMs'
      | 'searchAfterMs'
      | 'choice'
      | 'searchCurves'
      | 'searchShare'
    > = {}
  ): Promise<Participant> {
    const participant = participantOf(role, {
      dir: join(this.root, name),
      network: this.network,
      chainKey: this.chain.publicKey,
      clock: systemClock,
      randomBytes,
      log: this.#log.with({ role: name }),
      registration: registrationOf(role),
      memoryBytes: 16 << 20,
      threads: 1,
      searchCurves: 0,
      ...options
    })
    this.#running.set(name, participant)
    this.#closing.push(() => this.stopRole(name))
    await participant.ready()
    await participant.join()
    return participant
  }

  /** Starts a role in a process of its own, which dies with `kill -9` and no sooner. */
  startProcess(
    role: ParticipantRole,
    name: string,
    options: { runningRootBytes?: number } = {}
  ): RoleProcess {
    const started = RoleProcess.start(role, {
      dir: join(this.root, name),
      bootstrap: this.network.bootstrap,
      chainKey: this.chain.publicKey.toString('hex'),
      ...options
    })
    this.#closing.push(() => started.kill())
    return started
  }

  /** What a reader that comes now gets of a drive with these files is what was published. */
  async read(driveKey: Buffer, files: Record<string, Buffer>): Promise<void> {
    const out = join(this.root, `consumer-${this.#readers++}`)
    const signal = new AbortController().signal
    const read = await consume({ network: this.network, key: driveKey, core: false, out, signal })
    assert.equal(read.files, Object.keys(files).length)
    for (const [file, plain] of Object.entries(files)) {
      assert.ok(plain.equals(readFileSync(join(out, 'files', file))), `${file} was read as it is`)
    }
  }

  /** Ends the chain and replays its log from its file: nothing in it may be wrong. */
  async audit(): Promise<void> {
    await this.chain.close()
    const { failure, sum } = await auditFile(join(this.root, 'chain', 'ledger.db'))
    assert.equal(failure, null)
    assert.equal(sum, 0n)
  }

  async stopRole(name: string): Promise<void> {
    const participant = this.#running.get(name)
    this.#running.delete(name)
    await participant?.close()
  }

  /** Starts the supporter. */
  async support(): Promise<Supporter> {
    const supporter = await opened(
      new Supporter({
        dir: join(this.root, 'supporter'),
        network: this.network,
        chainKey: this.chain.publicKey,
        clock: systemClock,
        randomBytes,
        log: this.#log.with({ role: 'supporter' })
      })
    )
    this.#closing.push(() => supporter.close())
    return supporter
  }

  /** Publishes files as a drive and has it kept; the author leaves once all copies are there. */
  async keep(
    files: Record<string, Buffer>,
    { copies, codec, plan = {} }: { copies: number; codec: CodecName; plan?: Partial<Plan> }
  ): Promise<{ driveKey: Buffer; hypercores: Buffer[] }> {
    const source = join(this.root, 'source')
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(source, name)), { recursive: true })
      writeFileSync(join(source, name), bytes)
    }
    const author = await opened(new Author({ ...this.network, dir: join(this.root, 'author'), randomBytes }))
    let open = true
    const leave = async (): Promise<void> => {
      if (open) await author.close()
      open = false
    }
    this.#closing.push(leave)
    const { driveKey, hypercores } = await author.publish(await scan(source))
    const supporter = await this.support()
    const wanted = { ...planOf(copies, codec, crypto.discoveryKey(driveKey)), ...plan }
    for (const key of hypercores) {
      const original = await supporter.inspect(key, wanted.topic)
      await supporter.sponsor(key, original, wanted, DONATION_GRAINS)
    }
    await this.until('all copies', () => this.observer.copies.size >= copies * hypercores.length)
    // A copy is active with its first segment; who is to write the rest needs the author.
    for (const key of hypercores) {
      await this.untilAnswered('whole copies', async () => {
        const view = (await this.observer.member.chain.hypercore(key))!
        return view.copies.every((copy) => copy.length === view.length)
      })
    }
    await leave()
    return { driveKey, hypercores }
  }

  /** Follows the log from its beginning until the test ends; tells all effects of a kind that it has seen. */
  effects(): <K extends Effect['kind']>(kind: K) => Extract<Effect, { kind: K }>[] {
    const seen: Effect[] = []
    const stop = new AbortController()
    const following = (async () => {
      for await (const event of this.observer.member.chain.events({ from: 0, signal: stop.signal })) {
        seen.push(...(event.effects?.effects ?? []))
      }
    })().catch(() => {})
    this.#closing.push(async () => {
      stop.abort()
      await following
    })
    return <K extends Effect['kind']>(kind: K) =>
      seen.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind)
  }

  /** Who holds the copies of a hypercore, by the chain. */
  async holders(key: Buffer): Promise<{ copy: number; pinner: Uint8Array; chunks: number }[]> {
    const view = await this.observer.member.chain.hypercore(key)
    return (view?.copies ?? []).flatMap(({ id, segments }) =>
      segments.map(({ pinner, chunks }) => ({ copy: id, pinner, chunks }))
    )
  }

  /** How often the storage challenges of a copy have ended like this. */
  settled(copy: number, outcome: Outcome): number {
    return this.observer.copies.get(copy)?.storage[outcome] ?? 0
  }

  /** Waits for what the chain must say, asked once a round. */
  async untilAnswered(what: string, holds: () => Promise<boolean>): Promise<void> {
    const began = performance.now()
    while (!(await holds())) {
      assert.ok(performance.now() - began < ANSWER_PATIENCE_MS, `the chain does not say: ${what}`)
      const { round } = this.observer
      await this.until(what, () => this.observer.round > round)
    }
  }

  /** Waits for what the log must show. */
  async until(what: string, holds: () => boolean): Promise<void> {
    await this.observer.until(what, holds, {
      timeoutMs: PATIENCE_MS,
      signal: new AbortController().signal
    })
  }
}
