import { equal } from '../../bytes.js'
import type { Clock } from '../../clock.js'
import type { Engine } from '../../engine/engine.js'
import { StorageError } from '../../errors.js'
import { encodeOpening, openingHash } from '../../evidence/opening.js'
import { evidenceOf } from '../../client/upload.js'
import type { AskedChunk, OpeningView } from '../../protocol/views.js'
import type { PinnerStore } from '../../storage/pinner-store.js'
import type { Member } from '../member.js'
import type { Tasks } from '../../../workers/tasks.js'
import { HeldCopy } from './held-copy.js'

/** Openings that are asked for at a time. */
const OPENINGS_AT_A_TIME = 16
/** What is asked for so long after it was sent is sent again: the chain may have lost it. */
const AGAIN_MS = 60_000

export interface OpeningsOptions {
  member: Member
  store: PinnerStore
  engine: Engine<Tasks>
  clock: Clock
}

/** Shows whole chunks, as draws after this pinner's answers ask for them. */
export class OwnOpenings {
  readonly #options: OpeningsOptions
  /** By challenge. */
  readonly #sending = new Set<number>()
  /** When. */
  readonly #sent = new Map<number, number>()

  constructor(options: OpeningsOptions) {
    this.#options = options
  }

  /** Hands over what is asked for. */
  async work(): Promise<void> {
    const { member, clock } = this.#options
    const { chain, signal } = member
    const asked = await chain.openings(OPENINGS_AT_A_TIME, { signal })
    const ids = new Set(asked.map(({ challenge }) => challenge))
    for (const challenge of this.#sent.keys()) if (!ids.has(challenge)) this.#sent.delete(challenge)
    for (const opening of asked) {
      const { challenge } = opening
      const sinceMs = clock.now() - (this.#sent.get(challenge) ?? -Infinity)
      if (this.#sending.has(challenge) || sinceMs < AGAIN_MS) continue
      this.#sending.add(challenge)
      member.run(`opening ${challenge}`, () =>
        this.#handOver(opening).finally(() => this.#sending.delete(challenge))
      )
    }
  }

  async #handOver({ challenge, hypercore, ...asked }: OpeningView): Promise<void> {
    const { chain, log, signal } = this.#options.member
    try {
      const bytes = await this.#open(hypercore, asked)
      const evidence = evidenceOf(bytes, openingHash(bytes))
      await chain.sendOpening(challenge, evidence, { signal, timeoutMs: 120_000 })
      this.#sent.set(challenge, this.#options.clock.now())
    } catch (error) {
      signal.throwIfAborted()
      // It goes on being asked for: what was only a lost connection comes the next time.
      log('pinner.opening-failed', { challenge, error: error as Error })
    }
  }

  /**
   * The opening of a chunk, checked as the chain will: what the disk has damaged would be a lie, and is not sent.
   *
   * @throws StorageError STORAGE_BLOCK_LOST, STORAGE_NOT_HELD
   */
  async #open(key: Uint8Array, { segment, index }: AskedChunk): Promise<Uint8Array> {
    const { store, engine } = this.#options
    const copy = new HeldCopy(store, key, { segments: [segment] })
    let proof: Uint8Array
    try {
      proof = await copy.proof(0, index)
    } finally {
      await copy.close()
    }
    const chunk = await store.getEncoded(key, index, segment.id)
    if (!chunk) throw lost(index, 'it is gone')
    const { level, leaf, original } = await store.provenNode(key, index)
    const stored = store.segments(key).find(({ segment: { id } }) => equal(id, segment.id))
    if (!stored) throw lost(index, 'its segment is not held')
    const { length } = stored
    const shown = { size: leaf.size, hash: Buffer.from(leaf.hash) }
    const bytes = encodeOpening({ length, proof, level, leaf: shown, original, chunk })
    const asked = { segment, index }
    const { outcome, fault } = await engine.call('judge-opening', { asked, evidence: { memory: bytes } })
    if (outcome !== 'success') throw lost(index, `${fault?.message} [${fault?.code}]`)
    return bytes
  }
}

function lost(index: number, why: string): StorageError {
  return new StorageError('STORAGE_BLOCK_LOST', `chunk ${index} cannot be shown: ${why}`)
}
