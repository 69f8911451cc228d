import { timingSafeEqual } from 'node:crypto'
import type BetterSqlite3 from 'better-sqlite3'
import { hash } from '../../crypto/hash.js'
import type { Clock } from '../../clock.js'
import { InputError } from '../../errors.js'

/** What a client may do. */
export interface Quota {
  /** Grains in all that its pins may cost, fees included. */
  tokens: bigint
  /** Grains that one pin costs, fees included. */
  perPin: bigint
  /** Pins at a time. */
  pins: number
  /** Requests in a minute. */
  requests: number
}

/** A client as an operator knows it. */
export interface ApiKey extends Quota {
  id: string
  label: string
  created: number
  revoked: number | null
  /** Grains that its pins have cost, or are reserved for them. */
  spent: bigint
  /** Pins that it has now. */
  live: number
}

interface KeyRow {
  id: string
  label: string
  hash: Buffer
  created: number
  revoked: number | null
  tokens: string
  per_pin: string
  pins: number
  requests: number
  spent: string
  live: number
}

const ID_BYTES = 8
const SECRET_BYTES = 32
const WRITTEN = /^dk_([0-9a-f]{16})_([\w-]{43})$/
/** Compared with where there is no such key, so that both take the same time. */
const NOBODY = Buffer.alloc(32)

const SELECT = `SELECT id, label, hash, created, revoked, CAST(tokens AS TEXT) tokens, CAST(per_pin AS TEXT) per_pin, pins, requests,
  (SELECT CAST(COALESCE(SUM(cost), 0) AS TEXT) FROM pins p WHERE p.api_key = k.id) spent,
  (SELECT COUNT(*) FROM pins p WHERE p.api_key = k.id AND p.deleted IS NULL) live FROM api_keys k`

/** Who may have things kept at this node's expense, and how much. The secrets are not kept: only what they are recognised by. */
export class ApiKeys {
  readonly #db: BetterSqlite3.Database
  readonly #clock: Clock
  /** Requests that each key has left, and when that was counted. */
  readonly #left = new Map<string, { left: number; at: number }>()

  constructor(db: BetterSqlite3.Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** Makes a key. Returns its only writing. */
  create(
    label: string,
    { tokens, perPin, pins, requests }: Quota,
    randomBytes: (length: number) => Buffer
  ): { id: string; key: string } {
    const id = randomBytes(ID_BYTES).toString('hex')
    const secret = randomBytes(SECRET_BYTES)
    this.#db
      .prepare('INSERT INTO api_keys VALUES (?, ?, ?, ?, NULL, ?, ?, ?, ?)')
      .run(id, label, secretHash(secret), this.#clock.wall(), tokens, perPin, pins, requests)
    return { id, key: `dk_${id}_${secret.toString('base64url')}` }
  }

  list(): ApiKey[] {
    return (this.#db.prepare(`${SELECT} ORDER BY created, id`).all() as KeyRow[]).map(keyOf)
  }

  /** From now on the key opens nothing; its pins stay. @throws InputError API_KEY_MISSING */
  revoke(id: string): void {
    const { changes } = this.#db
      .prepare('UPDATE api_keys SET revoked = ? WHERE id = ? AND revoked IS NULL')
      .run(this.#clock.wall(), id)
    if (changes === 0)
      throw new InputError('API_KEY_MISSING', `there is no API key ${id} that could be revoked`)
  }

  /**
   * Whose key this is; takes one of its requests.
   *
   * @throws InputError API_KEY_UNKNOWN, API_TOO_MANY
   */
  enter(written: string): ApiKey {
    const match = WRITTEN.exec(written)
    const row = match
      ? (this.#db.prepare(`${SELECT} WHERE id = ?`).get(match[1]) as KeyRow | undefined)
      : undefined
    const given = secretHash(Buffer.from(match?.[2] ?? '', 'base64url'))
    const isRight = timingSafeEqual(given, row?.hash ?? NOBODY)
    if (!row || !isRight || row.revoked !== null) {
      throw new InputError('API_KEY_UNKNOWN', 'this node knows no such API key')
    }
    this.#takeRequest(row)
    return keyOf(row)
  }

  /** A key's requests of a minute come back evenly. */
  #takeRequest({ id, requests }: KeyRow): void {
    const now = this.#clock.now()
    const { left, at } = this.#left.get(id) ?? { left: requests, at: now }
    const refilled = Math.min(requests, left + ((now - at) / 60_000) * requests)
    const isAllowed = refilled >= 1
    this.#left.set(id, { left: isAllowed ? refilled - 1 : refilled, at: now })
    if (!isAllowed) throw new InputError('API_TOO_MANY', `this key may ask ${requests} times a minute`)
  }
}

function secretHash(secret: Uint8Array): Buffer {
  return Buffer.from(hash('datdot/api-key/1', secret))
}

function keyOf(row: KeyRow): ApiKey {
  const { id, label, created, revoked, pins, requests, live } = row
  const [tokens, perPin, spent] = [BigInt(row.tokens), BigInt(row.per_pin), BigInt(row.spent)]
  return { id, label, created, revoked, pins, requests, live, tokens, perPin, spent }
}
