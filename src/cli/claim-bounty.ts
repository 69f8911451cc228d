import { join, resolve } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { UINT_MAX } from '../bounds.js'
import { toHex } from '../bytes.js'
import { systemClock } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import { InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { FileLog } from '../log.js'
import { RoleFolder } from '../roles/data-folder.js'
import { Finder } from '../roles/finder.js'
import type { MemberOptions } from '../roles/member.js'
import { isLoopback } from '../swarm/dht.js'
import { unlessAborted } from '../wait.js'
import {
  EXIT_INTERRUPTED,
  EXIT_OK,
  bootstrapOption,
  integerOption,
  parseOptions,
  type Command,
  type CommandIo
} from './command.js'

/** `datdot claim-bounty`: convicts a signer whose key is not gone, and is paid for it. */
export const claimBounty: Command = {
  help: `Usage: datdot claim-bounty --data DIR --chain KEY --bootstrap HOST:PORT[,HOST:PORT] --segment HASH WHAT

Shows that the key of a sealed segment is not gone, for half of what its signer has locked. Needs no money and no account: the
identity in DIR, made on the first start and printed, is what is paid.

WHAT is one of
  --factor HEX      a factor of the segment's modulus (datdot audit shows those of primes that segments share): commits to it,
                    waits two rounds and shows it; after an interruption the same command goes on
  --ask             print a number whose root only the segment's key can make
  --round N --root HEX  a root of the number that --ask printed for round N

  --data DIR        folder of the finder: identity, and claims under way
  --chain KEY       the chain's public key
  --bootstrap …     nodes of the DHT on which the chain is reached
  --segment HASH    hash of the segment's record, 64 hexadecimal digits
  --json            print one JSON object
  --help            this text

Exit codes: 0 it was claimed, 1 the chain did not take it, 2 bad input, 130 stopped by Ctrl-C.
`,
  run
}

const SEGMENT_HEX = /^[0-9a-f]{64}$/i
const NUMBER_HEX = /^[0-9a-f]{1,512}$/i

async function run(args: string[], io: CommandIo): Promise<number> {
  const { values } = parseOptions('claim-bounty', {
    args,
    options: {
      data: { type: 'string' },
      chain: { type: 'string' },
      bootstrap: { type: 'string' },
      segment: { type: 'string' },
      factor: { type: 'string' },
      ask: { type: 'boolean', default: false },
      round: { type: 'string' },
      root: { type: 'string' },
      json: { type: 'boolean', default: false }
    }
  })
  const { data, chain, bootstrap: nodes, segment: name, factor, ask, round, root } = values
  const missing = [data, chain, nodes, name].includes(undefined)
  const ways = Number(factor !== undefined) + Number(ask) + Number(root !== undefined)
  if (missing || ways !== 1 || (root === undefined) !== (round === undefined)) {
    throw new InputError(
      'OPTION_MISSING',
      'claim-bounty needs --data, --chain, --bootstrap, --segment and one of --factor, --ask or --round with --root; see datdot claim-bounty --help'
    )
  }
  if (!idEncoding.isValid(chain!)) {
    const said = JSON.stringify(chain)
    throw new InputError('OPTION_VALUE', `--chain takes a public key in z-base-32 or hex, not ${said}`)
  }
  const segment = Buffer.from(hexOption('segment', name!, SEGMENT_HEX, '64 hexadecimal digits'), 'hex')
  const digits = factor ?? root
  const number =
    digits === undefined
      ? 0n
      : BigInt(
          `0x${hexOption(factor ? 'factor' : 'root', digits, NUMBER_HEX, 'a hexadecimal number below 2^2048')}`
        )
  const at = integerOption('round', round, { default: 0, min: 1, max: UINT_MAX })
  const bootstrap = bootstrapOption(nodes!)
  const running = new FinderRun({
    dir: resolve(io.cwd, data!),
    network: { bootstrap, ...(isLoopback(bootstrap) ? { host: '127.0.0.1' } : {}) },
    chainKey: idEncoding.decode(chain!),
    clock: systemClock,
    randomBytes: (length) => randomBytes(length)
  })
  try {
    await running.ready()
    const { finder } = running
    const key = idEncoding.encode(finder.publicKey)
    if (ask) {
      const wanted = await unlessAborted(finder.rootWanted(segment), io.signal)
      const facts = { key, round: wanted.round, value: toHex(wanted.value), modulus: toHex(wanted.publicKey) }
      const text = `finder   ${key}\nround    ${facts.round}\nvalue    ${facts.value}\nmodulus  ${facts.modulus}\nwanted is z with z^65537 = value modulo the modulus\n`
      io.stdout.write(values.json ? `${JSON.stringify(facts)}\n` : text)
      return EXIT_OK
    }
    const claiming =
      factor === undefined
        ? finder.claimRoot(segment, at, numberBytes(number))
        : finder.claimFactor(segment, number)
    const { claim } = await unlessAborted(claiming, io.signal)
    const facts = { key, amount: (claim?.amount ?? 0n).toString(), round: claim?.round ?? null }
    const text = `finder   ${key}\nclaimed  ${facts.amount} grains, paid in round ${String(facts.round)} unless an older claim is shown before\n`
    io.stdout.write(values.json ? `${JSON.stringify(facts)}\n` : text)
    return EXIT_OK
  } catch (error) {
    if (!io.signal.aborted) throw error
    return EXIT_INTERRUPTED
  } finally {
    await running.close()
  }
}

function hexOption(name: string, text: string, form: RegExp, wanted: string): string {
  if (form.test(text)) return text.toLowerCase()
  throw new InputError('OPTION_VALUE', `--${name} takes ${wanted}, not ${JSON.stringify(text)}`)
}

function numberBytes(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(512, '0'), 'hex')
}

/** A finder with its folder and its log. */
class FinderRun extends Resource {
  readonly #options: Omit<MemberOptions, 'log'>
  finder!: Finder

  constructor(options: Omit<MemberOptions, 'log'>) {
    super()
    this.#options = options
  }

  protected async start(): Promise<void> {
    const { dir, clock, randomBytes } = this.#options
    const folder = new RoleFolder({ path: dir, role: 'finder', clock, randomBytes })
    const { path } = await this.acquire('folder', folder)
    const { log } = await this.acquire('log', new FileLog(join(path, 'log.ndjson'), clock))
    const options = { ...this.#options, dir: path, log: log.with({ role: 'finder' }) }
    this.finder = await this.acquire('finder', new Finder(options))
  }
}
