import { encode } from 'hypercore-id-encoding'
import { entriesOf } from '../audit/file.js'
import { Database } from '../ledger/database.js'
import { verifyDraw, type DrawProof } from '../audit/draw.js'
import { InputError } from '../errors.js'
import { systemClock } from '../clock.js'
import { using } from '../lifecycle.js'
import { EXIT_OK, integerOption, parseOptions, type Command, type CommandIo } from './command.js'
import { findLog, type LogSource } from './log-source.js'

const help = `Usage: datdot verify-draw ID [--ledger LEDGER or CHAIN KEY] [--bootstrap HOST:PORT,…] [--json]

Makes one draw of a chain's log again and prints how it came about: its seed, every try, and the order of
candidates that follows. The log is replayed up to the draw, with every signature and hash.

  --ledger      a ledger.db, a folder that holds one, or a chain's key (default: this folder)
  --bootstrap   DHT to find the chain on; needed for a private one
  --timeout     how long an entry may take to arrive, in seconds (default 30)
  --json        print the draw as one JSON object

Exit code: 0 the draw is right, 1 the log does not hold up to it, 2 bad input or no such draw.
`

async function run(args: string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseOptions('verify-draw', {
    args,
    allowPositionals: true,
    options: {
      ledger: { type: 'string' },
      bootstrap: { type: 'string' },
      timeout: { type: 'string' },
      json: { type: 'boolean', default: false }
    }
  })
  const [id] = positionals
  if (positionals.length !== 1 || !/^\d{1,15}$/.test(id!)) {
    throw new InputError(
      'OPTION_VALUE',
      'datdot verify-draw takes the number of a draw; see datdot verify-draw --help'
    )
  }
  const seconds = integerOption('timeout', values.timeout, { default: 30, min: 1, max: 86_400 })
  const log = await findLog(values.ledger ?? '.', {
    cwd: io.cwd,
    bootstrap: values.bootstrap,
    timeoutMs: seconds * 1_000,
    clock: systemClock
  })
  return using(log, async () => {
    const proof = await proven(log, Number(id), io.signal)
    io.stdout.write(values.json ? JSON.stringify(toJson(proof)) + '\n' : describe(proof))
    return EXIT_OK
  })
}

async function proven(log: LogSource, id: number, signal: AbortSignal): Promise<DrawProof> {
  if (log.kind === 'chain') return verifyDraw(log.entries(signal), id, { chainKey: log.chainKey, signal })
  const file = new Database(log.path, { readonly: true })
  try {
    file.raw.exec('BEGIN')
    return await verifyDraw(entriesOf(file), id, { signal })
  } finally {
    file.close()
  }
}

function toJson({ id, task, copy, round, beacon, seq, roles }: DrawProof): object {
  return {
    id,
    task,
    copy,
    round,
    beacon: beacon.toString('hex'),
    seq,
    roles: roles.map((role) => ({
      role: role.role,
      seed: role.seed.toString('hex'),
      slots: role.slots,
      maxWeight: role.maxWeight.toString(),
      tries: role.tries.map(({ slot, key, weight, roll, taken }) => {
        return { slot, key: encode(key), weight: weight.toString(), roll: roll.toString(), taken }
      }),
      order: role.order.map((key) => encode(key))
    }))
  }
}

function describe(proof: DrawProof): string {
  const lines = [
    `draw ${proof.id}: task ${proof.task}, copy ${proof.copy}`,
    `made by entry ${proof.seq} of the log, with the candidates as they were before it`,
    `beacon of round ${proof.round}: ${proof.beacon.toString('hex')}`
  ]
  for (const { role, seed, slots, maxWeight, tries, order } of proof.roles) {
    lines.push('', `${role}: ${slots} slots, weights up to ${maxWeight}`, `  seed ${seed.toString('hex')}`)
    for (const { slot, key, weight, roll, taken } of tries) {
      const name = encode(key).slice(0, 12)
      const why = taken ? `${roll} < ${weight}: taken` : `${roll} >= ${weight}: passed over`
      lines.push(`  slot ${String(slot).padStart(4)}  ${name}…  ${why}`)
    }
    lines.push(...order.map((key, index) => `  ${index === 0 ? 'drawn    ' : `fall-back`} ${encode(key)}`))
  }
  lines.push('', 'the same as the log says', '')
  return lines.join('\n')
}

export const verifyDrawCommand: Command = { help, run }
