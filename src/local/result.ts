import * as idEncoding from 'hypercore-id-encoding'
import { roleNames, type Outcome } from '../protocol/operations.js'
import { saidProblem, type SaidProblem } from '../daemon/problems.js'
import { problemsOf } from '../ledger/rules/problems.js'
import type { CopyView } from '../protocol/views.js'
import type { Observer } from './observer.js'
import { toHex } from '../bytes.js'

interface Tally {
  passed: number
  failed: number
}

/** What a run comes to. Keys are z-base-32, roots hex, amounts grains. */
export interface NetworkResult {
  /** Whether everything that was promised holds. */
  ok: boolean
  driveKey: string
  /** The chain's key: `datdot audit` follows its log by it. */
  chainKey: string
  copies: {
    hypercore: string
    pinner: string
    pinnerName: string
    signer: string
    signerName: string
    codec: string
    chunks: number
    bytes: number
    root: string
  }[]
  challenges: { storage: Tally; retrieval: Tally }
  tokens: { minted: bigint; burned: bigint; sum: bigint }
  reputations: {
    name: string
    key: string
    storage: number | null
    retrieval: number | null
    balance: bigint
  }[]
  consumer: { files: number; bytes: number; identical: boolean; mbPerSecond: number }
  dataDir: string
  bootstrap: { host: string; port: number }[]
  /** Why it is not ok, or what there is to know though it is. */
  problems: SaidProblem[]
}

export interface Findings {
  observer: Observer
  /** Names of the participants by their keys in hex. */
  names: ReadonlyMap<string, string>
  driveKey: Buffer
  hypercores: Buffer[]
  wantedCopies: number
  consumer: NetworkResult['consumer']
  /** Why it is not ok. */
  problems: SaidProblem[]
  /** What there is to know though it may be ok. */
  notices: SaidProblem[]
  dataDir: string
  bootstrap: { host: string; port: number }[]
}

/** Asks the chain what became of everything, and adds what does not hold to the problems. */
export async function summarise(findings: Findings): Promise<NetworkResult> {
  const { observer, names, hypercores, wantedCopies, consumer } = findings
  const { chain } = observer.member
  const problems = [...findings.problems]
  const summary = await chain.summary()
  const { parameters } = await chain.info()
  const say = (code: SaidProblem['code'], message: string, who: Uint8Array | null = null): void => {
    problems.push(saidProblem({ code, message, who }))
  }
  const copies: NetworkResult['copies'] = []
  for (const key of hypercores) {
    const view = await chain.hypercore(key)
    const active = view?.copies.filter(({ state }) => state === 'active') ?? []
    if (active.length < wantedCopies) {
      say('COPIES_MISSING', `${active.length} of ${wantedCopies} copies are there`, key)
      if (view) problems.push(...problemsOf(view, parameters).map(saidProblem))
      else say('HYPERCORE_UNKNOWN', 'the chain does not know it', key)
    }
    for (const copy of active) {
      copies.push(...describe(copy, names))
      problems.push(...shortcomings(copy, observer))
    }
  }
  problems.push(...failures(observer))
  const challenges = { storage: tally(summary.storage), retrieval: tally(summary.retrieval) }
  const { minted, burned, sum } = summary
  if (sum !== 0n) say('LEDGER_SUM', `the accounts sum to ${sum}, not 0`)
  if (minted === 0n || burned === 0n) say('NOTHING_PAID', 'nothing was minted or burned')
  if (!consumer.identical) say('READ_DIFFERS', 'what the consumer read is not what was published')
  return {
    ok: problems.length === 0,
    driveKey: idEncoding.encode(findings.driveKey),
    chainKey: idEncoding.encode(chain.chainKey),
    copies,
    challenges,
    tokens: { minted, burned, sum },
    reputations: await reputationsOf(observer, names),
    consumer,
    dataDir: findings.dataDir,
    bootstrap: findings.bootstrap,
    problems: [...problems, ...findings.notices]
  }
}

function describe(copy: CopyView, names: ReadonlyMap<string, string>): NetworkResult['copies'] {
  return copy.segments.map(({ key, pinner, signer, codec, chunks, bytes, root }) => ({
    hypercore: idEncoding.encode(key),
    pinner: idEncoding.encode(pinner),
    pinnerName: nameOf(names, pinner),
    signer: idEncoding.encode(signer),
    signerName: nameOf(names, signer),
    codec,
    chunks,
    bytes,
    root: toHex(root)
  }))
}

function shortcomings({ id, pinner }: CopyView, { copies }: Observer): SaidProblem[] {
  const record = copies.get(id)
  const missing: string[] = []
  if (!record?.storage.success) missing.push(`copy ${id} has passed no storage challenge`)
  if (!record?.retrieval.success) missing.push(`copy ${id} has passed no retrieval check`)
  return missing.map((message) => saidProblem({ code: 'COPY_UNPROVEN', message, who: pinner }))
}

/** Outcomes that a pinner of this network, which are all honest, should have had no part in. */
function failures({ copies }: Observer): SaidProblem[] {
  const found: SaidProblem[] = []
  for (const [id, record] of copies) {
    for (const kind of ['storage', 'retrieval'] as const) {
      for (const [outcome, times] of Object.entries(record[kind])) {
        if (outcome === 'success' || outcome === 'unknown') continue
        const message = `an honest pinner failed: ${times} ${kind} challenges of copy ${id} came to ${outcome}`
        found.push(saidProblem({ code: 'PINNER_FAILED', message, who: record.pinner }))
      }
    }
  }
  return found
}

async function reputationsOf(
  { member: { chain } }: Observer,
  names: ReadonlyMap<string, string>
): Promise<NetworkResult['reputations']> {
  const rows: NetworkResult['reputations'] = []
  const roles = await chain.roles()
  roles.sort((a, b) => roleNames.indexOf(a.role) - roleNames.indexOf(b.role))
  for (const { key, role, reputationPpm, storagePpm, retrievalPpm } of roles) {
    const { balance } = await chain.account(key)
    const pinner = role === 'pinner'
    rows.push({
      name: nameOf(names, key),
      key: idEncoding.encode(key),
      storage: (pinner ? storagePpm : reputationPpm) / 1e6,
      retrieval: pinner ? retrievalPpm / 1e6 : null,
      balance
    })
  }
  return rows
}

/** `unknown` is the chain's own failure to judge: neither side of the tally. */
function tally(outcomes: Record<Outcome, number>): Tally {
  const { success, failure, offline, refused, lie } = outcomes
  return { passed: success, failed: failure + offline + refused + lie }
}

function nameOf(names: ReadonlyMap<string, string>, key: Uint8Array): string {
  return names.get(toHex(key)) ?? idEncoding.encode(key)
}
