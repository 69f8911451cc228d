import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { CODEC_IDS, type CodecName } from '../chunk/header.js'
import { systemClock } from '../clock.js'
import { InputError } from '../errors.js'
import { profileHtml } from '../profile/html.js'
import { runProfile, type ProfileOptions } from '../profile/profile.js'
import type { InputSource } from '../profile/source.js'
import { profileText } from '../profile/text.js'
import { isLoopback } from '../swarm/dht.js'
import {
  EXIT_INTERRUPTED,
  EXIT_OK,
  bootstrapOption,
  bytesOption,
  integerOption,
  parseOptions,
  type Command,
  type CommandIo
} from './command.js'
import { liveProgress, quietProgress } from './progress.js'

const codecNames = Object.keys(CODEC_IDS) as CodecName[]
/** Hypercore's own limit of a block. */
const MOST_CHUNK_BYTES = 15 << 20

const help = `Usage: datdot profile [OPTIONS]

Answers for this machine whether the network or the encryption is the limit: runs the real pipeline between real
processes over the real swarm on loopback. First the wire alone, then stock replication, then for each codec a signer that
hands a segment to a pinner, which then serves it to a stock reader. It says what every stage costs, how busy each thread
was, who waited for whom, and up to which link speed the machine keeps up.

  --input KEY|PATH  what to measure with: a file, a folder, or a hypercore with its --bootstrap (default: random bytes)
  --bootstrap HOST:PORT[,HOST:PORT]
                    the DHT on which KEY is found
  --codec NAME      ${codecNames.join(' or ')} (default: each)
  --chunk-size SIZE bytes of a chunk, also of those of PATH; a KEY has its own (default 64KiB)
  --threads N       worker threads of each process (default: one for each core)
  --duration SECONDS
                    what one measurement aims at; there are 2 and 2 more for each codec (default 5)
  --json FILE       write all figures as JSON
  --html FILE       write them as one page with pictures, which needs nothing else
  --cpu-profile DIR have V8 write a CPU profile of each thread of each process there
  --help            this text

Links of 10, 100 and 1,000 Mbit/s are computed from what the stages cost, and marked so.
Exit codes: 0 measured, 1 it failed, 2 bad input, 130 stopped by Ctrl-C.
`

/** `datdot profile`: what encoding costs beside the network. */
export const profile: Command = {
  help,
  async run(args: string[], io: CommandIo): Promise<number> {
    const { options, json, html } = parse(args, io)
    for (const path of [json, html]) if (path !== undefined) await mkdir(dirname(path), { recursive: true })
    const progress =
      io.stderr.isTTY === true ? liveProgress(io.stderr, systemClock) : quietProgress(io.stderr)
    const steps =
      io.stderr.isTTY === true ? progress : { ...progress, step: (title: string) => progress.note(title) }
    try {
      const report = await runProfile(options, steps)
      progress.end(true)
      if (json !== undefined) await writeFile(json, JSON.stringify(report, null, 2) + '\n')
      if (html !== undefined) await writeFile(html, profileHtml(report))
      io.stdout.write(profileText(report))
      return EXIT_OK
    } catch (error) {
      progress.end(false)
      if (!io.signal.aborted) throw error
      io.stderr.write('datdot: stopped before all was measured\n')
      return EXIT_INTERRUPTED
    }
  }
}

function parse(
  args: string[],
  io: CommandIo
): { options: ProfileOptions; json: string | undefined; html: string | undefined } {
  const { values } = parseOptions('profile', {
    args,
    options: {
      input: { type: 'string' },
      bootstrap: { type: 'string' },
      codec: { type: 'string' },
      'chunk-size': { type: 'string' },
      threads: { type: 'string' },
      duration: { type: 'string' },
      json: { type: 'string' },
      html: { type: 'string' },
      'cpu-profile': { type: 'string' }
    }
  })
  const { codec } = values
  if (codec !== undefined && !Object.hasOwn(CODEC_IDS, codec)) {
    const names = codecNames.join(' or ')
    throw new InputError('OPTION_VALUE', `--codec takes ${names}, not ${JSON.stringify(codec)}`)
  }
  const chunkBytes = bytesOption('chunk-size', values['chunk-size'], { default: 64 << 10, min: 256 })
  if (chunkBytes > MOST_CHUNK_BYTES) {
    throw new InputError('OPTION_VALUE', `--chunk-size takes at most ${MOST_CHUNK_BYTES} bytes`)
  }
  const path = (given: string | undefined): string | undefined =>
    given === undefined ? undefined : resolve(io.cwd, given)
  const options: ProfileOptions = {
    input: inputOf(values.input, values.bootstrap, io.cwd),
    codecs: codec === undefined ? codecNames : [codec as CodecName],
    chunkBytes,
    threads: integerOption('threads', values.threads, { default: availableParallelism(), min: 1, max: 256 }),
    durationMs: 1000 * integerOption('duration', values.duration, { default: 5, min: 1, max: 600 }),
    cpuProfileDir: path(values['cpu-profile']),
    clock: systemClock,
    signal: io.signal
  }
  return { options, json: path(values.json), html: path(values.html) }
}

function inputOf(given: string | undefined, bootstrap: string | undefined, cwd: string): InputSource {
  if (given === undefined) return { kind: 'random' }
  if (!idEncoding.isValid(given)) return { kind: 'path', path: resolve(cwd, given) }
  if (bootstrap === undefined) {
    throw new InputError('BOOTSTRAP_MISSING', 'a KEY is looked for on a DHT; give its nodes with --bootstrap')
  }
  const nodes = bootstrapOption(bootstrap)
  const network = { bootstrap: nodes, ...(isLoopback(nodes) && { host: '127.0.0.1' }) }
  return { kind: 'key', key: idEncoding.decode(given), network }
}
