import * as idEncoding from 'hypercore-id-encoding'
import { toHex } from '../../bytes.js'
import { InputError } from '../../errors.js'
import { sliceWalkSeed } from '../../evidence/slice-walk.js'
import { hash } from '../../crypto/hash.js'
import { problemsOf } from '../../ledger/rules/problems.js'
import { decodeEntry } from '../../protocol/entry.js'
import type { RoleName } from '../../protocol/operations.js'
import type { Parameters } from '../../protocol/parameters.js'
import type { AccountView, ChainView, HypercoreView, RoleView } from '../../protocol/views.js'
import type { Dashboard } from '../dashboard.js'
import * as lists from '../history/lists.js'
import { seriesOf, totalsOf, paidSince, type Series } from '../history/series.js'
import { NETWORK, ofCopy, ofKey } from '../history/tally.js'
import { keptUrn } from '../history/urns.js'
import type * as shapes from './shapes.js'
import { CANDIDATES_SHOWN, COPIES_MAX, PAGE_ROWS, PROBLEMS_MAX, SEGMENTS_MAX } from './shapes.js'
import { copyAnswer, hexOrNull, named, outlookOf, provenOf, keyOrNull } from './standing.js'

const DAY_MS = 86_400_000
/** Segments of each copy that the answer about a hypercore has; that about the copy has more. */
const SEGMENTS_SHOWN = 64

/** Lengths of time that a chart may show. */
export const SPANS = {
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
  year: 365 * DAY_MS,
  all: Infinity
} as const
export type Span = keyof typeof SPANS

export interface PageQuery {
  cursor?: string | undefined
  limit?: number | undefined
}

interface PageOf<T> {
  rows: T[]
  next: string | null
}

/** What the API answers: of the chain as it is now, and of its history. */
export class ApiAnswers {
  readonly #dashboard: Dashboard

  constructor(dashboard: Dashboard) {
    this.#dashboard = dashboard
  }

  get #source() {
    return this.#dashboard.source
  }

  get #file() {
    return this.#dashboard.history.file
  }

  async overview(): Promise<shapes.Overview> {
    const [chain, parameters, summary] = await Promise.all([
      this.#source.chain(),
      this.#source.parameters(),
      this.#source.summary()
    ])
    const since = chain.at - quietMs(parameters)
    const { next, began } = this.#dashboard.history.progress
    const pinners = lists.countMembers(this.#file, 'pinner', since)
    const grains = (amount: bigint): string => amount.toString()
    return {
      chain: {
        id: toHex(chain.chainId),
        key: named(chain.chainKey),
        name: chain.name,
        length: chain.length,
        head: toHex(chain.head),
        at: chain.at,
        clock: chain.clock,
        epoch: chain.epoch,
        round: chain.round,
        epochMs: parameters.epochMs
      },
      history: { next, began },
      hypercores: summary.hypercores,
      copies: {
        live: summary.copies,
        active: summary.activeCopies,
        repairing: summary.copies - summary.activeCopies
      },
      pinners: { registered: pinners.all, online: pinners.heard },
      signers: lists.countMembers(this.#file, 'signer', since).all,
      verifiers: lists.countMembers(this.#file, 'verifier', since).all,
      storage: summary.storage,
      retrieval: summary.retrieval,
      tokens: {
        issued: grains(summary.issued),
        minted: grains(summary.minted),
        burned: grains(summary.burned),
        reserved: grains(summary.reserved),
        sum: grains(summary.sum)
      }
    }
  }

  async hypercores(query: PageQuery): Promise<PageOf<shapes.HypercoreRow>> {
    const limit = query.limit ?? PAGE_ROWS
    const found = lists.hypercoresOf(this.#file, { after: cursorOf(query) ?? 0, limit })
    const [chain, parameters] = await this.#now()
    const rows: shapes.HypercoreRow[] = []
    for (const view of await Promise.all(found.map(({ key }) => this.#source.hypercore(key)))) {
      if (view) rows.push(this.#hypercoreRow(view, chain, parameters))
    }
    return { rows, next: found.length < limit ? null : String(found.at(-1)!.id) }
  }

  #hypercoreRow(view: HypercoreView, chain: ChainView, parameters: Parameters): shapes.HypercoreRow {
    return {
      key: named(view.key),
      state: view.state,
      balance: view.balance.toString(),
      byteLength: view.byteLength,
      length: view.length,
      codec: view.plan.codec,
      wanted: view.wanted,
      ...provenOf(this.#file, view, parameters),
      outlook: outlookOf(view, chain.at, parameters)
    }
  }

  async hypercore(key: string): Promise<shapes.HypercoreAnswer> {
    const bytes = keyFrom(key)
    const view = await this.#source.hypercore(bytes)
    if (!view) throw unknown(`hypercore ${key}`)
    const [chain, parameters] = await this.#now()
    const number = this.#file.knownNumber(bytes)
    const supporters = number === null ? [] : lists.supportersOf(this.#file, number, PAGE_ROWS)
    const { copies, targetPpm, codec, every, steps, maxBytes, topic, refreshAfterMs } = view.plan
    return {
      key: named(view.key),
      state: view.state,
      balance: view.balance.toString(),
      fork: view.fork,
      length: view.length,
      byteLength: view.byteLength,
      treeHash: toHex(view.treeHash),
      plan: { copies, targetPpm, codec, every, steps, maxBytes, topic: toHex(topic), refreshAfterMs },
      wanted: view.wanted,
      ...provenOf(this.#file, view, parameters),
      outlook: outlookOf(view, chain.at, parameters),
      supporters: supporters.map(({ key: of, amount, since }) => ({
        key: named(of),
        amount: amount.toString(),
        since
      })),
      problems: problemsOf(view, parameters)
        .slice(0, PROBLEMS_MAX)
        .map(({ code, message, who }) => ({ code, message, who: keyOrNull(who) })),
      copies: view.copies
        .slice(0, COPIES_MAX)
        .map((copy) => copyAnswer(this.#file, copy, SEGMENTS_SHOWN, parameters))
    }
  }

  async copy(id: number): Promise<shapes.CopyAnswer> {
    const view = await this.#source.copy(id)
    if (!view) throw unknown(`copy ${id}`)
    return copyAnswer(this.#file, view, SEGMENTS_MAX, await this.#source.parameters())
  }

  async members(role: RoleName, query: PageQuery): Promise<PageOf<shapes.MemberRow>> {
    const limit = query.limit ?? PAGE_ROWS
    const found = lists.membersOf(this.#file, role, { after: cursorOf(query) ?? 0, limit })
    const [chain, parameters] = await this.#now()
    const since = chain.at - quietMs(parameters)
    const accounts = await Promise.all(found.map(({ key }) => this.#source.account(key)))
    const rows = accounts.flatMap(({ key, roles }) =>
      roles
        .filter((one) => one.role === role)
        .map((one) => ({ key: named(key), ...this.#heard(key, since), ...roleAnswer(one) }))
    )
    return { rows, next: found.length < limit ? null : String(found.at(-1)!.id) }
  }

  #heard(key: Uint8Array, since: number): { heardAt: number | null; online: boolean } {
    const heardAt = lists.heardAt(this.#file, key)
    return { heardAt, online: heardAt !== null && heardAt >= since }
  }

  async member(key: string): Promise<shapes.MemberAnswer> {
    const bytes = keyFrom(key)
    const account: AccountView = await this.#source.account(bytes)
    const number = this.#file.knownNumber(bytes)
    if (account.roles.length === 0 && account.balance === 0n && number === null) throw unknown(`key ${key}`)
    const [chain, parameters] = await this.#now()
    const subject = number === null ? null : ofKey(number)
    const earned = (from: number): string =>
      subject === null ? '0' : paidSince(this.#file, subject, from).toString()
    const held =
      number === null
        ? []
        : lists.standings(this.#file, { pinner: number }, { before: null, limit: PAGE_ROWS })
    const copies = await Promise.all(
      held.map(async ({ id, hypercore, segments, provenAt, state }) => ({
        id,
        hypercore: named(hypercore),
        state: (await this.#source.copy(id))?.state ?? state,
        segments,
        provenAt
      }))
    )
    return {
      key: named(bytes),
      balance: account.balance.toString(),
      ...this.#heard(bytes, chain.at - quietMs(parameters)),
      roles: account.roles.map(roleAnswer),
      earned: { ever: earned(0), day: earned(chain.at - DAY_MS), month: earned(chain.at - 30 * DAY_MS) },
      ...totalsOf(this.#file, subject ?? -1, 0),
      copies
    }
  }

  /** Over time: of the network, or of one copy or key. */
  async series(of: { copy: number } | { key: string } | null, span: Span): Promise<shapes.SeriesAnswer> {
    const { at: now } = await this.#source.chain()
    const from = Math.max(0, now - SPANS[span])
    return seriesAnswer(seriesOf(this.#file, this.#subject(of), { from, now }))
  }

  #subject(of: { copy: number } | { key: string } | null): number {
    if (of === null) return NETWORK
    if ('copy' in of) return ofCopy(of.copy)
    const number = this.#file.knownNumber(keyFrom(of.key))
    if (number === null) throw unknown(`key ${of.key}`)
    return ofKey(number)
  }

  challenges(
    of: { copy?: number | undefined; pinner?: string | undefined },
    query: PageQuery
  ): PageOf<shapes.ChallengeRow> {
    const page = lists.pastChallenges(this.#file, this.#copyOrPinner(of), pageOf(query))
    return paged(page, query, (row) => ({
      id: row.id,
      copy: row.copy,
      hypercore: keyOrNull(row.hypercore),
      pinner: keyOrNull(row.pinner),
      issuedAt: row.issuedAt,
      answerMs: row.answerMs,
      settledAt: row.settledAt,
      outcome: row.outcome,
      paid: row.paid?.toString() ?? null,
      r: row.r
    }))
  }

  checks(
    of: { copy?: number | undefined; pinner?: string | undefined },
    query: PageQuery
  ): PageOf<shapes.CheckRow> {
    const page = lists.pastChecks(this.#file, this.#copyOrPinner(of), pageOf(query))
    return paged(page, query, ({ id, seq, hypercore, pinner, paid, ...row }) => {
      void [id, seq]
      return { ...row, hypercore: keyOrNull(hypercore), pinner: keyOrNull(pinner), paid: paid.toString() }
    })
  }

  #copyOrPinner({ copy, pinner }: { copy?: number | undefined; pinner?: string | undefined }) {
    if (copy !== undefined) return { copy }
    if (pinner === undefined) return null
    const number = this.#file.knownNumber(keyFrom(pinner))
    if (number === null) throw unknown(`key ${pinner}`)
    return { pinner: number }
  }

  async challenge(id: number): Promise<shapes.ChallengeAnswer> {
    const past = lists.pastChallenge(this.#file, id)
    if (!past) throw unknown(`challenge ${id}`)
    const [open, copy, { chainId }] = await Promise.all([
      this.#source.challenge(id),
      this.#source.copy(past.copy),
      this.#source.chain()
    ])
    const segments = copy?.segments.slice(0, past.segments) ?? []
    const plan = copy && past.steps === null ? (await this.#source.hypercore(copy.hypercore))?.plan : null
    const { round, beacon } = past
    const seed =
      beacon &&
      segments.length > 0 &&
      sliceWalkSeed({ chain: chainId, copy: past.copy, challenge: id, round, beacon }, segments, { hash })
    return {
      id,
      copy: past.copy,
      hypercore: keyOrNull(past.hypercore),
      pinner: keyOrNull(past.pinner),
      chainId: toHex(chainId),
      round,
      beacon: hexOrNull(beacon),
      seed: seed ? toHex(seed) : null,
      steps: open?.steps ?? past.steps ?? plan?.steps ?? null,
      segments: segments.map((segment) => ({
        codec: segment.codec,
        id: toHex(segment.id),
        start: segment.start,
        chunks: segment.chunks,
        bytes: segment.bytes,
        root: toHex(segment.root)
      })),
      issuedSeq: past.issuedSeq,
      issuedAt: past.issuedAt,
      answeredSeq: past.answeredSeq,
      answerMs: past.answerMs,
      state: hexOrNull(past.state),
      evidence: hexOrNull(past.evidence),
      evidenceKept: this.#source.evidence(id) !== null,
      settledSeq: past.settledSeq,
      settledAt: past.settledAt,
      outcome: past.outcome,
      paid: past.paid?.toString() ?? null,
      r: past.r
    }
  }

  evidence(id: number): AsyncIterable<Uint8Array> {
    const found = this.#source.evidence(id)
    if (!found) throw unknown(`evidence of challenge ${id}`)
    return found
  }

  async check(copy: number, epoch: number): Promise<shapes.CheckAnswer> {
    const past = lists.pastCheck(this.#file, copy, epoch)
    if (!past) throw unknown(`check of copy ${copy} in epoch ${epoch}`)
    const { id, hypercore, pinner, paid, ...row } = past
    void id
    const [{ chainId }, p] = await this.#now()
    return {
      ...row,
      hypercore: keyOrNull(hypercore),
      pinner: keyOrNull(pinner),
      paid: paid.toString(),
      chainId: toHex(chainId),
      limits: {
        firstByteUs: p.maxFirstByteUs,
        bytesPerSecond: p.minBytesPerSecond,
        misses: p.maxMisses,
        reports: p.reportsMin
      },
      reports: lists.pastReports(this.#file, copy, epoch).map(({ verifier, ...report }) => ({
        verifier: named(verifier),
        ...report
      }))
    }
  }

  draws(of: { copy?: number | undefined }, query: PageQuery): PageOf<shapes.DrawRow> {
    const page = lists.pastDraws(this.#file, of.copy ?? null, pageOf(query))
    return paged(page, query, ({ id, task, copy, hypercore, role, key, round, at }) => {
      return { id, task, copy, hypercore: keyOrNull(hypercore), role, key: named(key), round, at }
    })
  }

  async draw(id: number): Promise<shapes.DrawAnswer> {
    const past = lists.pastDraw(this.#file, id)
    if (!past) throw unknown(`draw ${id}`)
    const { chainId } = await this.#source.chain()
    const urn = keptUrn(this.#file, id)
    const shown = urn && urn.weights.length / 2 <= CANDIDATES_SHOWN ? urn : null
    const keyed = <T extends { key: string }>(one: T): T => ({
      ...one,
      key: named(Buffer.from(one.key, 'hex'))
    })
    return {
      id,
      task: past.task,
      copy: past.copy,
      hypercore: keyOrNull(past.hypercore),
      role: past.role,
      key: named(past.key),
      chainId: toHex(chainId),
      round: past.round,
      beacon: hexOrNull(past.beacon),
      seq: past.seq,
      at: past.at,
      urn: shown && {
        total: shown.total,
        weights: pairsOf(shown.weights),
        excluded: shown.excluded.map(keyed),
        lots: shown.lots.map(keyed)
      }
    }
  }

  events(
    of: { hypercore?: string | undefined; key?: string | undefined },
    query: PageQuery
  ): PageOf<shapes.EventRow> {
    const number = (key: string): number => {
      const found = this.#file.knownNumber(keyFrom(key))
      if (found === null) throw unknown(`key ${key}`)
      return found
    }
    const { hypercore, key } = of
    const subject =
      hypercore !== undefined
        ? { hypercore: number(hypercore) }
        : key !== undefined
          ? { key: number(key) }
          : null
    return paged(lists.pastEvents(this.#file, subject, pageOf(query)), query, eventAnswer)
  }

  async entry(seq: number): Promise<{ seq: number; bytes: string; hash: string; at: number }> {
    const stop = new AbortController()
    try {
      if (seq < (await this.#source.chain()).length) {
        for await (const [first] of this.#source.follow(seq, stop.signal)) {
          if (!first) break
          const { hash: of, at } = decodeEntry(first.entry)
          return { seq, bytes: toHex(first.entry), hash: toHex(of), at }
        }
      }
    } finally {
      stop.abort()
    }
    throw unknown(`entry ${seq}`)
  }

  /** All that a text may mean: a key in any of its forms or its beginning in hex, or a number. */
  async search(asked: string): Promise<shapes.Found> {
    const found: shapes.Found['found'] = []
    const key = maybeKey(asked)
    if (key) await this.#findKey(key, found)
    else if (/^[0-9a-f]{4,62}$/i.test(asked) && asked.length % 2 === 0) {
      for (const one of lists.keysLike(this.#file, Buffer.from(asked, 'hex'), 8)) {
        await this.#findKey(one.key, found)
        if (found.length >= 8) break
      }
    }
    if (/^\d{1,15}$/.test(asked)) await this.#findNumber(Number(asked), found)
    return { found }
  }

  async #findKey(key: Buffer, found: shapes.Found['found']): Promise<void> {
    const id = named(key)
    const [view, account] = await Promise.all([this.#source.hypercore(key), this.#source.account(key)])
    if (view) found.push({ what: 'hypercore', id, says: `${view.copies.length} of ${view.wanted} copies` })
    const roles = account.roles.map(({ role }) => role)
    if (roles.length > 0) found.push({ what: 'member', id, says: roles.join(', ') })
    else if (account.nonce > 0 || account.balance > 0n) found.push({ what: 'member', id, says: 'account' })
  }

  async #findNumber(id: number, found: shapes.Found['found']): Promise<void> {
    const copy = await this.#source.copy(id)
    const challenge = lists.pastChallenge(this.#file, id)
    const draw = lists.pastDraw(this.#file, id)
    if (copy) found.push({ what: 'copy', id: String(id), says: copy.state })
    if (challenge) found.push({ what: 'challenge', id: String(id), says: challenge.outcome ?? 'open' })
    if (draw) found.push({ what: 'draw', id: String(id), says: draw.role })
    if (id < (await this.#source.chain()).length)
      found.push({ what: 'entry', id: String(id), says: 'of the log' })
  }

  #now(): Promise<[ChainView, Parameters]> {
    return Promise.all([this.#source.chain(), this.#source.parameters()])
  }
}

/** Who was not heard of for so long is not online: three epochs, and a minute where they are shorter. */
function quietMs({ epochMs }: Parameters): number {
  return Math.max(3 * epochMs, 60_000)
}

function roleAnswer(view: RoleView) {
  const { role, state, capacityBytes, usedBytes, deposit, locked } = view
  const { reputationPpm, storagePpm, retrievalPpm } = view
  const held = { capacityBytes, usedBytes, deposit: deposit.toString(), locked: locked.toString() }
  return { role, state, ...held, reputationPpm, storagePpm, retrievalPpm }
}

export function eventAnswer({ hypercore, key, amount, ...event }: lists.PastEvent): shapes.EventRow {
  return {
    ...event,
    hypercore: keyOrNull(hypercore),
    key: keyOrNull(key),
    amount: amount?.toString() ?? null
  }
}

function seriesAnswer({ paid, minted, burned, ...series }: Series): shapes.SeriesAnswer {
  const plain = (amounts: bigint[]): string[] => amounts.map(String)
  return { ...series, paid: plain(paid), minted: plain(minted), burned: plain(burned) }
}

function pairsOf(weights: Uint32Array): number[][] {
  return Array.from({ length: weights.length / 2 }, (_, i) => [weights[2 * i]!, weights[2 * i + 1]!])
}

function cursorOf({ cursor }: PageQuery): number | null {
  return cursor === undefined ? null : Number(cursor)
}

function pageOf(query: PageQuery): lists.Cursor {
  return { before: cursorOf(query), limit: query.limit ?? PAGE_ROWS }
}

function paged<T extends { id: number }, R>(
  rows: readonly T[],
  query: PageQuery,
  answer: (row: T) => R
): PageOf<R> {
  const next = rows.length < (query.limit ?? PAGE_ROWS) ? null : String(rows.at(-1)!.id)
  return { rows: rows.map(answer), next }
}

function maybeKey(given: string): Buffer | null {
  try {
    return idEncoding.decode(given)
  } catch {
    return null
  }
}

function keyFrom(given: string): Buffer {
  const key = maybeKey(given)
  if (!key)
    throw new InputError('API_ARGUMENT', 'this is not a key: 52 characters of z-base-32, or 64 hex digits')
  return key
}

function unknown(what: string): InputError {
  return new InputError('API_UNKNOWN', `there is no ${what}`)
}
