import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { parseKey } from '../drive/key.js'
import { codecNames } from '../chunk/header.js'
import { systemClock } from '../clock.js'
import { randomBytes } from '../crypto/keys.js'
import { word } from '../daemon/setting.js'
import { InputError } from '../errors.js'
import { using } from '../lifecycle.js'
import { profileHtml } from '../profile/html.js'
import { PeerListener } from '../profile/listener.js'
import { runProfile, type ProfileOptions } from '../profile/profile.js'
import type { InputSource } from '../profile/source.js'
import { profileText } from '../profile/text.js'
import { isLoopback, type Network } from '../swarm/dht.js'
import { TemporaryFolder } from '../temporary-folder.js'
import { aborted } from '../wait.js'
import {
  EXIT_INTERRUPTED,
  EXIT_OK,
  bootstrapOption,
  bytesOption,
  integerOption,
  optionOf,
  parseOptions,
  type Command,
  type CommandIo
} from './command.js'
import { liveProgress, quietProgress } from './progress.js'

/** Hypercore's own limit of a block. */
const MOST_CHUNK_BYTES = 15 << 20

const help = `Usage: datdot profile [OPTIONS]

Answers for this machine whether the network or the encryption is the limit: runs the real pipeline between real
processes over the real swarm on loopback. First the wire alone, then stock replication, then for each codec a signer that
hands a segment to a pinner, which then serves it to a stock reader. It says what every stage costs, how busy each thread
was, who waited for whom, and up to which link speed the machine keeps up.

  --input KEY|PATH  what to measure with: a file, a folder, or a hypercore with its --bootstrap (default: random bytes)
  --bootstrap HOST:PORT[,HOST:PORT]
                    the DHT on which KEY, or the other machine, is found (default for machines: the public one)
  --listen          have another machine measure the way to this one: prints a one-time code and answers one client
  --limit SIZE      bytes that the client of --listen may have moved here (default 8GiB)
  --peer CODE       measure the way to the machine that listens with that code: pinners and readers run there
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
    const { options, json, html, listen } = parse(args, io)
    if (listen) return listenOnce(listen, io)
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
): {
  options: ProfileOptions
  json: string | undefined
  html: string | undefined
  listen: { network: Network; limitBytes: number; threads: number } | undefined
} {
  const { values } = parseOptions('profile', {
    args,
    options: {
      input: { type: 'string' },
      bootstrap: { type: 'string' },
      listen: { type: 'boolean', default: false },
      limit: { type: 'string' },
      peer: { type: 'string' },
      codec: { type: 'string' },
      'chunk-size': { type: 'string' },
      threads: { type: 'string' },
      duration: { type: 'string' },
      json: { type: 'string' },
      html: { type: 'string' },
      'cpu-profile': { type: 'string' }
    }
  })
  const codec = optionOf('codec', word(codecNames), values.codec)
  const chunkBytes = bytesOption('chunk-size', values['chunk-size'], { default: 64 << 10, min: 256 })
  if (chunkBytes > MOST_CHUNK_BYTES) {
    throw new InputError('OPTION_VALUE', `--chunk-size takes at most ${MOST_CHUNK_BYTES} bytes`)
  }
  const path = (given: string | undefined): string | undefined =>
    given === undefined ? undefined : resolve(io.cwd, given)
  const options: ProfileOptions = {
    input: inputOf(values.input, values.bootstrap, io.cwd),
    codecs: codec === undefined ? codecNames : [codec],
    chunkBytes,
    threads: integerOption('threads', values.threads, { default: availableParallelism(), min: 1, max: 256 }),
    durationMs: 1000 * integerOption('duration', values.duration, { default: 5, min: 1, max: 600 }),
    cpuProfileDir: path(values['cpu-profile']),
    clock: systemClock,
    signal: io.signal,
    peer:
      values.peer === undefined
        ? undefined
        : { code: codeOf(values.peer), network: networkOf(values.bootstrap) }
  }
  if (values.listen && values.peer !== undefined) {
    throw new InputError('OPTION_VALUE', '--listen and --peer are for two machines; give each one of them')
  }
  const limitBytes = bytesOption('limit', values.limit, { default: 8 * 2 ** 30, min: 1 << 20 })
  const listen = values.listen
    ? { network: networkOf(values.bootstrap), limitBytes, threads: options.threads }
    : undefined
  return { options, json: path(values.json), html: path(values.html), listen }
}

/** Answers one client, and tells it nothing but what was measured. */
async function listenOnce(
  { network, limitBytes, threads }: { network: Network; limitBytes: number; threads: number },
  io: CommandIo
): Promise<number> {
  const code = randomBytes(32)
  return using(new TemporaryFolder('datdot-profile-'), ({ path }) => {
    const given = { network, code, dir: path, threads, limitBytes, clock: systemClock }
    return using(new PeerListener(given), async (listener) => {
      io.stdout.write(`On the other machine: datdot profile --peer ${idEncoding.encode(code)}\n`)
      await Promise.race([listener.ended, aborted(io.signal)])
      return io.signal.aborted ? EXIT_INTERRUPTED : EXIT_OK
    })
  })
}

/** The code that --listen has printed. @throws InputError OPTION_VALUE */
function codeOf(text: string): Uint8Array {
  if (idEncoding.isValid(text)) return idEncoding.decode(text)
  throw new InputError('OPTION_VALUE', '--peer takes the code that datdot profile --listen prints')
}

/** The DHT on which two machines meet. */
function networkOf(bootstrap: string | undefined): Network {
  if (bootstrap === undefined) return { bootstrap: [] }
  const nodes = bootstrapOption(bootstrap)
  return { bootstrap: nodes, ...(isLoopback(nodes) && { host: '127.0.0.1' }) }
}

function inputOf(given: string | undefined, bootstrap: string | undefined, cwd: string): InputSource {
  if (given === undefined) return { kind: 'random' }
  const named = parseKey(given)
  if (named === null) return { kind: 'path', path: resolve(cwd, given) }
  if (bootstrap === undefined) {
    throw new InputError('BOOTSTRAP_MISSING', 'a KEY is looked for on a DHT; give its nodes with --bootstrap')
  }
  return { kind: 'key', key: named.key, network: networkOf(bootstrap) }
}
