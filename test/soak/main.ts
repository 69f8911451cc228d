import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/clock.js'
import { pause } from '../../src/wait.js'
import { runProgram } from '../cli/program.js'
import type { Closing } from '../helpers/close-after.js'
import { figures, parseMetrics, sizesOf } from './figures.js'
import { Load } from './load.js'
import { published, startNetwork, stop, type Watched } from './network.js'
import { rowsOf, soakHtml, tableText, type Series } from './report.js'

// npm run soak -- [--minutes N] [--json FILE] [--html FILE]: all roles as programs of their own, with an author who goes on writing and
// readers who come and go, watched from outside. Exit code 1 if anything grows that should not, a read fails, an honest pinner
// fails a challenge, or the log does not hold.

const USAGE = 'Usage: npm run soak -- [--minutes N] [--json FILE] [--html FILE]\n'
const SAMPLE_MS = 5_000
const DRIVES = [
  { bytes: 8_000_000, codec: 'wrap' },
  { bytes: 1_000_000, codec: 'seal' }
]

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    json: { type: 'string' },
    html: { type: 'string' },
    help: { type: 'boolean', default: false }
  }
})
const minutes = Number(values.minutes)
if (values.help || !(minutes >= 1 && minutes <= 60 * 24 * 7)) {
  ;(values.help ? process.stdout : process.stderr).write(USAGE)
  process.exit(values.help ? 0 : 2)
}
process.env.DATDOT_PRIVATE_ONLY = '1'

const closes: (() => unknown)[] = []
const room: Closing = { after: (close) => void closes.push(close) }
const over = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => over.abort())
let code = 1
try {
  code = await soak()
} finally {
  for (const close of closes) await close()
}
process.exit(code)

async function soak(): Promise<number> {
  say('starting a chain, three nodes of all roles, and publishing')
  const network = await startNetwork(room)
  const programs = [network.chain, ...network.nodes]
  const drives = []
  for (const { bytes, codec } of DRIVES) drives.push(await published(room, network, bytes, codec))
  const load = new Load(room, network, drives)
  const series: Series[] = programs.flatMap(({ name }) =>
    figures.map((figure) => ({ program: name, figure, readings: [] }))
  )
  /** Challenges by program and outcome, as they were counted last. */
  const outcomes = new Map<string, number>()
  say(`watching for ${minutes} minutes`)
  const began = performance.now()
  const ends = setTimeout(() => over.abort(), minutes * 60_000)
  const faults: string[] = []
  const loaded = load.run(over.signal).catch((error: Error) => {
    faults.push(`the load ended: ${error.message}`)
    over.abort()
  })
  while (!over.signal.aborted) {
    const minute = (performance.now() - began) / 60_000
    await Promise.all(programs.map((program) => sample(program, minute, series, outcomes)))
    for (const { name, child } of programs) {
      if (child.exitCode === null) continue
      faults.push(`${name} ended with ${child.exitCode}`)
      over.abort()
    }
    const { appended, reads, failed } = load.work
    if (process.stderr.isTTY) {
      process.stderr.write(
        `\r\x1b[2K${minute.toFixed(1)} of ${minutes} min, ${appended} appended, ${reads} reads, ${failed.length} failed`
      )
    }
    await pause(systemClock, SAMPLE_MS, over.signal)
  }
  clearTimeout(ends)
  await loaded
  if (process.stderr.isTTY) process.stderr.write('\n')
  for (const program of programs.toReversed()) {
    const ended = await stop(program)
    if (ended !== 0) faults.push(`${program.name} was stopped and ended with ${ended}`)
  }
  const audit = await runProgram(room, ['audit', network.chain.folder, '--structural'])
  if (audit.code !== 0) faults.push(`the log does not hold: ${audit.stdout}${audit.stderr}`)
  faults.push(...load.work.failed)
  for (const [outcome, count] of outcomes)
    if (!outcome.endsWith(' success') && count > 0) faults.push(`challenges, ${outcome}: ${count}`)
  const rows = rowsOf(series)
  faults.push(
    ...rows.flatMap(({ fault, program, figure }) => (fault ? [`${program}, ${figure}: ${fault}`] : []))
  )
  const { appended, reads, readBytes } = load.work
  const notes = [
    `${minutes} minutes on ${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}`,
    `${appended} blocks appended, ${reads} reads of ${(readBytes / 1e6).toFixed(0)} MB in all, challenges: ${[...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`
  ]
  process.stdout.write(tableText(rows) + notes.join('\n') + '\n')
  for (const fault of faults) process.stdout.write(`FAULT: ${fault}\n`)
  process.stdout.write(faults.length === 0 ? 'All of it is flat, and held.\n' : '')
  if (values.json) writeFileSync(values.json, JSON.stringify({ notes, faults, rows, series }, null, 1) + '\n')
  if (values.html) writeFileSync(values.html, soakHtml(series, rows, notes))
  return faults.length === 0 ? 0 : 1
}

async function sample(
  { name, metricsUrl, folder }: Watched,
  minute: number,
  series: readonly Series[],
  outcomes: Map<string, number>
): Promise<void> {
  const text = await fetch(metricsUrl, { signal: AbortSignal.timeout(SAMPLE_MS) }).then(
    (answer) => answer.text(),
    () => ''
  )
  const [metrics, sizes] = [parseMetrics(text), await sizesOf(folder)]
  for (const { program, figure, readings } of series) {
    if (program !== name) continue
    const value = figure.of(metrics, sizes)
    if (value !== undefined) readings.push({ minute, value })
  }
  for (const [, outcome, count] of text.matchAll(
    /^datdot_challenges_total\{.*outcome="(\w+)".*\} (\d+)$/gm
  )) {
    outcomes.set(`${name} ${outcome}`, Number(count))
  }
}

function say(text: string): void {
  process.stderr.write(text + '\n')
}
