import { ChainError } from '../../errors.js'
import type { Logger } from '../../log.js'
import { verifyClaim, type EvidenceClaim } from '../../protocol/claim.js'
import type { EvidenceIntake, EvidenceUpload } from '../../client/evidence-intake.js'
import type { VerifyAnswers } from '../../evidence/tasks.js'
import type { EvidenceStore } from './store.js'
import type { LedgerApi } from '../../ledger/types.js'
import type { Parameters } from '../../protocol/parameters.js'
import { DETAIL_BYTES_MAX, type Outcome, type WalkDetail } from '../../protocol/operations.js'
import { judgeEvidence, nothingKept, type Verdict } from '../../evidence/verdict.js'
import type { ChallengeView } from '../../protocol/views.js'
import { EVIDENCE_PREFIX_BYTES, maxEvidenceBytes } from '../../evidence/format.js'
import type { WalkChallenge } from '../../evidence/walk.js'

/** What a pinner says of the evidence that it is about to send. */
export interface AnnouncedEvidence extends EvidenceClaim {
  bytes: number
  /** `signClaim`. */
  signature: Uint8Array
}

/** Answers that one call of a worker checks, and the bytes at which a call ends early. */
export const TASKS_PER_CALL = 32
const BYTES_PER_CALL = 16 << 20
/** Calls at a time: enough that no thread waits for the next message. */
export const CALLS = 8
/** Verdicts in one settle. */
const SETTLE_MAX = 512
/** Bytes of walks in one settle, and what a step takes of them at the most: state, leaf, index. */
const SETTLE_BYTES = DETAIL_BYTES_MAX / 2
const STEP_BYTES = 32 + 32 + 9
/** Overdue challenges looked at in one tick. */
const OVERDUE_MAX = 1024

/** Challenges that are remembered as not checked for a reason of ours. */
const TROUBLED_MAX = 100_000

const NO_HASH = Buffer.alloc(32)

/** An evidence on its way: being received, then checked, stored and settled. */
interface Case {
  view: ChallengeView
  challenge: WalkChallenge
  /** Hash of the evidence that the pinner signed for, and its signature. */
  claimed: Uint8Array
  signature: Uint8Array
  upload: EvidenceUpload
  uploadId: number
  /** The connection that sends it. */
  owner: object
  complete: boolean
}

interface Settled {
  challenge: number
  outcome: Outcome
  walk: WalkDetail
  /** Given up once the settle is on the log. */
  open?: Case
}

export interface AnswerPorts {
  ledger: LedgerApi
  intake: EvidenceIntake
  store: EvidenceStore
  verify: VerifyAnswers
  /** Chain time now, in ms. */
  clock: () => number
  /** Wall clock, in ms; evidence is kept by it. */
  now: () => number
  log: Logger
  /** Is told when the log has grown, and to what length. */
  onCommit: (length: number) => void
  /** Beacon round and rules when this process began. */
  began: { round: number; parameters: Parameters }
}

/** Takes the evidence of answered challenges, has it checked, keeps it, and settles the challenges. */
export class Answers {
  readonly #ports: AnswerPorts
  readonly #cases = new Map<number, Case>()
  readonly #uploads = new Map<number, Case>()
  readonly #working = new Set<Promise<void>>()
  /** Challenges that could not be checked for a reason of ours. */
  readonly #troubled = new Set<number>()
  #nextUpload = 1
  #toCheck: Case[] = []
  #toSettle: Settled[] = []
  #calls = 0
  /** Challenges with a verdict that waits for the ledger, or is being logged. */
  readonly #deciding = new Set<number>()
  #settling: Promise<void> | null = null
  #closed = false
  /** Beacon round in which this process began: it lost what was sent to the one before. */
  readonly #startRound: number
  /** Until then, in chain time, what was asked for in that round or before may be sent again. */
  readonly #againBy: number

  constructor(ports: AnswerPorts) {
    this.#ports = ports
    const { began, clock } = ports
    this.#startRound = began.round
    // Half of what the rules give for the verdict; the other half is left to check it.
    this.#againBy = clock() + Math.floor(began.parameters.settleGraceMs / 2)
  }

  /**
   * Makes room for the evidence of a challenge, in place of an upload of it that is not complete.
   *
   * @param owner whose `forget` gives up what is not complete
   * @throws ChainError `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_TOO_LARGE`, `EVIDENCE_SIGNATURE`, `CHAIN_BUSY`
   */
  async begin(pinner: Uint8Array, owner: object, announced: AnnouncedEvidence): Promise<number> {
    const { ledger, intake, clock } = this.#ports
    const { challenge, bytes, hash: claimed, signature } = announced
    const arrived = clock()
    const view = await ledger.challenge(challenge)
    if (this.#closed || !view || view.state !== 'answered' || !view.pinner.equals(pinner))
      throw notAsked(challenge)
    const before = this.#cases.get(challenge)
    if (before?.complete) throw notAsked(challenge)
    if (arrived > this.#latest(view)) throw late(challenge)
    const { seed, steps, segments } = view
    const walk = { seed, steps, segments }
    const most = maxEvidenceBytes(walk)
    if (bytes <= EVIDENCE_PREFIX_BYTES || bytes > most) {
      throw new ChainError(
        'EVIDENCE_TOO_LARGE',
        `Evidence of this challenge has up to ${most} bytes, not ${bytes}`
      )
    }
    if (!verifyClaim(ledger.chainId, pinner, announced, signature)) {
      throw new ChainError(
        'EVIDENCE_SIGNATURE',
        `The pinner has not signed for this evidence of challenge ${challenge}`
      )
    }
    if (before) this.#drop(before)
    const upload = intake.begin(bytes)
    const id = this.#nextUpload++
    const opened = { view, challenge: walk, claimed, signature, upload, uploadId: id, owner, complete: false }
    this.#cases.set(challenge, opened)
    this.#uploads.set(id, opened)
    return id
  }

  /**
   * Takes the next piece of an upload; the last one hands it on to be checked.
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
    const inTime = this.#ports.clock() <= this.#latest(open.view)
    if (!inTime) {
      this.#drop(open)
      throw late(open.view.id)
    }
    await open.upload.write(offset, bytes)
    if (open.upload.complete && !open.complete && this.#uploads.delete(upload)) {
      open.complete = true
      this.#toCheck.push(open)
      this.#check()
    }
    return open.upload.received
  }

  /** Gives up the incomplete uploads of a connection that is gone. */
  forget(owner: object): void {
    for (const open of this.#uploads.values()) if (open.owner === owner) this.#drop(open)
  }

  /** Settles as failed what was answered but not proven in time. To be called after every tick. */
  async overdue(): Promise<void> {
    const { ledger, clock } = this.#ports
    const time = clock()
    const after = time <= this.#againBy ? this.#startRound : -1
    for (const challenge of await ledger.overdue(time, OVERDUE_MAX, after)) {
      const open = this.#cases.get(challenge)
      if (open?.complete || this.#deciding.has(challenge) || this.#troubled.has(challenge)) continue
      if (open) this.#drop(open)
      this.#settle({ challenge, outcome: 'failure', walk: nothingKept })
    }
  }

  /** The latest chain time for evidence: after a restart of the chain a pinner may have to send it once more. */
  #latest({ evidenceBy, round }: ChallengeView): number {
    return round <= this.#startRound ? Math.max(evidenceBy, this.#againBy) : evidenceBy
  }

  /** Whether all evidence of a challenge is here, being checked or settled. */
  isTaken(challenge: number): boolean {
    return this.#cases.get(challenge)?.complete ?? false
  }

  /** Waits for checks that are running, and settles them. */
  async close(): Promise<void> {
    this.#closed = true
    for (const open of this.#uploads.values()) this.#drop(open)
    while (this.#working.size > 0) await Promise.all(this.#working)
    while (this.#settling) await this.#settling
  }

  #check(): void {
    while (this.#calls < CALLS && this.#toCheck.length > 0) {
      const batch: Case[] = []
      for (let bytes = 0; batch.length < TASKS_PER_CALL && bytes < BYTES_PER_CALL;) {
        const next = this.#toCheck.shift()
        if (!next) break
        bytes += next.upload.byteLength
        batch.push(next)
      }
      this.#calls++
      const working = this.#checkBatch(batch).finally(() => {
        this.#working.delete(working)
        this.#calls--
        this.#check()
      })
      this.#working.add(working)
    }
  }

  async #checkBatch(batch: Case[]): Promise<void> {
    try {
      const tasks = await Promise.all(
        batch.map(async ({ challenge, view, upload }) => ({
          challenge,
          lastState: view.answer ?? NO_HASH,
          evidence: await upload.bytes()
        }))
      )
      const verdicts = await this.#ports.verify(tasks)
      await Promise.all(
        batch.map((open, i) =>
          this.#conclude(open, verdicts[i] as Verdict).catch((error: unknown) => this.#trouble(open, error))
        )
      )
    } catch (error) {
      for (const open of batch) this.#trouble(open, error)
    }
  }

  /** Our own trouble: the challenge stays as it is until its deadline, and counts as unknown then. */
  #trouble(open: Case, error: unknown): void {
    this.#ports.log('chain.verify-failed', { challenge: open.view.id, error: error as Error })
    this.#troubled.add(open.view.id)
    if (this.#troubled.size > TROUBLED_MAX) {
      const [oldest] = this.#troubled
      this.#troubled.delete(oldest as number)
    }
    this.#drop(open)
  }

  /** Keeps the evidence, then settles: a settle never names evidence that is not public. */
  async #conclude(open: Case, verdict: Verdict): Promise<void> {
    const { view, upload, claimed, signature } = open
    const { store, now, log } = this.#ports
    const { id } = view
    const { outcome, fault, walk } = judgeEvidence(verdict, claimed)
    if (fault) log('chain.answer-refused', { challenge: id, ...fault })
    const { evidence: hash } = walk
    const kept = store.find({ kind: 'answer', id })
    if (!hash.equals(NO_HASH) && !kept?.hash.equals(hash)) {
      // Kept before a crash that came before the settle, and sent again differently.
      if (kept) await store.remove({ kind: 'answer', id })
      await store.add({ kind: 'answer', id, hash, signature, at: now() }, upload.parts())
    }
    this.#settle({ challenge: id, outcome, walk, open })
  }

  #settle(settled: Settled): void {
    this.#toSettle.push(settled)
    this.#deciding.add(settled.challenge)
    this.#settling ??= this.#flush()
  }

  /** Logs what is decided, one operation after the other. */
  async #flush(): Promise<void> {
    // One turn of the event loop: what is decided in it goes into one operation.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#toSettle.length > 0) {
      const items = this.#nextSettled()
      try {
        const receipt = await this.#ports.ledger.settle(
          items.map(({ challenge, outcome, walk }) => ({ challenge, outcome, walk }))
        )
        if (receipt) this.#ports.onCommit(receipt.seq + 1)
      } catch (error) {
        this.#ports.log('chain.settle-failed', { error: error as Error, challenges: items.length })
      }
      for (const { challenge, open } of items) {
        this.#deciding.delete(challenge)
        if (open) this.#drop(open)
      }
    }
    this.#settling = null
  }

  /** As many verdicts as one operation can hold. */
  #nextSettled(): Settled[] {
    let bytes = 0
    let end = 0
    for (const { walk } of this.#toSettle) {
      bytes += walk.states.length * STEP_BYTES
      if (end > 0 && (end >= SETTLE_MAX || bytes > SETTLE_BYTES)) break
      end++
    }
    return this.#toSettle.splice(0, end)
  }

  #drop(open: Case): void {
    if (this.#cases.get(open.view.id) === open) this.#cases.delete(open.view.id)
    this.#uploads.delete(open.uploadId)
    void open.upload.discard().catch((error: unknown) => {
      this.#ports.log('chain.evidence-discard-failed', { error: error as Error })
    })
  }
}

function notAsked(challenge: number): ChainError {
  return new ChainError(
    'EVIDENCE_NOT_ASKED',
    `No evidence of challenge ${challenge} is expected from this key`
  )
}

function late(challenge: number): ChainError {
  return new ChainError('EVIDENCE_LATE', `The time for evidence of challenge ${challenge} is over`)
}
