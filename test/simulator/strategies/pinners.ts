import { equal } from '../../../src/bytes.js'
import { hash } from '../../../src/crypto/hash.js'
import { decodeChunk } from '../../../src/chunk/codecs.js'
import { judgeOpening } from '../../../src/evidence/opening-judge.js'
import type { Effect } from '../../../src/protocol/effects.js'
import type { AskView, AssignmentView, ChallengeView, OpeningView } from '../../../src/protocol/views.js'
import { pause } from '../../../src/wait.js'
import { opened } from '../../chain/openings.js'
import { answered } from '../answering.js'
import type { Party, Reader, Served } from '../party.js'
import { Pinner } from './pinner.js'

/** Drops a share of the chunks and is silent where a challenge asks for one. Spares that share of the disk. */
export class Dropping extends Pinner {
  override readonly dropped: number

  constructor(share: number) {
    super()
    this.dropped = share
  }

  /** Every so many-th: what is dropped by chance may be nothing of a small copy. */
  override keeps(copy: number, index: number): boolean {
    return (copy + index) % Math.round(1 / this.dropped) !== 0
  }

  override async cannot(): Promise<void> {}
}

/** How long an announced evidence is held back. */
const HELD_MS = 3_600_000

/** How long a block takes to come from another pinner of the same region. */
const FETCH_MS = 60

/** Keeps headers alone, and fetches each chunk that a step asks for from who has it plain. */
export class KeysOnly extends Pinner {
  override readonly dropped = 1

  override get readMs(): number {
    return FETCH_MS
  }
}

/** Answers truly, and announces evidence of which it sends nothing: room of the chain's intake that others may want. */
export class Reserving extends Pinner {
  override async prove(party: Party, challenge: ChallengeView): Promise<void> {
    const { evidence, hash: named } = await answered(this.held.get(challenge.copy)!, challenge, () => true)
    const nothing = async function* (): AsyncGenerator<Uint8Array> {
      await pause(party.clock, HELD_MS, party.signal)
      yield* []
    }
    // Not waited for: its next announcement comes beside it.
    void party.chain
      .sendEvidence(challenge.id, { hash: named, byteLength: evidence.byteLength, parts: nothing })
      .catch(() => {})
  }
}

/** Knows what the beacon will show, and so fetches what will be asked for before it is asked for it. */
export class Foretold extends Pinner {
  override readonly dropped = 1
  readonly #value: (round: number) => Uint8Array

  constructor(value: (round: number) => Uint8Array) {
    super()
    this.#value = value
  }

  /** What it was told has to be what the chain goes by. */
  override async challenged(party: Party, challenge: ChallengeView): Promise<void> {
    const shown = await party.chain.beaconValue(challenge.round)
    if (!shown || !equal(shown, this.#value(challenge.round))) return
    await super.challenged(party, challenge)
  }
}

/** Two or more identities with one disk: what one has, all have. */
export class Sharing extends Pinner {
  override readonly dropped: number

  constructor(identities: number) {
    super()
    this.dropped = 1 - 1 / identities
  }
}

/** Stores everything, and serves no reader. */
export class ServingNobody extends Pinner {
  override serve(): null {
    return null
  }
}

/** Serves those whose address it knows for a verifier's, and nobody else. */
export class ServingVerifiers extends Pinner {
  override serve(copy: number, index: number, reader: Reader): Served | null {
    return reader.known ? super.serve(copy, index, reader) : null
  }
}

/** Stores nothing, and answers as soon as it has fetched everything, after the deadline. */
export class Late extends Pinner {
  override readonly dropped = 1

  override async challenged(party: Party, challenge: ChallengeView): Promise<void> {
    await party.pause(
      Math.max(0, challenge.answerBy - (await party.chain.info()).chain.clock) + 2 * party.world.rules.tickMs
    )
    await super.challenged(party, challenge)
  }
}

/** Stores nothing, and answers in time: with random states, and no evidence. */
export class Guessing extends Pinner {
  override readonly dropped = 1

  override async challenged(party: Party, { id }: ChallengeView): Promise<void> {
    const evidence = hash('simulate/evidence', id)
    await party.chain.answer([{ challenge: id, state: hash('simulate/guess', id), evidence }])
  }

  override async prove(): Promise<void> {}
}

/** Is there for a while and gone for a while, again and again. */
export class Blinking extends Pinner {
  readonly #hereMs: number
  readonly #awayMs: number

  constructor(hereMs: number, awayMs: number) {
    super()
    this.#hereMs = hereMs
    this.#awayMs = awayMs
  }

  override async begin(party: Party): Promise<void> {
    await super.begin(party)
    const blink = (): void => {
      party.clock.after(this.#hereMs, () => {
        party.leave(this.#awayMs)
        party.clock.after(this.#awayMs, blink)
      })
    }
    blink()
  }
}

/** Takes whatever its own signer makes, unseen, and can serve what of it is the author's. */
export class Accomplice extends Pinner {
  readonly #bad: (index: number) => boolean
  override readonly dropped: number

  constructor(bad: (index: number) => boolean, dropped: number) {
    super()
    this.#bad = bad
    this.dropped = dropped
  }

  override async offered(party: Party, { copy, draw }: AssignmentView): Promise<void> {
    const offered = party.world.handed.get(`${copy}/${draw}`)
    if (!offered) return
    await party.chain.accept(draw, offered.record, offered.signerSignature)
    this.keep(copy, offered)
  }

  /** A reader holds what it gets against the author's tree. */
  override serve(copy: number, index: number, reader: Reader): Served | null {
    return this.#bad(index) ? null : super.serve(copy, index, reader)
  }
}

/** The same, and does not show what it has invented. */
export class Silent extends Accomplice {
  override async open(party: Party, opening: OpeningView): Promise<void> {
    const shown = await opened(this.held.get(opening.copy)!, party.world.blocks(opening.hypercore)!, opening)
    const [bytes] = [...(shown.parts() as Iterable<Uint8Array>)]
    if (judgeOpening(bytes!, opening, { decodeChunk }).outcome === 'success') await super.open(party, opening)
  }
}

/** Takes copies only where the signer is its own too: those need no disk. */
export class Picky extends Pinner {
  readonly own: Set<string>
  readonly mine = new Set<number>()

  /** @param own public keys of those in the same hand, in hex */
  constructor(own: Set<string>) {
    super()
    this.own = own
  }

  override async work(party: Party): Promise<void> {
    for (const { role, draw, signer, task } of await party.chain.assignments()) {
      if (role !== 'pinner' || task.state !== 'delivering') continue
      if (!this.own.has(Buffer.from(signer).toString('hex'))) await party.chain.refuse(draw, 'other')
    }
    await super.work(party)
  }

  override concerns(effect: Effect, party: Party): boolean {
    return super.concerns(effect, party) || effect.kind === 'acknowledged'
  }

  override async offered(party: Party, assignment: AssignmentView): Promise<void> {
    if (this.own.has(Buffer.from(assignment.signer).toString('hex'))) this.mine.add(assignment.copy)
    await super.offered(party, assignment)
  }
}

/** Says yes to nothing: a draw costs everybody time. */
export class Declining extends Pinner {
  override async asked(party: Party, { draw }: AskView): Promise<void> {
    await party.chain.refuse(draw, 'busy')
  }
}

/** Says of every hypercore that nobody serves it, so that it never pays for a delivery. */
export class BlamingPinner extends Pinner {
  override finds(): boolean {
    return false
  }
}
