import { decode } from '../../protocol/codec.js'
import type { Effect, EffectBody, Effects } from '../../protocol/effects.js'
import type { Entry } from '../../protocol/entry.js'
import {
  answerDetailType,
  decodeDetail,
  decodeOperation,
  outcomeNames,
  roleNames,
  type Operation
} from '../../protocol/operations.js'
import { effectsType } from '../../protocol/effects.js'
import { earlierValue } from '../../ledger/rules/beacon.js'
import { BURNED, MINTED } from '../../ledger/state.js'
import { maybeNumber, type HistoryFile } from './rows.js'
import { addSums, countOutcome, NETWORK, ofCopy, ofKey, type Added, type TallyKind } from './tally.js'

/** States of a copy, as `copies.state` has them. */
export const COPY_STATES = ['pending', 'active', 'lost', 'released'] as const

/** The last beacon value that the log has shown, which those of earlier rounds follow from. */
export interface ShownRound {
  round: number
  value: Uint8Array | null
}

/** What an event says beside its kind. */
interface Told {
  hypercore?: Uint8Array | number | null
  key?: Uint8Array | number | null
  copy?: number
  ref?: number
  amount?: bigint
  r?: number
  word?: string
}

/** Layers that one value may be traced back over. */
const LAYERS = 4_096

/** One entry of the log, as it changes the history. */
export class EntryReader {
  readonly #file: HistoryFile
  readonly #entry: Entry
  readonly #shown: ShownRound
  readonly #operation: Operation

  /** @param shown is brought up to this entry */
  constructor(file: HistoryFile, entry: Entry, shown: ShownRound) {
    this.#file = file
    this.#entry = entry
    this.#shown = shown
    this.#operation = decodeOperation(entry.operation, true)
    if (this.#operation.kind === 'tick') {
      const { round, value } = this.#operation.body
      if (value) Object.assign(shown, { round, value })
    }
  }

  /** Challenges that were issued by this entry. */
  readonly issued: number[] = []

  /** @param bytes effects as the log has them; null where it has dropped them, so that only what was said is known */
  read(bytes: Uint8Array | null): void {
    this.#statement()
    if (!bytes) return
    const { effects, postings } = decode(effectsType, bytes)
    for (const effect of effects) this.#effect(effect)
    this.#money(postings)
  }

  /** What the sender said, beside what came of it. */
  #statement(): void {
    const { kind, body, sender, detail } = this.#operation
    const file = this.#file
    const { seq, at } = this.#entry
    if (kind !== 'tick' && kind !== 'settle') {
      file.run(
        'INSERT INTO heard (key, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at',
        file.numberOf(sender),
        at
      )
    }
    if (kind === 'register') {
      const number = file.numberOf(sender)
      file.run(
        'INSERT OR IGNORE INTO members (key, role) VALUES (?, ?)',
        number,
        roleNames.indexOf(body.role)
      )
    } else if (kind === 'sponsor') {
      file.run('INSERT OR IGNORE INTO hypercores (key) VALUES (?)', file.numberOf(body.key))
      this.#donated(body.key, body.donation)
    } else if (kind === 'donate') {
      this.#donated(body.key, body.amount)
      this.#tell('donated', { hypercore: body.key, key: sender, amount: body.amount })
    } else if (kind === 'accept') {
      const { copy, segment, signer, key, pinner } = body.record
      file.run('INSERT OR REPLACE INTO segments VALUES (?, ?, ?)', copy, segment, file.numberOf(signer))
      file.run(
        `INSERT INTO copies (id, hypercore, pinner, state, segments) VALUES (?, ?, ?, 1, ?)
           ON CONFLICT DO UPDATE SET segments = excluded.segments`,
        copy,
        file.numberOf(key),
        file.numberOf(pinner),
        segment + 1
      )
    } else if (kind === 'answer' && detail) {
      const answers = decodeDetail(answerDetailType, detail)
      for (const [index, id] of body.answered.entries()) {
        const given = answers[index]
        if (!given) continue
        file.run(
          `UPDATE challenges SET answered_seq = ?, answer_ms = max(0, ? - issued_clock), state = ?, evidence = ?
             WHERE id = ? AND answered_seq IS NULL`,
          seq,
          this.#entry.arrived ?? this.#entry.clock,
          given.state,
          given.evidence,
          id
        )
      }
    } else if (kind === 'commitReport') {
      file.run(
        'INSERT OR IGNORE INTO commitments (epoch, verifier, commitment, seq) VALUES (?, ?, ?, ?)',
        body.epoch,
        file.numberOf(sender),
        body.commitment,
        seq
      )
    } else if (kind === 'revealReport') {
      for (const { copy, firstByteUs, bytesPerSecond, misses, blocks, bytes } of body.reports) {
        file.run(
          'INSERT OR REPLACE INTO reports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
          body.epoch,
          copy,
          file.numberOf(sender),
          firstByteUs,
          bytesPerSecond,
          misses,
          blocks,
          bytes,
          seq
        )
      }
    }
  }

  #donated(hypercore: Uint8Array, amount: bigint): void {
    const file = this.#file
    file.run(
      `INSERT INTO supporters (hypercore, key, amount, since) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET amount = amount + excluded.amount`,
      file.numberOf(hypercore),
      file.numberOf(this.#operation.sender),
      amount,
      this.#entry.at
    )
  }

  // Kinds that a later protocol adds tell people nothing here until somebody writes them down.
  #effect(effect: Effect): void {
    if (effect.kind === 'wanted') this.#wanted(effect)
    else if (effect.kind === 'drawn') this.#drawn(effect)
    else if (effect.kind === 'accepted') this.#accepted(effect)
    else if (effect.kind === 'activated') this.#activated(effect)
    else if (effect.kind === 'lost' || effect.kind === 'released') this.#gone(effect)
    else if (effect.kind === 'challenged') this.#challenged(effect)
    else if (effect.kind === 'settled') this.#settled(effect)
    else if (effect.kind === 'checked') this.#checked(effect)
    else if (effect.kind === 'rewarded') this.#rewarded(effect)
    else this.#other(effect)
  }

  #other(effect: Effect): void {
    const { sender } = this.#operation
    if (effect.kind === 'registered') {
      this.#tell('registered', { key: effect.key, word: effect.role, amount: effect.deposit })
    } else if (effect.kind === 'retiring' || effect.kind === 'retired') {
      this.#tell(effect.kind, { key: effect.key, word: effect.role })
    } else if (effect.kind === 'sponsored') {
      this.#tell('sponsored', { hypercore: effect.hypercore, key: sender })
    } else if (effect.kind === 'extended') {
      this.#tell('extended', { hypercore: effect.hypercore, ref: effect.length })
    } else if (effect.kind === 'forkSeen' || effect.kind === 'forked' || effect.kind === 'conflicted') {
      this.#tell(effect.kind, { hypercore: effect.hypercore, ref: effect.length })
    } else if (effect.kind === 'graceBegan' || effect.kind === 'graceEnded' || effect.kind === 'lapsed') {
      this.#tell(effect.kind, { hypercore: effect.hypercore })
    } else if (effect.kind === 'penalised') {
      const r = effect.reputationPpm
      this.#tell('penalised', { key: effect.key, word: effect.role, amount: effect.burned, r })
      this.#rated(effect.key, r)
    } else if (effect.kind === 'refused') {
      this.#tell('refused', { key: effect.by, ref: effect.draw, ...this.#placeOf(effect.draw) })
    } else if (effect.kind === 'redraw') {
      this.#tell('redraw', { ref: effect.draw, word: effect.why, ...this.#placeOf(effect.draw) })
    } else if (effect.kind === 'convicted') {
      this.#tell('convicted', { key: effect.key, copy: effect.copy, amount: effect.burned })
    }
  }

  #wanted({ copy, hypercore }: EffectBody<'wanted'>): void {
    this.#file.run(
      'INSERT OR IGNORE INTO copies (id, hypercore, state) VALUES (?, ?, 0)',
      copy,
      this.#file.numberOf(hypercore)
    )
  }

  #drawn({ draw, task, copy, role, key, round }: EffectBody<'drawn'>): void {
    const { seq, at } = this.#entry
    this.#file.run(
      'INSERT OR REPLACE INTO draws (id, task, copy, role, key, round, value, seq, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      draw,
      task,
      copy,
      roleNames.indexOf(role),
      this.#file.numberOf(key),
      round,
      this.#valueOf(round),
      seq,
      at
    )
    this.#tell('drawn', { key, copy, ref: draw, word: role, hypercore: this.#hypercoreOf(copy) })
  }

  #accepted({ copy, draw }: EffectBody<'accepted'>): void {
    this.#tell('accepted', {
      copy,
      ref: draw,
      key: this.#operation.sender,
      hypercore: this.#hypercoreOf(copy)
    })
  }

  #activated({ copy, hypercore, pinner }: EffectBody<'activated'>): void {
    const file = this.#file
    file.run(
      `INSERT INTO copies (id, hypercore, pinner, state) VALUES (?, ?, ?, 1)
         ON CONFLICT DO UPDATE SET pinner = excluded.pinner, state = 1`,
      copy,
      file.numberOf(hypercore),
      file.numberOf(pinner)
    )
    this.#tell('activated', { copy, hypercore, key: pinner })
  }

  #gone({ kind, copy, hypercore, pinner, ...rest }: Extract<Effect, { kind: 'lost' | 'released' }>): void {
    this.#file.run('UPDATE copies SET state = ? WHERE id = ?', COPY_STATES.indexOf(kind), copy)
    const amount = 'burned' in rest ? rest.burned : 0n
    this.#tell(kind, { copy, hypercore, key: pinner, amount })
  }

  #challenged({ challenge, copy, round }: EffectBody<'challenged'>): void {
    const { seq, at, clock } = this.#entry
    const row = this.#file.get('SELECT pinner, segments FROM copies WHERE id = ?', copy)
    this.#file.run(
      `INSERT OR REPLACE INTO challenges (id, copy, pinner, round, value, segments, issued_seq, issued_at, issued_clock)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      challenge,
      copy,
      maybeNumber(row?.pinner),
      round,
      this.#valueOf(round),
      Number(row?.segments ?? 0n),
      seq,
      at,
      clock
    )
    this.issued.push(challenge)
  }

  #settled({ challenge, copy, outcome, paid, reputationPpm: r }: EffectBody<'settled'>): void {
    const { seq, at } = this.#entry
    const file = this.#file
    const row = file.get('SELECT answer_ms FROM challenges WHERE id = ?', challenge)
    file.run(
      'UPDATE challenges SET settled_seq = ?, settled_at = ?, outcome = ?, paid = ?, r = ? WHERE id = ?',
      seq,
      at,
      outcomeNames.indexOf(outcome),
      paid,
      r,
      challenge
    )
    if (outcome === 'success') file.run('UPDATE copies SET proven_at = ? WHERE id = ?', at, copy)
    this.#counted(copy, 'storage', outcome, { answerMs: maybeNumber(row?.answer_ms), paid, r })
    if (outcome !== 'success') this.#failed('challenge', copy, { ref: challenge, r, word: outcome })
  }

  #checked({ epoch, copy, outcome, paid, reputationPpm: r, ...measured }: EffectBody<'checked'>): void {
    const { seq, at } = this.#entry
    const { firstByteUs, bytesPerSecond, misses } = measured
    const pinner = this.#pinnerOf(copy)
    this.#file.run(
      `INSERT OR REPLACE INTO checks (epoch, copy, pinner, seq, at, outcome, first_byte_us, bytes_per_second, misses, paid, r)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      epoch,
      copy,
      pinner,
      seq,
      at,
      outcomeNames.indexOf(outcome),
      firstByteUs,
      bytesPerSecond,
      misses,
      paid,
      r
    )
    const some = outcome === 'unknown' ? {} : { measured: { firstByteUs, bytesPerSecond } }
    this.#counted(copy, 'retrieval', outcome, { ...some, paid, r })
    if (outcome !== 'success') this.#failed('check', copy, { ref: epoch, r, word: outcome })
  }

  #rewarded({ copy, segment, paid }: EffectBody<'rewarded'>): void {
    const row = this.#file.get('SELECT signer FROM segments WHERE copy = ? AND segment = ?', copy, segment)
    if (row) addSums(this.#file, [ofKey(Number(row.signer))], this.#entry.at, { paid })
    const hypercore = this.#hypercoreOf(copy)
    this.#tell('rewarded', { copy, hypercore, key: maybeNumber(row?.signer), amount: paid })
  }

  #failed(kind: string, copy: number, told: Told): void {
    this.#tell(kind, { ...told, copy, hypercore: this.#hypercoreOf(copy), key: this.#pinnerOf(copy) })
  }

  /** Counts an outcome for the network, the copy, its hypercore and its pinner; R is the pinner's. */
  #counted(copy: number, kind: TallyKind, outcome: (typeof outcomeNames)[number], added: Added): void {
    const { at } = this.#entry
    const [hypercore, pinner] = [this.#hypercoreOf(copy), this.#pinnerOf(copy)]
    const all = [NETWORK, ofCopy(copy), ...(hypercore === null ? [] : [ofKey(hypercore)])]
    const { r, ...others } = added
    countOutcome(this.#file, pinner === null ? all : [...all, ofKey(pinner)], at, { kind, outcome })
    addSums(this.#file, all, at, others)
    if (pinner !== null) addSums(this.#file, [ofKey(pinner)], at, r === undefined ? others : added)
  }

  #rated(key: Uint8Array, r: number): void {
    addSums(this.#file, [ofKey(this.#file.numberOf(key))], this.#entry.at, { r })
  }

  #money(postings: Effects['postings']): void {
    let [minted, burned] = [0n, 0n]
    for (const { account, change } of postings) {
      if (account === MINTED) minted -= change
      else if (account === BURNED) burned += change
    }
    if (minted > 0n || burned > 0n) addSums(this.#file, [NETWORK], this.#entry.at, { minted, burned })
  }

  #tell(kind: string, { hypercore = null, key = null, copy, ref, amount, r, word }: Told): void {
    const number = (of: Uint8Array | number | null): number | null =>
      of === null || typeof of === 'number' ? of : this.#file.numberOf(of)
    const { seq, at } = this.#entry
    this.#file.run(
      'INSERT INTO events (seq, at, kind, hypercore, key, copy, ref, amount, r, word) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      seq,
      at,
      kind,
      number(hypercore),
      number(key),
      copy ?? null,
      ref ?? null,
      amount ?? null,
      r ?? null,
      word ?? null
    )
  }

  #placeOf(draw: number): { copy?: number; hypercore?: number | null } {
    const row = this.#file.get('SELECT copy FROM draws WHERE id = ?', draw)
    if (!row) return {}
    const copy = Number(row.copy)
    return { copy, hypercore: this.#hypercoreOf(copy) }
  }

  #hypercoreOf(copy: number): number | null {
    return maybeNumber(this.#file.get('SELECT hypercore FROM copies WHERE id = ?', copy)?.hypercore)
  }

  #pinnerOf(copy: number): number | null {
    return maybeNumber(this.#file.get('SELECT pinner FROM copies WHERE id = ?', copy)?.pinner)
  }

  /** The beacon's value of a round that the log has shown by now. */
  #valueOf(round: number): Uint8Array | null {
    const { round: last, value } = this.#shown
    const layers = last - round
    return value && layers >= 0 && layers <= LAYERS ? earlierValue(value, layers) : null
  }
}
