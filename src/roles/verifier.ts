import type { ChainClient } from '../client/client.js'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { REPORTS_MAX, type Report } from '../protocol/operations.js'
import type { CheckView } from '../protocol/views.js'
import { uniform } from '../crypto/hash.js'
import { Resource } from '../lifecycle.js'
import { SwarmError } from '../errors.js'
import { isIn } from '../protocol/ranges.js'
import { findHoles } from '../storage/holes.js'
import { knownLength, SwarmReader } from '../swarm/reader.js'
import { measureRetrieval } from '../swarm/retrieval.js'
import type { Participant, RoleChange } from './participant.js'
import { Member, hasCode, type MemberOptions, type Registration } from './member.js'

export interface VerifierOptions extends MemberOptions {
  registration: Registration
  /** Blocks that are fetched for one check. */
  blocks?: number
}

/** Checks of one epoch that are asked for. */
const CHECKS_PER_EPOCH = 1024
/** Checks that one verifier works on at a time. */
const PARALLEL = 4
const CHECK_MS = 20_000
/** How long others may take to show that they have what a pinner did not serve. */
const LOOK_MS = 5_000
/** What is read for a check goes here, and goes when that is over. */
const CHECK_FOLDER = 'check-'

/** What was measured in an epoch and fits one reveal, until it is revealed. */
interface EpochReports {
  reports: Report[]
  salt: Buffer
  committed: boolean
}

/**
 * Reads from pinners as any reader would, with a key used once, and reports what it measured: first a commitment,
 * then, when nobody can change theirs any more, the reports.
 */
export class Verifier extends Resource implements Participant {
  readonly #options: VerifierOptions
  readonly #blocks: number
  readonly #epochs = new Map<number, EpochReports[]>()
  readonly #measuring = new Set<number>()
  #member!: Member
  #registration: Registration
  #round = 0

  constructor(options: VerifierOptions) {
    super()
    this.#options = options
    this.#registration = options.registration
    this.#blocks = options.blocks ?? 8
  }

  protected async start(): Promise<void> {
    this.#member = await this.acquire('member', new Member(this.#options))
    await this.#forgetChecks()
  }

  /** What it was reading when it was killed is asked for again, or not at all. */
  async #forgetChecks(): Promise<void> {
    const { dir } = this.#options
    const left = (await readdir(dir)).filter((name) => name.startsWith(CHECK_FOLDER))
    for (const name of left) await rm(join(dir, name), { recursive: true, force: true })
  }

  get publicKey(): Buffer {
    return this.#member.keyPair.publicKey
  }

  get chain(): ChainClient {
    return this.#member.chain
  }

  /** It keeps none. */
  get hypercores(): number {
    return 0
  }

  get trouble(): string | null {
    return null
  }

  async join(): Promise<void> {
    await this.#member.register('verifier', this.#registration)
    this.#member.follow(['tick'], () => this.#work())
  }

  change({ registration }: RoleChange): void {
    this.#registration = registration
    this.#member.run('register', () => this.#member.register('verifier', registration))
  }

  async #work(): Promise<void> {
    const { chain, signal } = this.#member
    const open = await chain.checkEpochs({ signal })
    this.#round = (await chain.info({ signal })).chain.round
    for (const epoch of this.#epochs.keys()) {
      if (!open.some((other) => other.epoch === epoch)) this.#epochs.delete(epoch)
    }
    for (const { epoch, closeRound, settleRound } of open) {
      const known = this.#epochs.get(epoch)
      if (!known && this.#round < closeRound && !this.#measuring.has(epoch)) {
        this.#measuring.add(epoch)
        this.#member.run(`epoch ${epoch}`, () =>
          this.#measure(epoch, closeRound).finally(() => this.#measuring.delete(epoch))
        )
      }
      if (this.#round < closeRound || this.#round >= settleRound) continue
      for (const part of known ?? []) if (part.committed) await this.#reveal(epoch, part)
    }
  }

  /** Measures all checks of an epoch that this verifier was drawn for, and commits to the reports. */
  async #measure(epoch: number, closeRound: number): Promise<void> {
    const { chain, log, options, signal } = this.#member
    const checks = await chain.checks(epoch, CHECKS_PER_EPOCH, { signal })
    if (checks.length === 0) return
    const reports: Report[] = []
    const queue = [...checks]
    const work = async (): Promise<void> => {
      for (let check = queue.shift(); check; check = queue.shift()) {
        if (this.#round >= closeRound) return
        reports.push(await this.#check(check))
      }
    }
    await Promise.all(Array.from({ length: PARALLEL }, work))
    signal.throwIfAborted()
    reports.sort((a, b) => a.copy - b.copy)
    const parts: EpochReports[] = []
    this.#epochs.set(epoch, parts)
    try {
      while (reports.length > 0) {
        const part = {
          reports: reports.splice(0, REPORTS_MAX),
          salt: options.randomBytes(32),
          committed: false
        }
        parts.push(part)
        await chain.commitReport(epoch, part.reports, part.salt)
        part.committed = true
      }
    } catch (error) {
      log('verifier.late', { epoch, error: error as Error })
    }
  }

  async #check({ copy, hypercore, pinner, length }: CheckView): Promise<Report> {
    const { log, options, signal } = this.#member
    const { clock, dir, network, randomBytes } = options
    const indices = new Set<number>()
    const wanted = Math.min(this.#blocks, length)
    while (indices.size < wanted) indices.add(Number(uniform(randomBytes(32), BigInt(length))))
    const measured = await measureRetrieval({
      network,
      dir: join(dir, CHECK_FOLDER + randomBytes(8).toString('hex')),
      seed: randomBytes(32),
      key: hypercore,
      pinner,
      length,
      indices: [...indices],
      timeoutMs: CHECK_MS,
      clock,
      signal
    })
    log('verifier.measured', { copy, key: hypercore, pinner, ...measured })
    const { firstByteUs, bytesPerSecond, blocks, bytes } = measured
    const unserved = measured.misses > 0 ? await this.#unserved(hypercore, length, indices) : 0
    const misses = Math.max(0, measured.misses - unserved)
    return { copy, firstByteUs, bytesPerSecond, misses, blocks, bytes }
  }

  /** How many of some blocks nobody has, as far as can be seen: that is no pinner's fault, and what one has lost its storage proofs show. */
  async #unserved(key: Uint8Array, length: number, indices: ReadonlySet<number>): Promise<number> {
    const { chain, options, signal } = this.#member
    const { clock, dir, network, randomBytes } = options
    const view = await chain.hypercore(key, { signal })
    const folder = join(dir, CHECK_FOLDER + randomBytes(8).toString('hex'))
    const reader = new SwarmReader({ network, dir: folder, seed: randomBytes(32) })
    try {
      const core = await reader.open(key, view ? [view.plan.topic] : [])
      await knownLength(core, length, { clock, timeoutMs: CHECK_MS, signal })
      const holes = await findHoles(core, 0, length, { clock, waitMs: LOOK_MS, signal })
      return [...indices].filter((index) => isIn(holes, index)).length
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof SwarmError)) throw error
      return 0
    } finally {
      await reader.discard()
    }
  }

  async #reveal(epoch: number, part: EpochReports): Promise<void> {
    const { chain, log } = this.#member
    try {
      await chain.revealReport(epoch, part.reports, part.salt)
    } catch (error) {
      log('verifier.reveal-failed', { epoch, error: error as Error })
      if (hasCode(error, 'RPC_TIMEOUT', 'RPC_CLOSED')) return
    }
    part.committed = false
  }
}
