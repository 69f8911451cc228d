import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWholeFile } from '../../whole-file.js'
import { refusalHash } from '../../evidence/refusal-format.js'
import { hasCode, type Member } from '../member.js'

/** Pieces in which evidence is read from memory for its upload. */
const PART_BYTES = 256 << 10

/**
 * A pinner's refusals with evidence: each is on the disk before the chain is told, so that it can still be handed over
 * after a restart, and goes once the chain no longer waits for it.
 */
export class OwnRefusals {
  readonly #member: Member
  readonly #folder: string
  /** Draws that are being refused now; the chain may not know of them yet. */
  readonly #refusing = new Set<number>()
  readonly #sending = new Set<number>()

  constructor(member: Member, folder: string) {
    this.#member = member
    this.#folder = folder
  }

  /** Refuses a draw, and hands over why. Nothing is left of it if the draw is not open any more. */
  async refuse(draw: number, evidence: Uint8Array): Promise<void> {
    const { chain } = this.#member
    this.#refusing.add(draw)
    try {
      await mkdir(this.#folder, { recursive: true })
      // On disk before its hash is said: who refuses and cannot show why is rated for it.
      await writeWholeFile(this.#file(draw), evidence)
      await chain.refuse(draw, 'mismatch', refusalHash(evidence)).catch((error: unknown) => {
        if (!hasCode(error, 'DRAW_NOT_OPEN')) throw error
      })
    } finally {
      this.#refusing.delete(draw)
    }
    this.#member.wake()
  }

  /** Hands over what the chain waits for, and forgets what it does not. */
  async work(): Promise<void> {
    const kept = await this.#kept()
    if (kept.length === 0) return
    const { chain, signal } = this.#member
    const due = new Set(await chain.refusalsDue({ signal }))
    for (const draw of kept) {
      if (this.#refusing.has(draw) || this.#sending.has(draw)) continue
      if (!due.has(draw)) await rm(this.#file(draw), { force: true })
      else {
        this.#sending.add(draw)
        this.#member.run(`refusal ${draw}`, () => this.#send(draw).finally(() => this.#sending.delete(draw)))
      }
    }
  }

  async #send(draw: number): Promise<void> {
    const { chain, log, signal } = this.#member
    const evidence = await readFile(this.#file(draw))
    const parts = function* (): Generator<Uint8Array> {
      for (let at = 0; at < evidence.byteLength; at += PART_BYTES)
        yield evidence.subarray(at, at + PART_BYTES)
    }
    try {
      const source = { byteLength: evidence.byteLength, parts }
      await chain.sendRefusalEvidence(draw, source, { signal, timeoutMs: 120_000 })
      log('pinner.refusal-sent', { draw, bytes: evidence.byteLength })
    } catch (error) {
      signal.throwIfAborted()
      // Taken already, or too late; if it is not, the chain goes on asking for it.
      log('pinner.refusal-failed', { draw, error: error as Error })
    }
  }

  /** Draws whose evidence is on the disk. */
  async #kept(): Promise<number[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    return names.map(Number).filter(Number.isSafeInteger)
  }

  #file(draw: number): string {
    return join(this.#folder, String(draw))
  }
}
