import type { CodecName } from '../../src/chunk/header.js'
import type { Moved } from '../../src/profile/report.js'
import type { Suite } from '../harness.js'
import { bytesOf, MOST_NETWORK_ROUNDS, networkRow, onNetwork, perMegabyte, senderOnly } from '../network.js'

const CODECS: readonly CodecName[] = ['wrap', 'seal']
const READERS = [1, 3]

/**
 * A pinner serves what it was handed to stock readers, beside a stock seeder of the same bytes in the same rounds; each in
 * a process of its own. CPU time is the server's. Each number of readers meets a pinner that has opened nothing yet.
 */
const suite: Suite = async ({ cores, quick, rounds, keep, absent, signal }) => {
  absent('serve: blind-peer is not compared with')
  for (const chunkBytes of quick ? [64 << 10] : [64 << 10, 1 << 20]) {
    const served = new Map<string, { moved: Moved[]; stock: Moved[]; open: number[] }>()
    const of = (codec: CodecName, readers: number) => {
      const id = `${codec} ${readers}`
      const known = served.get(id) ?? { moved: [], stock: [], open: [] }
      served.set(id, known)
      return known
    }
    const stocks = new Map<number, Moved[]>(READERS.map((readers) => [readers, []]))
    await onNetwork({ chunkBytes, threads: cores, quick, signal }, async (run) => {
      for (let round = 0; round < (quick ? 1 : Math.min(rounds, MOST_NETWORK_ROUNDS)); round++) {
        for (const readers of READERS) {
          const stock = await run.replication(bytesOf('wrap', quick), readers)
          stocks.get(readers)!.push(stock)
          for (const codec of round % 2 === 0 ? CODECS : CODECS.toReversed()) {
            const { handOver, serve } = await run.codec(codec, bytesOf(codec, quick), [readers])
            const known = of(codec, readers)
            known.moved.push(serve)
            known.stock.push(stock)
            // Taking a chunk in opens it, and hashes it as opening for a reader does.
            const opening = handOver.to.stages.filter(({ stage }) =>
              /^(mask and RSA|cipher|hash)$/.test(stage)
            )
            const ms = opening.reduce((sum, { cpuMs }) => sum + cpuMs, 0)
            known.open.push(perMegabyte(ms, handOver.to))
            await run.clean()
          }
        }
      }
    })
    const head = { suite: 'serve', chunkBytes, threads: cores }
    for (const readers of READERS) {
      for (const codec of CODECS) {
        const { moved, stock, open } = of(codec, readers)
        const figures = { moved, stock, cpuOf: senderOnly, openMsPerMB: open }
        keep(await networkRow({ ...head, name: `serve ${codec}`, role: 'subject', codec, readers }, figures))
      }
      const stock = stocks.get(readers)!
      const figures = { moved: stock, stock, cpuOf: senderOnly }
      keep(await networkRow({ ...head, name: 'stock seeder', role: 'alternative', readers }, figures))
    }
  }
}

export default suite
