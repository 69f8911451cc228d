import type { CodecName } from '../../src/chunk/header.js'
import type { Moved } from '../../src/profile/report.js'
import type { Suite } from '../harness.js'
import { bothEnds, bytesOf, MOST_NETWORK_ROUNDS, networkRow, onNetwork } from '../network.js'

const CODECS: readonly CodecName[] = ['wrap', 'seal']

/**
 * A signer hands a segment to a pinner, each in a process of its own on a DHT on loopback: encoded, sent, checked, stored,
 * the author's tree rebuilt. Beside it, in the same rounds, stock hypercore replicates the same bytes, which encodes and
 * proves nothing; and a bare encrypted stream carries bytes, which stores nothing either.
 */
const suite: Suite = async ({ cores, quick, rounds, keep, absent, signal }) => {
  absent('transfer: blind-peer is not compared with')
  for (const chunkBytes of quick ? [64 << 10] : [64 << 10, 1 << 20]) {
    const [raw, stock]: [Moved[], Moved[]] = [[], []]
    const handed = new Map<CodecName, Moved[]>(CODECS.map((codec) => [codec, []]))
    await onNetwork({ chunkBytes, threads: cores, quick, signal }, async (run) => {
      for (let round = 0; round < (quick ? 1 : Math.min(rounds, MOST_NETWORK_ROUNDS)); round++) {
        raw.push(await run.raw())
        stock.push(await run.replication(bytesOf('wrap', quick)))
        for (const codec of round % 2 === 0 ? CODECS : CODECS.toReversed()) {
          const { handOver } = await run.codec(codec, bytesOf(codec, quick), [])
          handed.get(codec)!.push(handOver)
          await run.clean()
        }
      }
    })
    const head = { suite: 'transfer', chunkBytes, threads: cores, readers: 1 }
    const row = (name: string, moved: Moved[]) => ({ moved, stock, cpuOf: bothEnds, name })
    for (const [codec, moved] of handed) {
      const { name, ...figures } = row(`signer to pinner, ${codec}`, moved)
      keep(await networkRow({ ...head, name, role: 'subject', codec }, figures))
    }
    keep(await networkRow({ ...head, name: 'stock replication', role: 'alternative' }, row('', stock)))
    keep(await networkRow({ ...head, name: 'bare encrypted stream', role: 'ceiling' }, row('', raw)))
  }
}

export default suite
