import { anchorAt } from '../../src/protocol/anchor.js'
import { answers } from '../ledger/answers.js'
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'
import { blake3 } from '../../src/crypto/hash.js'
import { auditFile } from '../../src/audit/file.js'
import type { Database, Value } from '../../src/ledger/database.js'
import { asynchronous } from '../../src/ledger/host.js'
import type { Ledger } from '../../src/ledger/ledger.js'
import { answerOf, signOperation } from '../../src/protocol/operations.js'
import { signaturesOnWorkers } from '../../src/ledger/signature-checks.js'
import { Engine } from '../../src/engine/engine.js'
import { openSqlite } from '../../src/sqlite.js'
import { timedRow, type Row, type Suite } from '../harness.js'
import {
  EPOCH_MS,
  identity,
  nextEpoch,
  openLedger,
  pinnerOf,
  seedLedger,
  TICK_MS,
  type Clock
} from '../ledger/seed.js'
import type { Tasks } from '../../workers/tasks.js'

const ROUNDS = 5
/** Copies that are challenged, answered and settled in one round. */
const SETTLED = 8_192
const PINNERS = 512
/** Challenges in one settle. */
const SETTLE = 512
const TRANSFERS = 20_000
const ISSUED = 2_000
/** Of them about so many in a tick. */
const DUE = 400
/** Copies, and verifiers, of a ledger that is taken through a whole epoch. */
const MANY = 100_000

interface Statement {
  method: 'get' | 'all' | 'run' | 'begin' | 'commit'
  sql: string
  values: Value[]
}

/** Settling against the SQL that it takes; issuing out of 10,000 and 1,000,000 copies; replaying; bytes on disk. */
const suite: Suite = async (context) => {
  const { cores, keep, note } = context
  const folder = mkdtempSync(join(process.env.DATDOT_BENCH_DIR ?? tmpdir(), 'datdot-bench-'))
  const engine = new Engine<Tasks>({ threads: cores })
  try {
    await settling(folder, engine, cores, keep, note)
    if (!context.quick) {
      await issuing(folder, keep, note)
      wholeEpoch(folder, note)
    }
    await replaying(folder, engine, cores, keep)
  } finally {
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
  await answers(context)
}

type Keep = (row: Row) => void

/** A row from operations a second in each of some rounds. */
function rowOf(name: string, role: Row['role'], threads: number, rates: readonly number[]): Promise<Row> {
  return timedRow(
    { suite: 'chain', name, role, threads },
    rates.map((rate) => 1000 / rate)
  )
}

/** What the pinners send and the chain decides for all challenges that are open now. */
interface Round {
  answers: Uint8Array[]
  items: Parameters<Ledger['settle']>[0]
}

function prepare(ledger: Ledger, clock: Clock): Round {
  nextEpoch(ledger, clock)
  clock.at += TICK_MS
  // Ticks at one and the same time go on within the round: no deadline comes nearer.
  while (ledger.tick(2_000).more);
  const rows = ledger.state.db.all(
    `SELECT c.id, a.key, a.nonce FROM challenges c JOIN roles r ON r.id = c.pinner JOIN accounts a ON a.id = r.wallet
     ORDER BY c.pinner, c.id`
  )
  const byPinner = new Map<string, { nonce: number; ids: number[] }>()
  for (const row of rows) {
    const key = (row.key as Buffer).toString('hex')
    const known = byPinner.get(key)
    if (known) known.ids.push(Number(row.id))
    else byPinner.set(key, { nonce: Number(row.nonce), ids: [Number(row.id)] })
  }
  const [state, evidence] = [blake3(Buffer.of(1)), blake3(Buffer.of(2))]
  const answers: Uint8Array[] = []
  const anchor = anchorAt(ledger.chain())
  const items: { challenge: number; outcome: 'success' }[] = []
  for (let n = 0; n < PINNERS; n++) {
    const keyPair = pinnerOf(n)
    const due = byPinner.get(keyPair.publicKey.toString('hex'))
    if (!due) continue
    const { body, detail } = answerOf(due.ids.map((challenge) => ({ challenge, state, evidence })))
    answers.push(
      signOperation(
        { kind: 'answer', body },
        { chainId: ledger.chainId, keyPair, nonce: due.nonce, anchor, detail }
      )
    )
    items.push(...due.ids.map((challenge) => ({ challenge, outcome: 'success' as const })))
  }
  return { answers, items }
}

function submitAll(ledger: Ledger, { answers, items }: Round, flags: Uint8Array): void {
  for (const result of ledger.submit(answers, flags)) if (!result.ok) throw result.error
  for (let from = 0; from < items.length; from += SETTLE) ledger.settle(items.slice(from, from + SETTLE))
}

/** The same through the interface that a chain has to its ledger: calls follow each other without waiting. */
async function submitAllThere(ledger: Ledger, { answers, items }: Round, flags: Uint8Array): Promise<void> {
  const api = asynchronous(ledger)
  const submitted = api.submit(answers, flags)
  const settles: Promise<unknown>[] = []
  for (let from = 0; from < items.length; from += SETTLE) {
    settles.push(api.settle(items.slice(from, from + SETTLE)))
  }
  for (const result of await submitted) if (!result.ok) throw result.error
  await Promise.all(settles)
}

async function settling(
  folder: string,
  engine: Engine<Tasks>,
  cores: number,
  keep: Keep,
  note: (name: string, value: number) => void
): Promise<void> {
  const clock = { at: 1_700_000_000_000 }
  const path = join(folder, 'settle.db')
  const ledger = seedLedger(path, clock, {
    copies: SETTLED,
    perCore: 4,
    pinners: PINNERS,
    verifiers: 0,
    every: 1
  })
  const verify = signaturesOnWorkers((name, task) => engine.call(name, task))
  const rates = {
    signed: [] as number[],
    unsigned: [] as number[],
    asynchronous: [] as number[],
    bare: [] as number[]
  }
  let settled = 0
  let before = 0
  for (let round = 0; round <= ROUNDS; round++) {
    const work = prepare(ledger, clock)
    ledger.state.db.raw.pragma('wal_checkpoint(TRUNCATE)')
    if (round === 0) before = statSync(path).size
    const copies = ['recorded', 'bare', 'unsigned', 'asynchronous'].map((name) => join(folder, `${name}.db`))
    for (const copy of copies) copyFileSync(path, copy)
    const [recorded, bare, unsigned, there] = copies as [string, string, string, string]
    const known = new Uint8Array(work.answers.length).fill(1)
    const seconds = {
      bare: replay(
        bare,
        record(recorded, clock, (other) => submitAll(other, work, known))
      ),
      unsigned: await measure(unsigned, clock, (other) => submitAll(other, work, known)),
      asynchronous: await measure(there, clock, (other) => submitAllThere(other, work, known)),
      signed: 0
    }
    const began = performance.now()
    submitAll(ledger, work, await verify(ledger.chainId, work.answers))
    seconds.signed = (performance.now() - began) / 1_000
    settled += work.items.length
    for (const copy of copies) for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true })
    // The first round warms up.
    if (round === 0) continue
    for (const name of ['signed', 'unsigned', 'asynchronous', 'bare'] as const)
      rates[name].push(work.items.length / seconds[name])
  }
  const bare = median(rates.bare)
  const settle = async (name: string, threads: number, of: number[]): Promise<Row> => ({
    ...(await rowOf(`settle a challenge, ${name}`, 'subject', threads, of)),
    ratio: Number((median(of) / bare).toPrecision(4))
  })
  keep(await settle('signatures checked', cores, rates.signed))
  keep(await settle('signatures known', 1, rates.unsigned))
  keep(await settle('signatures known, through the asynchronous interface', 1, rates.asynchronous))
  keep(await rowOf('the same SQL statements alone', 'ceiling', 1, rates.bare))
  const size = () => {
    ledger.state.db.raw.exec('VACUUM')
    ledger.state.db.raw.pragma('wal_checkpoint(TRUNCATE)')
    return statSync(path).size
  }
  note('chain: bytes on disk a settled challenge', Math.round((size() - before) / settled))
  clock.at += 60_000
  ledger.tick()
  ledger.compact(Infinity)
  note('chain: the same after compaction', Number(((size() - before) / settled).toPrecision(3)))
  ledger.close()
}

/** Seconds that `work` takes on a ledger of its own. */
async function measure(
  path: string,
  clock: Clock,
  work: (ledger: Ledger) => void | Promise<void>
): Promise<number> {
  const ledger = openLedger(path, clock)
  const began = performance.now()
  await work(ledger)
  const seconds = (performance.now() - began) / 1_000
  ledger.close()
  return seconds
}

/** Every statement that `work` makes, with its values. */
function record(path: string, clock: Clock, work: (ledger: Ledger) => void): Statement[] {
  const ledger = openLedger(path, clock)
  const { db } = ledger.state
  const statements: Statement[] = []
  for (const method of ['get', 'all', 'run'] as const) {
    const original = (db[method] as (sql: string, ...values: Value[]) => unknown).bind(db)
    Object.assign(db, {
      [method]: (sql: string, ...values: Value[]) => {
        statements.push({ method, sql, values })
        return original(sql, ...values)
      }
    })
  }
  const transaction = db.transaction.bind(db)
  const recorded: Database['transaction'] = (inner) => {
    statements.push({ method: 'begin', sql: 'BEGIN IMMEDIATE', values: [] })
    const result = transaction(inner)
    statements.push({ method: 'commit', sql: 'COMMIT', values: [] })
    return result
  }
  Object.assign(db, { transaction: recorded })
  work(ledger)
  ledger.close()
  return statements
}

/** Seconds that the statements take without anything around them. */
function replay(path: string, statements: readonly Statement[]): number {
  const db = openSqlite(path)
  db.defaultSafeIntegers(true)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('foreign_keys = ON')
  db.pragma('cache_size = -65536')
  const prepared = new Map<string, BetterSqlite3.Statement<Value[]>>()
  for (const { sql } of statements) if (!prepared.has(sql)) prepared.set(sql, db.prepare<Value[]>(sql))
  const calls = statements.map(({ method, sql, values }) => {
    const reads = method === 'get' || method === 'all'
    return { statement: prepared.get(sql)!, method: reads ? method : ('run' as const), values }
  })
  const began = performance.now()
  for (const { statement, method, values } of calls) statement[method](...values)
  const seconds = (performance.now() - began) / 1_000
  db.close()
  return seconds
}

/** Ticks through an epoch with many verifiers, from its beginning until its checks are settled. */
function wholeEpoch(folder: string, note: (name: string, value: number) => void): void {
  const clock = { at: 1_700_000_000_000 }
  const path = join(folder, 'epoch.db')
  const of = { copies: MANY, perCore: 100, pinners: 2_000, verifiers: MANY, every: 4 }
  const ledger = seedLedger(path, clock, of)
  clock.at += EPOCH_MS
  let busiest = 0
  do {
    busiest = Math.max(busiest, ledger.tick(500).busyMs)
    clock.at += TICK_MS
  } while (ledger.checkEpochs().some(({ epoch }) => epoch === 1))
  ledger.close()
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
  note(
    `chain: longest tick of an epoch with ${MANY} copies and verifiers, ms`,
    Number(busiest.toPrecision(3))
  )
}

async function issuing(
  folder: string,
  keep: Keep,
  note: (name: string, value: number) => void
): Promise<void> {
  const costs: number[] = []
  let busiest = 0
  for (const copies of [10_000, 1_000_000]) {
    const clock = { at: 1_700_000_000_000 }
    const path = join(folder, `issue-${copies}.db`)
    const ledger = seedLedger(path, clock, { copies, perCore: 100, pinners: 2_000, verifiers: 0, every: 4 })
    // So many rounds at once that about as many are due in each tick, of few copies and of many.
    const rounds = Math.max(1, Math.round((DUE * 4 * EPOCH_MS) / TICK_MS / copies))
    const rates: number[] = []
    for (let issued = 0, round = 0; issued < ISSUED; round++) {
      clock.at += rounds * TICK_MS
      const before = ledger.state.head.nextChallenge
      const { busyMs } = ledger.tick(500)
      const done = ledger.state.head.nextChallenge - before
      // The first tick of a ledger reads pages that later ones find in memory.
      if (round > 0 && done > 0) rates.push(done / (busyMs / 1_000))
      busiest = Math.max(busiest, busyMs)
      issued += done
    }
    ledger.close()
    for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
    costs.push(1e6 / median(rates))
    keep(await rowOf(`find and issue a challenge among ${copies} copies`, 'subject', 1, rates))
  }
  note(
    'chain: cost of issuing among 1,000,000 copies, to that among 10,000',
    Number((costs[1]! / costs[0]!).toPrecision(3))
  )
  note('chain: us to issue a challenge among 1,000,000 copies', Number(costs[1]!.toPrecision(3)))
  note('chain: longest tick of 500 steps, ms', Number(busiest.toPrecision(3)))
}

async function replaying(folder: string, engine: Engine<Tasks>, cores: number, keep: Keep): Promise<void> {
  const clock = { at: 1_700_000_000_000 }
  const path = join(folder, 'replay.db')
  const ledger = openLedger(path, clock)
  const keyPair = identity('sender')
  let { nonce } = ledger.account(keyPair.publicKey)
  const anchor = anchorAt(ledger.chain())
  for (let from = 0; from < TRANSFERS; from += 1_000) {
    const wires = Array.from({ length: 1_000 }, (_, n) =>
      signOperation(
        { kind: 'transfer', body: { to: identity(`receiver ${n}`).publicKey, amount: 1n } },
        { chainId: ledger.chainId, keyPair, nonce: nonce++, anchor }
      )
    )
    ledger.submit(wires, new Uint8Array(wires.length).fill(1))
  }
  ledger.close()
  const verify = signaturesOnWorkers((name, task) => engine.call(name, task))
  const rates: number[] = []
  for (let round = 0; round < 3; round++) {
    const began = performance.now()
    const report = await auditFile(path, { verify })
    if (!report.ok) throw new Error(report.failure?.reason)
    rates.push(report.entries / ((performance.now() - began) / 1_000))
  }
  keep(await rowOf('audit an operation (a transfer)', 'subject', cores, rates))
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

export default suite
