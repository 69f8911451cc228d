import * as idEncoding from 'hypercore-id-encoding'
import { roleNames, type Outcome } from '../protocol/operations.js'
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
  /** Why it is not ok, one sentence each. */
  problems: string[]
}

export interface Findings {
  observer: Observer
  /** Names of the participants by their keys in hex. */
  names: ReadonlyMap<string, string>
  driveKey: Buffer
  hypercores: Buffer[]
  wantedCopies: number
  consumer: NetworkResult['consumer']
  problems: string[]
  dataDir: string
  bootstrap: { host: string; port: number }[]
}

/** Asks the chain what became of everything, and adds what does not hold to the problems. */
export async function summarise(findings: Findings): Promise<NetworkResult> {
  const { observer, names, hypercores, wantedCopies, consumer } = findings
  const { chain } = observer.member
  const problems = [...findings.problems]
  const summary = await chain.summary()
  const copies: NetworkResult['copies'] = []
  for (const key of hypercores) {
    const view = await chain.hypercore(key)
    const active = view?.copies.filter(({ state }) => state === 'active') ?? []
    if (active.length < wantedCopies) {
      problems.push(`hypercore ${idEncoding.encode(key)} has ${active.length} of ${wantedCopies} copies`)
    }
    for (const copy of active) {
      copies.push(...describe(copy, names))
      problems.push(...shortcomings(copy, observer))
    }
  }
  problems.push(...failures(observer))
  const challenges = { storage: tally(summary.storage), retrieval: tally(summary.retrieval) }
  const { minted, burned, sum } = summary
  if (sum !== 0n) problems.push(`the accounts sum to ${sum}, not 0`)
  if (minted === 0n || burned === 0n) problems.push('nothing was minted or burned')
  if (!consumer.identical) problems.push('what the consumer read is not what was published')
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
    problems
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

function shortcomings({ id }: CopyView, { copies }: Observer): string[] {
  const record = copies.get(id)
  const missing: string[] = []
  if (!record?.storage.success) missing.push(`copy ${id} has passed no storage challenge`)
  if (!record?.retrieval.success) missing.push(`copy ${id} has passed no retrieval check`)
  return missing
}

/** Outcomes that a pinner of this network, which are all honest, should have had no part in. */
function failures({ copies }: Observer): string[] {
  const found: string[] = []
  for (const [id, record] of copies) {
    for (const kind of ['storage', 'retrieval'] as const) {
      for (const [outcome, times] of Object.entries(record[kind])) {
        if (outcome === 'success' || outcome === 'unknown') continue
        found.push(`an honest pinner failed: ${times} ${kind} challenges of copy ${id} came to ${outcome}`)
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
