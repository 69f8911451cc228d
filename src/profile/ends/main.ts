/** One end of a measurement, in a process of its own: is told which in its first message, and ends with its parent. */
import { systemClock } from '../../clock.js'
import { DatdotError } from '../../errors.js'
import type { EndName, EndOptions, Port } from '../port.js'
import { pinner } from './pinner.js'
import { reader, seeder } from './plain.js'
import { rawSink, rawSource } from './raw.js'
import { signer } from './signer.js'

const ends: { [N in EndName]: (options: EndOptions[N], port: Port) => Promise<void> } = {
  seeder,
  reader,
  'raw-source': rawSource,
  'raw-sink': rawSink,
  signer,
  pinner
}

const given = new Set<string>()
const waiting = new Map<string, () => void>()

const port: Port = {
  clock: systemClock,
  say: (event, value) => void process.send?.({ event, value }),
  order: (name) =>
    new Promise((resolve) => {
      if (given.delete(name)) return resolve()
      waiting.set(name, resolve)
    })
}

async function run<N extends EndName>(end: N, options: EndOptions[N]): Promise<void> {
  let last: { event: string; value: unknown }
  try {
    await ends[end](options, port)
    last = { event: 'closed', value: null }
  } catch (error) {
    const { message, code } = error as DatdotError
    last = { event: 'failed', value: { code: error instanceof DatdotError ? code : null, message } }
    process.exitCode = 1
  }
  process.send?.(last, () => process.disconnect?.())
}

process.on('message', (message: { end: EndName; options: EndOptions[EndName] } | { order: string }) => {
  if ('end' in message) return void run(message.end, message.options)
  const { order } = message
  const take = waiting.get(order)
  waiting.delete(order)
  if (take) take()
  else given.add(order)
})
// Nobody is left to tell.
process.on('disconnect', () => process.exit())
