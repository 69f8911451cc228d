import { ChainError } from '../../errors.js'
import { MAX_REFUSAL_EVIDENCE_BYTES } from '../../evidence/refusal-format.js'
import type { RefusalVerdict } from '../../evidence/refusal-judge.js'
import type { JudgeRefusal } from '../../evidence/tasks.js'
import { refusalEvidenceMs } from '../../ledger/rules/schedule.js'
import type { RefusalView } from '../../protocol/views.js'
import type { EvidencePorts } from './answers.js'
import { EvidenceInbox, type Case, type Sender } from './inbox.js'

export interface RefusalPorts extends EvidencePorts {
  judge: JudgeRefusal
}

/** Evidence that is judged at a time; each is up to one whole chunk. */
const CALLS = 2
/** Overdue refusals looked at in one tick. */
const OVERDUE_MAX = 256
/** Refusals that are remembered as not judged for a reason of ours. */
const TROUBLED_MAX = 10_000

/** What is told of a refusal, and logged. */
type Said = Pick<RefusalVerdict, 'upheld' | 'code' | 'message'>

/** Takes the evidence of refusals, has it judged, keeps it, and says on the log who pays. */
export class Refusals {
  readonly #ports: RefusalPorts
  readonly #inbox: EvidenceInbox<RefusalView>
  /** Evidence that was due by then was asked for before this process began, which lost what was sent to the one before. */
  readonly #askedBefore: number
  /** Until then, in chain time, such evidence may be sent again. */
  readonly #againBy: number

  constructor(ports: RefusalPorts) {
    this.#ports = ports
    const { began, intake, log, time, troubled: kept } = ports
    const rules = began.parameters
    this.#askedBefore = time() + refusalEvidenceMs(rules)
    // Half of what the rules give for the verdict; the other half is left to judge it.
    this.#againBy = time() + Math.floor(rules.settleGraceMs / 2)
    this.#inbox = new EvidenceInbox({
      intake,
      log,
      time,
      kept,
      nameOf: (draw) => `a refusal of draw ${draw}`,
      latest: (refusal) => this.#latest(refusal),
      work: ([open]) => this.#judge(open as Case<RefusalView>),
      calls: CALLS,
      casesPerCall: 1,
      bytesPerCall: MAX_REFUSAL_EVIDENCE_BYTES,
      troubled: TROUBLED_MAX
    })
  }

  /** Draws that this pinner refused and whose evidence is not here yet, oldest first. */
  async due(pinner: Uint8Array, limit: number): Promise<number[]> {
    const refusals = await this.#ports.ledger.refusalsOf(pinner, limit)
    return refusals.map(({ draw }) => draw).filter((draw) => !this.#inbox.isTaken(draw))
  }

  /**
   * Makes room for the evidence of a refusal, in place of an upload of it that is not complete.
   *
   * @throws ChainError `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_TOO_LARGE`, `CHAIN_BUSY`
   */
  async begin(sender: Sender, { draw, bytes }: { draw: number; bytes: number }): Promise<number> {
    const { ledger, time } = this.#ports
    const arrived = time()
    const view = await ledger.refusal(draw)
    if (!view || Buffer.compare(view.pinner, sender.key) !== 0) throw this.#inbox.notAsked(draw)
    const evidence = { id: draw, view, arrived, bytes, least: 1, most: MAX_REFUSAL_EVIDENCE_BYTES }
    this.#inbox.admit(evidence)
    return this.#inbox.begin(evidence, sender)
  }

  /** Takes the next piece of an upload, as `EvidenceInbox.piece` does. */
  async piece(connection: object, upload: number, offset: number, bytes: Uint8Array): Promise<number> {
    return (await this.#inbox.piece(connection, upload, offset, bytes)).upload.received
  }

  /** Gives up the incomplete uploads of a connection that is gone. */
  forget(connection: object): void {
    this.#inbox.forget(connection)
  }

  /** Refusals whose evidence did not come in time are not upheld. To be called after every tick. */
  async overdue(): Promise<void> {
    const { ledger, time } = this.#ports
    const now = time()
    for (const refusal of await ledger.overdueRefusals(now, OVERDUE_MAX)) {
      const { draw } = refusal
      if (now <= this.#latest(refusal) || this.#inbox.isTaken(draw) || this.#inbox.isTroubled(draw)) continue
      this.#inbox.giveUp(draw)
      await this.#logVerdict(draw, {
        upheld: false,
        code: 'EVIDENCE_LATE',
        message: 'its evidence did not come in time'
      })
    }
  }

  /** Waits for what is being judged. */
  close(): Promise<void> {
    return this.#inbox.close()
  }

  /** The latest chain time for evidence: after a restart of the chain a pinner may have to send it once more. */
  #latest({ evidenceBy }: RefusalView): number {
    return evidenceBy <= this.#askedBefore ? Math.max(evidenceBy, this.#againBy) : evidenceBy
  }

  /** Keeps the evidence, then says on the log who pays: a verdict never rests on evidence that is not public. */
  async #judge(open: Case<RefusalView>): Promise<void> {
    const { judge, store, time } = this.#ports
    const { id: draw, view: refusal, upload } = open
    const { evidence: hash } = refusal
    const verdict = await judge({ refusal, evidence: await upload.bytes() })
    // Not what was refused with: that one may still come.
    if (!verdict.named) this.#tell(draw, verdict)
    else {
      const subject = { kind: 'refusal', id: draw } as const
      if (!store.find(subject)) {
        await store.add({ ...subject, hash: Buffer.from(hash), at: time() }, upload.parts())
      }
      await this.#logVerdict(draw, verdict)
    }
    this.#inbox.drop(open)
  }

  async #logVerdict(draw: number, verdict: Said): Promise<void> {
    const { ledger, onCommit, time } = this.#ports
    this.#tell(draw, verdict)
    try {
      const { seq } = await ledger.judge(draw, verdict.upheld, { now: time() })
      onCommit(seq + 1)
    } catch (error) {
      // It may have expired meanwhile.
      if (!(error instanceof ChainError) || error.code !== 'REFUSAL_UNKNOWN') throw error
    }
  }

  #tell(draw: number, { upheld, code, message }: Said): void {
    this.#ports.log('chain.refusal-judged', { draw, upheld, code, message })
  }
}
