import type { KeyPair } from '../../crypto/keys.js'
import { equal } from '../../bytes.js'
import type { OpeningVerdict } from '../../evidence/opening-judge.js'
import { MAX_OPENING_BYTES, openingHash } from '../../evidence/opening.js'
import type { JudgeOpening } from '../../evidence/tasks.js'
import type { OpeningItem } from '../../ledger/types.js'
import { signEvidenceReceipt, type EvidenceReceipt } from '../../protocol/receipt.js'
import type { OpeningView } from '../../protocol/views.js'
import type { AnnouncedEvidence, EvidencePorts } from './answers.js'
import { EvidenceInbox, type Case, type Sender } from './inbox.js'

export interface OpeningPorts extends EvidencePorts {
  judge: JudgeOpening
  /** The chain's, for receipts. */
  keyPair: KeyPair
}

/** Openings that are judged at a time; each is up to one whole chunk. */
const CALLS = 2
/** Verdicts in one settle, and overdue openings looked at in one tick. */
const SETTLE_MAX = 512
/** Openings that are remembered as not judged for a reason of ours. */
const TROUBLED_MAX = 10_000

/** Takes openings, has them judged, keeps them, and says on the log what came of them. */
export class Openings {
  readonly #ports: OpeningPorts
  readonly #inbox: EvidenceInbox<OpeningView>
  /** What waits for the next tick to be logged, by challenge. */
  readonly #decided = new Map<number, OpeningItem>()
  /** Openings that were due by then were asked for before this process began, which lost what was sent to the one before. */
  readonly #askedBefore: number
  /** Until then, in chain time, such openings may be sent again. */
  readonly #againBy: number

  constructor(ports: OpeningPorts) {
    this.#ports = ports
    const { began, intake, log, time, troubled: kept } = ports
    const { openingMs, settleGraceMs } = began.parameters
    this.#askedBefore = time() + openingMs
    // Half of what the rules give for the verdict; the other half is left to judge it.
    this.#againBy = time() + Math.floor(settleGraceMs / 2)
    this.#inbox = new EvidenceInbox({
      intake,
      log,
      time,
      kept,
      nameOf: (challenge) => `an opening after challenge ${challenge}`,
      latest: ({ openBy }) => (openBy === null ? Infinity : this.#latest(openBy)),
      work: ([open]) => this.#judge(open as Case<OpeningView>),
      calls: CALLS,
      casesPerCall: 1,
      bytesPerCall: MAX_OPENING_BYTES,
      troubled: TROUBLED_MAX
    })
  }

  /**
   * Makes room for an opening, in place of an upload of it that is not complete.
   *
   * @throws ChainError `EVIDENCE_NOT_ASKED`, `EVIDENCE_LATE`, `EVIDENCE_TOO_LARGE`, `CHAIN_BUSY`
   */
  async begin(sender: Sender, { challenge: id, bytes }: AnnouncedEvidence): Promise<number> {
    const { ledger, time } = this.#ports
    const arrived = time()
    const view = await ledger.opening(id)
    if (!view || !equal(view.pinner, sender.key) || this.#decided.has(id)) throw this.#inbox.notAsked(id)
    const opening = { id, view, arrived, bytes, least: 1, most: MAX_OPENING_BYTES }
    this.#inbox.admit(opening)
    return this.#inbox.begin(opening, sender)
  }

  /** Takes the next piece of an upload, as `EvidenceInbox.piece` does. Who has sent all of it gets the chain's word for it. */
  async piece(
    connection: object,
    upload: number,
    offset: number,
    bytes: Uint8Array
  ): Promise<{ received: number; receipt: EvidenceReceipt | null }> {
    const { ledger, keyPair, time } = this.#ports
    const open = await this.#inbox.piece(connection, upload, offset, bytes)
    const { received } = open.upload
    if (!open.complete) return { received, receipt: null }
    const said = { challenge: open.id, evidence: openingHash(await allOf(open)), at: time() }
    return { received, receipt: signEvidenceReceipt(ledger.chainId, keyPair, said, 'opening') }
  }

  /** Gives up the incomplete uploads of a connection that is gone. */
  forget(connection: object): void {
    this.#inbox.forget(connection)
  }

  /** Logs what was decided since the last tick, and which openings did not come in time. To be called after every tick. */
  async settle(): Promise<void> {
    const { ledger, onCommit, time } = this.#ports
    const now = time()
    const inbox = this.#inbox
    for (const { challenge, openBy } of await ledger.overdueOpenings(now, SETTLE_MAX)) {
      if (now <= this.#latest(openBy) || inbox.isTaken(challenge) || inbox.isTroubled(challenge)) continue
      if (this.#decided.has(challenge)) continue
      inbox.giveUp(challenge)
      this.#decided.set(challenge, { challenge, outcome: 'failure', evidence: null })
    }
    const items = [...this.#decided.values()].slice(0, SETTLE_MAX)
    if (items.length === 0) return
    try {
      const receipt = await ledger.settleOpenings(items, { now })
      if (receipt) onCommit(receipt.seq + 1)
    } finally {
      for (const { challenge } of items) this.#decided.delete(challenge)
    }
  }

  /** Waits for what is being judged, and logs it. */
  async close(): Promise<void> {
    await this.#inbox.close()
    while (this.#decided.size > 0) await this.settle()
  }

  /** The latest chain time for an opening: after a restart of the chain a pinner may have to send it once more. */
  #latest(openBy: number): number {
    return openBy <= this.#askedBefore ? Math.max(openBy, this.#againBy) : openBy
  }

  /** Keeps an opening, then has it logged: a verdict never rests on what is not public. */
  async #judge(open: Case<OpeningView>): Promise<void> {
    const { judge, store, time, log } = this.#ports
    const { id, view, upload } = open
    const { segment, index } = view
    const { outcome, hash, fault }: OpeningVerdict = await judge({
      asked: { segment, index },
      evidence: await upload.bytes()
    })
    if (fault) log('chain.opening-refused', { challenge: id, ...fault })
    // Not what was asked for: that may still come.
    if (outcome) {
      const subject = { kind: 'opening', id } as const
      if (!store.find(subject)) await store.add({ ...subject, hash, at: time() }, upload.parts())
      this.#decided.set(id, { challenge: id, outcome, evidence: hash })
    }
    this.#inbox.drop(open)
  }
}

async function allOf({ upload }: Case<OpeningView>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of upload.parts()) parts.push(part)
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
