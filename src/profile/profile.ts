import { InputError } from '../errors.js'
import { availableParallelism } from 'node:os'
import type { CodecName } from '../chunk/header.js'
import { scan } from '../drive/scan.js'
import { using } from '../lifecycle.js'
import { TemporaryFolder } from '../temporary-folder.js'
import { PrivateDht, type Network } from '../swarm/dht.js'
import { machine } from './machine.js'
import { reportOf, type CodecFigures, type ProfileReport } from './report.js'
import { PeerMachine } from './peer.js'
import { Run, type Launch, type RunOptions } from './run.js'

export interface ProfileOptions extends Omit<RunOptions, 'network' | 'dir' | 'onBytes'> {
  codecs: readonly CodecName[]
  /** Another machine that listens, instead of this one alone. */
  peer?: { code: Uint8Array; network: Network } | undefined
}

/** Told what is being measured, and how far it is. */
export interface ProfileProgress {
  step(title: string): void
  detail(text: string): void
}

/** Profiles this machine over loopback: the wire alone, stock replication, and each codec. */
export async function runProfile(options: ProfileOptions, progress: ProfileProgress): Promise<ProfileReport> {
  // Before anything is measured: what cannot be read is no input.
  if (options.input.kind === 'path') {
    const { path } = options.input
    if ((await scan(path)).bytes === 0) {
      throw new InputError('PATH_EMPTY', `${path} has no file with content; there is nothing to measure`)
    }
  }
  if (!options.peer) {
    return using(new PrivateDht(), ({ network }) => measure(options, progress, network, { link: 'loopback' }))
  }
  const { code, network } = options.peer
  progress.step('the other machine')
  const { clock } = options
  return using(new PeerMachine({ code, network, clock }), (peer) =>
    measure(options, progress, network, { link: `the way to ${peer.address}`, far: peer.launch })
  )
}

async function measure(
  options: ProfileOptions,
  progress: ProfileProgress,
  network: Network,
  { link, far }: { link: string; far?: Launch }
): Promise<ProfileReport> {
  return using(new TemporaryFolder('datdot-profile-'), async ({ path }) => {
    const onBytes = (bytes: number): void => progress.detail(`${(bytes / 1e6).toFixed(1)} MB`)
    const run = new Run({ ...options, network, dir: path, onBytes }, far)
    progress.step('the wire alone: an encrypted stream')
    const raw = await run.raw()
    const sizes = new Map<CodecName, number>()
    for (const codec of options.codecs) {
      progress.step(`how much to measure ${codec} with`)
      sizes.set(codec, await run.bytesFor(codec, raw.mbPerSecond))
    }
    const most = Math.max(...sizes.values())
    progress.step('an author’s hypercore')
    await run.prepared(most)
    progress.step('replication, as it comes')
    const replication = await run.replication(most)
    const codecs: CodecFigures[] = []
    for (const [codec, bytes] of sizes) {
      progress.step(`${codec}: signer to pinner, pinner to reader`)
      const { served, ...figures } = await run.codec(codec, bytes)
      void served
      codecs.push(figures)
      await run.clean()
    }
    return reportOf({
      machine: machine(),
      cores: availableParallelism(),
      threads: options.threads,
      chunkBytes: options.chunkBytes,
      input: inputName(options),
      link,
      raw,
      replication,
      codecs
    })
  })
}

function inputName({ input }: ProfileOptions): string {
  if (input.kind === 'random') return 'random bytes'
  return input.kind === 'path' ? `files of ${input.path}` : `hypercore ${input.key.toString('hex')}`
}
