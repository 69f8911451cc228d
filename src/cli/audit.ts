import type { SharedPrime } from '../audit/moduli.js'
import { resolve } from 'node:path'
import { encode } from 'hypercore-id-encoding'
import { auditLog } from '../audit/replay.js'
import { auditFile } from '../audit/file.js'
import type { AuditOptions, AuditReport } from '../audit/report.js'
import { readReceipts } from '../client/receipt-file.js'
import { systemClock } from '../clock.js'
import { signaturesOnWorkers } from '../ledger/signature-checks.js'
import { Engine } from '../engine/engine.js'
import { InputError } from '../errors.js'
import { judgesOnWorkers } from '../evidence/on-workers.js'
import { using } from '../lifecycle.js'
import { TemporaryFolder } from '../temporary-folder.js'
import {
  bytesOption,
  EXIT_FAILED,
  EXIT_OK,
  integerOption,
  parseOptions,
  type Command,
  type CommandIo
} from './command.js'
import { findLog, type LogSource } from './log-source.js'
import type { Receipt } from '../protocol/views.js'
import type { Tasks } from '../../workers/tasks.js'
import { toHex } from '../bytes.js'

const help = `Usage: datdot audit [LEDGER or CHAIN KEY] [--bootstrap HOST:PORT,…] [--timeout SECONDS] [--json]
                    [--receipts FILE] [--head HASH] [--structural] [--evidence-limit SIZE] [--require-evidence]

Replays a chain's log into a fresh database and works out everything again: signatures, hashes, postings,
draws, challenges, reputations and the state. Then the public evidence: every verdict inside the
evidence window is worked out again from the bytes. LEDGER is a ledger.db, or a folder that holds one, such as the
data folder of datdot up (default: this folder). With a chain's key log and evidence are followed over the network.

  --bootstrap         DHT to find the chain on; needed for a private one
  --timeout           seconds that an entry, or a block of evidence, may take to arrive (default 30)
  --receipts          receipts that the chain gave, such as a role's receipts.jsonl: the log must have the entry of each
  --head              hash that an entry of the log must have, as somebody saw it (64 hexadecimal digits)
  --structural        leave the evidence out: it is most of what an audit downloads
  --evidence-limit    evidence that is read at the most (default 16GiB)
  --require-evidence  evidence that is missing inside the window counts as a fault
  --json              print the report as one JSON object

Exit code: 0 all of it holds, 1 an entry or the stored state does not (the first is named), 2 bad input.
`

async function run(args: string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseOptions('audit', {
    args,
    allowPositionals: true,
    options: {
      bootstrap: { type: 'string' },
      timeout: { type: 'string' },
      receipts: { type: 'string' },
      head: { type: 'string' },
      structural: { type: 'boolean', default: false },
      'evidence-limit': { type: 'string' },
      'require-evidence': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false }
    }
  })
  if (positionals.length > 1) {
    throw new InputError('OPTION_VALUE', 'datdot audit takes one ledger or key; see datdot audit --help')
  }
  const seconds = integerOption('timeout', values.timeout, { default: 30, min: 1, max: 86_400 })
  const maxBytes = bytesOption('evidence-limit', values['evidence-limit'], { default: 16 * 2 ** 30, min: 0 })
  const receipts =
    values.receipts === undefined ? undefined : await readReceipts(resolve(io.cwd, values.receipts))
  const head = values.head === undefined ? undefined : hashOption(values.head)
  const log = await findLog(positionals[0] ?? '.', {
    cwd: io.cwd,
    bootstrap: values.bootstrap,
    timeoutMs: seconds * 1_000,
    clock: systemClock
  })
  const evidence = values.structural ? undefined : { maxBytes, required: values['require-evidence'] }
  return using(log, () =>
    using(new Engine<Tasks>(), (engine) =>
      using(new TemporaryFolder('datdot-evidence-'), async ({ path }) => {
        const report = await audited(log, engine, { io, folder: path, evidence, receipts, head })
        io.stdout.write(values.json ? JSON.stringify(toJson(report)) + '\n' : describe(report))
        return report.ok ? EXIT_OK : EXIT_FAILED
      })
    )
  )
}

/** Audits an open log; `evidence` is left out if undefined. */
async function audited(
  log: LogSource,
  engine: Engine<Tasks>,
  {
    io,
    folder,
    evidence,
    receipts,
    head
  }: {
    io: CommandIo
    folder: string
    evidence: { maxBytes: number; required: boolean } | undefined
    receipts: Receipt[] | undefined
    head: Uint8Array | undefined
  }
): Promise<AuditReport> {
  const options: AuditOptions = {
    verify: signaturesOnWorkers((name, task) => engine.call(name, task)),
    signal: io.signal,
    ...(receipts && { receipts }),
    ...(head && { head })
  }
  if (evidence) {
    options.evidence = {
      open: (chainKey) => log.evidence(chainKey),
      ...judgesOnWorkers({
        verify: (tasks, limits) => engine.call('verify-evidence', tasks, limits),
        judge: (task, limits) => engine.call('judge-refusal', task, limits),
        judgeOpening: (task, limits) => engine.call('judge-opening', task, limits)
      }),
      folder,
      ...evidence
    }
  }
  if (io.stderr.isTTY === true) {
    options.onProgress = (entries) => io.stderr.write(`\r${entries} entries hold`)
  }
  try {
    if (log.kind === 'file') return await auditFile(log.path, options)
    return await auditLog(log.entries(io.signal), { ...options, chainKey: log.chainKey })
  } finally {
    if (io.stderr.isTTY === true) io.stderr.write('\r\x1b[K')
  }
}

function toJson(report: AuditReport): object {
  const {
    ok,
    failure,
    entries,
    kinds,
    draws,
    settled,
    pruned,
    evidence,
    receipts,
    moduli,
    chainKey,
    chainId,
    head,
    stateHash,
    sum
  } = report
  return {
    ok,
    failure,
    entries,
    kinds,
    draws,
    settled,
    pruned,
    evidence,
    receipts,
    moduli: moduli && { ...moduli, shared: moduli.shared.map(sharedToJson) },
    chainKey: chainKey && encode(chainKey),
    chainId: chainId && toHex(chainId),
    head: head && toHex(head),
    stateHash: stateHash?.toString('hex') ?? null,
    sum: sum.toString()
  }
}

/** As `datdot claim-bounty` takes it. */
function sharedToJson({ hash, factor, ...at }: SharedPrime): { hash: string; factor: string } & typeof at {
  return { ...at, hash: toHex(hash), factor: factor.toString(16) }
}

function describe(report: AuditReport): string {
  const { failure, entries, draws, settled, pruned, evidence, receipts } = report
  const lines = [`chain       ${report.chainKey ? encode(report.chainKey) : 'unknown'}`]
  lines.push(`entries     ${entries} hold`)
  lines.push(`draws       ${draws} made again, all the same`)
  lines.push(`challenges  ${settled} were answered and settled`)
  if (evidence) {
    const { full, undecided, missing, left, older, bytes } = evidence
    lines.push(
      `evidence    ${full} verdicts worked out again from ${bytes} bytes; ${older} are older than the window`
    )
    if (left > 0) lines.push(`left out    ${left} whose evidence is beyond the limit`)
    if (undecided > 0)
      lines.push(`undecided   ${undecided} whose evidence took a worker thread with it: report them`)
    if (missing > 0) lines.push(`missing     ${missing} whose evidence should be public and is not to be had`)
  }
  if (receipts) {
    lines.push(`receipts    ${receipts.held} are of entries that are there`)
    if (receipts.foreign > 0)
      lines.push(`foreign     ${receipts.foreign} receipts that this chain did not sign`)
  }
  const { moduli } = report
  if (moduli && moduli.checked > 0) {
    lines.push(
      `moduli      ${moduli.checked} were held against each other, ${moduli.shared.length} share a prime`
    )
    if (moduli.left > 0) lines.push(`older       ${moduli.left} moduli were left out`)
    for (const one of moduli.shared.slice(0, 20)) {
      const { copy, segment, hash, factor } = sharedToJson(one)
      lines.push(`shared      copy ${copy}, segment ${segment}: --segment ${hash} --factor ${factor}`)
    }
  }
  if (pruned > 0) lines.push(`pruned      ${pruned} operations were checked without their details`)
  if (report.stateHash) lines.push(`state       ${report.stateHash.toString('hex')}`)
  if (report.head) lines.push(`head        ${toHex(report.head)}`)
  if (failure) {
    const where = failure.seq === null ? 'the stored state' : `entry ${failure.seq}`
    lines.push('', `does not hold: ${where}: ${failure.reason} [${failure.code}]`)
  } else lines.push(`sum         ${report.sum} grains`, '', 'all of it holds')
  return lines.join('\n') + '\n'
}

function hashOption(value: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(value)) return Buffer.from(value, 'hex')
  throw new InputError(
    'OPTION_VALUE',
    `--head takes 64 hexadecimal digits, not ${JSON.stringify(value.slice(0, 80))}`
  )
}

export const audit: Command = { help, run }
