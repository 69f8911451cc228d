import { ChainError } from '../../errors.js'
import type { AnswerPorts } from './answers.js'
import type { EvidenceUpload } from '../../client/evidence-intake.js'
import type { JudgeRefusal } from '../../evidence/tasks.js'
import { MAX_REFUSAL_EVIDENCE_BYTES } from '../../evidence/refusal-format.js'
import type { RefusalVerdict } from '../../evidence/refusal-judge.js'
import { refusalEvidenceMs } from '../../ledger/rules/schedule.js'
import type { RefusalView } from '../../protocol/views.js'

export interface RefusalPorts extends Omit<AnswerPorts, 'verify'> {
  judge: JudgeRefusal
}

/** Evidence that is judged at a time; each is up to one whole chunk. */
const CALLS = 2
/** Overdue refusals looked at in one tick. */
const OVERDUE_MAX = 256
/** Refusals that are remembered as not judged for a reason of ours. */
const TROUBLED_MAX = 10_000

/** An evidence on its way: being received, then judged, stored and put on the log. */
interface Case {
  refusal: RefusalView
  upload: EvidenceUpload
  uploadId: number
  /** The connection that sends it. */
  owner: object
  complete: boolean
}

/** What is told of a refusal, and logged. */
type Said = Pick<RefusalVerdict, 'upheld' | 'code' | 'message'>

/** Takes the evidence of refusals, has it judged, keeps it, and says on the log who pays. */
export class Refusals {
  readonly #ports: RefusalPorts
  /** By draw. */
  readonly #cases = new Map<number, Case>()
  readonly #uploads = new Map<number, Case>()
  readonly #working = new Set<Promise<void>>()
  /** Draws whose refusal could not be judged for a reason of ours: they expire, and nobody pays. */
  readonly #troubled = new Set<number>()
  readonly #toJudge: Case[] = []
  #nextUpload = 1
  #closed = false
  /** Evidence that was due by then was asked for before this process began, which lost what was sent to the one before. */
  readonly #askedBefore: number
  /** Until then, in chain time, such evidence may be sent again. */
  readonly #againBy: number

  constructor(ports: RefusalPorts) {
    this.#ports = ports
    const { began, clock } = ports
    const rules = began.parameters
    this.#askedBefore = clock() + refusalEvidenceMs(rules)
    // Half of what the rules give for the verdict; the other half is left to judge it.
    this.#againBy = clock() + Math.floor(rules.settleGraceMs / 2)
  }

  /** Draws that this pinner refused and whose evidence is not here yet, oldest first. */
  async due(pinner: Uint8Array, limit: number): Promise<number[]> {
    const refusals = await this.#ports.ledger.refusalsOf(pinner, limit)
    return refusals.filter(({ draw }) => !this.#isTaken(draw)).map(({ draw }) => draw)
  }

  /**
   * Makes room for the evidence of a refusal, in place of an upload of it that is not complete.
   *
   * @param owner whose `forget` gives up what is not complete
   * @throws ChainError `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_TOO_LARGE`, `CHAIN_BUSY`
   */
  async begin(pinner: Uint8Array, owner: object, draw: number, bytes: number): Promise<number> {
    const { ledger, intake, clock } = this.#ports
    const arrived = clock()
    const refusal = await ledger.refusal(draw)
    const own = refusal !== null && Buffer.compare(refusal.pinner, pinner) === 0
    if (this.#closed || !own || this.#isTaken(draw)) throw notAsked(draw)
    if (arrived > this.#latest(refusal)) throw late(draw)
    if (bytes < 1 || bytes > MAX_REFUSAL_EVIDENCE_BYTES) {
      throw new ChainError(
        'EVIDENCE_TOO_LARGE',
        `Evidence of a refusal has up to ${MAX_REFUSAL_EVIDENCE_BYTES} bytes, not ${bytes}`
      )
    }
    const before = this.#cases.get(draw)
    if (before) this.#drop(before)
    const upload = intake.begin(bytes)
    const uploadId = this.#nextUpload++
    const opened = { refusal, upload, uploadId, owner, complete: false }
    this.#cases.set(draw, opened)
    this.#uploads.set(uploadId, opened)
    return uploadId
  }

  /**
   * Takes the next piece of an upload; the last one hands it on to be judged.
   *
   * @throws ChainError `EVIDENCE_UPLOAD` for an upload that is not known (any more), `EVIDENCE_LATE`,
   *   `EVIDENCE_ORDER`, `EVIDENCE_TOO_LARGE`
   */
  async piece(owner: object, upload: number, offset: number, bytes: Uint8Array): Promise<number> {
    const open = this.#uploads.get(upload)
    if (!open || open.owner !== owner) {
      throw new ChainError('EVIDENCE_UPLOAD', 'There is no such upload: begin it again')
    }
    // The time of arrival counts, not that of the disk.
    if (this.#ports.clock() > this.#latest(open.refusal)) {
      this.#drop(open)
      throw late(open.refusal.draw)
    }
    await open.upload.write(offset, bytes)
    if (open.upload.complete && !open.complete && this.#uploads.delete(upload)) {
      open.complete = true
      this.#toJudge.push(open)
      this.#judge()
    }
    return open.upload.received
  }

  /** Gives up the incomplete uploads of a connection that is gone. */
  forget(owner: object): void {
    for (const open of this.#uploads.values()) if (open.owner === owner) this.#drop(open)
  }

  /** Refusals whose evidence did not come in time are not upheld. To be called after every tick. */
  async overdue(): Promise<void> {
    const { ledger, clock } = this.#ports
    const time = clock()
    for (const refusal of await ledger.overdueRefusals(time, OVERDUE_MAX)) {
      const { draw } = refusal
      if (time <= this.#latest(refusal) || this.#isTaken(draw) || this.#troubled.has(draw)) continue
      const open = this.#cases.get(draw)
      if (open) this.#drop(open)
      await this.#log(draw, {
        upheld: false,
        code: 'EVIDENCE_LATE',
        message: 'its evidence did not come in time'
      })
    }
  }

  /** Waits for what is being judged. */
  async close(): Promise<void> {
    this.#closed = true
    for (const open of this.#uploads.values()) this.#drop(open)
    while (this.#working.size > 0) await Promise.all(this.#working)
  }

  /** The latest chain time for evidence: after a restart of the chain a pinner may have to send it once more. */
  #latest({ evidenceBy }: RefusalView): number {
    return evidenceBy <= this.#askedBefore ? Math.max(evidenceBy, this.#againBy) : evidenceBy
  }

  #isTaken(draw: number): boolean {
    return this.#cases.get(draw)?.complete ?? false
  }

  #judge(): void {
    while (this.#working.size < CALLS) {
      const next = this.#toJudge.shift()
      if (!next) return
      const working = this.#judgeOne(next)
        .catch((error: unknown) => this.#trouble(next.refusal.draw, error))
        .finally(() => {
          this.#working.delete(working)
          this.#drop(next)
          this.#judge()
        })
      this.#working.add(working)
    }
  }

  /** Keeps the evidence, then says on the log who pays: a verdict never rests on evidence that is not public. */
  async #judgeOne({ refusal, upload }: Case): Promise<void> {
    const { judge, store, now } = this.#ports
    const { draw, evidence: hash } = refusal
    const verdict = await judge({ refusal, evidence: await upload.bytes() })
    // Not what was refused with: that one may still come.
    if (!verdict.named) return this.#tell(draw, verdict)
    const subject = { kind: 'refusal', id: draw } as const
    if (!store.find(subject))
      await store.add({ ...subject, hash: Buffer.from(hash), at: now() }, upload.parts())
    await this.#log(draw, verdict)
  }

  async #log(draw: number, verdict: Said): Promise<void> {
    const { ledger, onCommit } = this.#ports
    this.#tell(draw, verdict)
    try {
      const { seq } = await ledger.judge(draw, verdict.upheld)
      onCommit(seq + 1)
    } catch (error) {
      // It may have expired meanwhile.
      if (!(error instanceof ChainError) || error.code !== 'REFUSAL_UNKNOWN') throw error
    }
  }

  #tell(draw: number, { upheld, code, message }: Said): void {
    this.#ports.log('chain.refusal-judged', { draw, upheld, code, message })
  }

  #trouble(draw: number, error: unknown): void {
    this.#ports.log('chain.judge-failed', { draw, error: error as Error })
    this.#troubled.add(draw)
    if (this.#troubled.size > TROUBLED_MAX) {
      const [oldest] = this.#troubled
      this.#troubled.delete(oldest as number)
    }
  }

  #drop(open: Case): void {
    const { draw } = open.refusal
    if (this.#cases.get(draw) === open) this.#cases.delete(draw)
    this.#uploads.delete(open.uploadId)
    void open.upload.discard().catch((error: unknown) => {
      this.#ports.log('chain.evidence-discard-failed', { error: error as Error })
    })
  }
}

function notAsked(draw: number): ChainError {
  return new ChainError(
    'EVIDENCE_NOT_ASKED',
    `No evidence of a refusal of draw ${draw} is expected from this key`
  )
}

function late(draw: number): ChainError {
  return new ChainError('EVIDENCE_LATE', `The time for evidence of the refusal of draw ${draw} is over`)
}
