import { encode } from 'hypercore-id-encoding'
import { entriesOf } from '../audit/file.js'
import { Database } from '../ledger/database.js'
import { verifyDraw, type DrawProof } from '../audit/draw.js'
import { InputError } from '../errors.js'
import { systemClock } from '../clock.js'
import { using } from '../lifecycle.js'
import { EXIT_OK, integerOption, parseOptions, type Command, type CommandIo } from './command.js'
import { findLog, type LogSource } from './log-source.js'
import { toHex } from '../bytes.js'

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

function toJson({ beacon, seed, key, excluded, lots, ...proof }: DrawProof): object {
  return {
    ...proof,
    beacon: beacon.toString('hex'),
    seed: toHex(seed),
    key: encode(key),
    excluded: excluded.map((one) => encode(one)),
    lots: lots.map((lot) => ({ ...lot, key: encode(lot.key), backing: lot.backing.toString() }))
  }
}

function describe(proof: DrawProof): string {
  const { id, task, copy, round, seq, role, beacon, seed, total, excluded, lots, key } = proof
  const name = (of: Buffer): string => `${encode(of).slice(0, 12)}…`
  const lines = [
    `draw ${id}: a ${role} for task ${task}, copy ${copy}`,
    `made by entry ${seq} of the log, with the candidates that were frozen before round ${round} showed its value`,
    `beacon of round ${round}: ${beacon.toString('hex')}`,
    `seed ${toHex(seed)}, weights of together ${total}`,
    ...excluded.map((one) => `  left out   ${name(one)}`),
    ...lots.map(
      ({ key: one, weight, fits }) =>
        `  ${fits ? 'drawn      ' : 'passed over'} ${name(one)} weighs ${weight}`
    ),
    encode(key),
    'the same as the log says',
    ''
  ]
  return lines.join('\n')
}

export const verifyDrawCommand: Command = { help, run }
